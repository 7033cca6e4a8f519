// A network as it was trained becomes one that only infers.
import Zoo

package enum FreezeTraining: Pass {
  package static let name = "freezing"

  package static func run(_ graph: inout Graph) throws(CompileError) -> Bool {
    var changed = false
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      switch node.operation {
      case let norm as TrainableBatchNorm:
        let (scale, shift) = try affine(norm, node, graph)
        let channels = try Shape([scale.count])
        var frozen = BatchNorm()
        frozen.activation = norm.activation
        graph.nodes[index].operation = frozen
        graph.nodes[index].inputs = [
          node.inputs[0], graph.addConstant(node.name + ".scale", channels, scale),
          graph.addConstant(node.name + ".shift", channels, shift),
        ]
        changed = true
      case is Dropout:
        graph.nodes[index].operation = Reshape(graph[node.output].shape)
        changed = true
      default: continue
      }
    }
    return changed
  }

  /// scale = gamma / sqrt(variance + epsilon), shift = beta - mean scale, computed in Double.
  private static func affine(
    _ norm: TrainableBatchNorm, _ node: GraphNode, _ graph: Graph
  ) throws(CompileError) -> (scale: [Float], shift: [Float]) {
    guard let gamma = graph.floats(node.inputs[1]), let beta = graph.floats(node.inputs[2]),
      let mean = graph.floats(node.inputs[3]), let variance = graph.floats(node.inputs[4])
    else { throw CompileError("batch norm '\(node.name)': its parameters are not constant") }
    let scale = gamma.indices.map {
      Double(gamma[$0]) / (Double(variance[$0]) + Double(norm.epsilon)).squareRoot()
    }
    let shift = gamma.indices.map { Double(beta[$0]) - Double(mean[$0]) * scale[$0] }
    return (scale.map { Float($0) }, shift.map { Float($0) })
  }
}
