// Parameters, multiply-accumulates and bytes of a node.
import Zoo

/// What a node costs.
package struct Cost {
  /// Elements of its constants.
  package let parameters: Int
  /// Multiply-accumulates of convolutions and dense layers; 0 for everything else.
  package let macs: Int
  /// Bytes of its output.
  package let outputByteCount: Int

  package init(_ node: GraphNode, _ graph: Graph) {
    let output = graph[node.output]
    // Running statistics are not parameters.
    let learned = node.operation is TrainableBatchNorm ? node.inputs.prefix(3) : node.inputs[...]
    parameters = learned.compactMap { $0 }.filter { graph[$0].constant != nil }
      .reduce(0) { $0 + graph[$1].shape.elementCount }
    outputByteCount = output.shape.elementCount * output.type.byteWidth
    guard node.inputs.count > 1, let weights = node.inputs[1] else {
      macs = 0
      return
    }
    let w = graph[weights].shape
    switch node.operation {
    case is Conv2D: macs = output.shape.elementCount * w[1]
    case is DepthwiseConv2D: macs = output.shape.elementCount * w[0] * w[1]
    case is Dense: macs = output.shape.elementCount * w[0]
    default: macs = 0
    }
  }
}
