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
    parameters = Cost.parameters(node, graph)
    outputByteCount = output.shape.elementCount * output.type.byteWidth
    macs = output.shape.elementCount * Cost.depth(node, graph)
  }

  /// Elements of the constants; of integer layers the weights and one bias for each channel, without what quantisation adds.
  private static func parameters(_ node: GraphNode, _ graph: Graph) -> Int {
    let columns = graph[node.output].shape.last
    switch node.operation {
    case let integer as any IntegerOperation where integer.hasWeights:
      return (depth(node, graph) + 1) * columns
    case is Lookup: return 0
    default: break
    }
    // Running statistics are not parameters.
    let learned = node.operation is TrainableBatchNorm ? node.inputs.prefix(3) : node.inputs[...]
    return learned.compactMap { $0 }.filter { graph[$0].constant != nil }
      .reduce(0) { $0 + graph[$1].shape.elementCount }
  }

  /// Products summed for each output of a convolution or dense layer; 0 for everything else.
  private static func depth(_ node: GraphNode, _ graph: Graph) -> Int {
    guard node.inputs.count > 1, let input = node.inputs[0], let weights = node.inputs[1] else {
      return 0
    }
    let x = graph[input].shape
    let w = graph[weights].shape
    switch node.operation {
    case is Conv2D: return w[1]
    case is DepthwiseConv2D: return w[0] * w[1]
    case is Dense: return x.last
    case let integer as any IntegerOperation:
      switch integer.family {
      case .product:
        guard let window = integer.slidingWindow else { return x.last }
        return Int(window.kernelHeight) * Int(window.kernelWidth) * (x[3] / integer.groupCount)
      case .depthwise: return w[0] * w[1]
      default: return 0
      }
    default: return 0
    }
  }
}
