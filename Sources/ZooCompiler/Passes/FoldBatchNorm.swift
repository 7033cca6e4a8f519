// Scales and shifts per channel after a layer become part of its weights.
import Zoo

package enum FoldBatchNorm: Pass {
  package static let name = "batch norm folding"

  package static func run(_ graph: inout Graph) throws(CompileError) -> Bool {
    var changed = false
    let consumers = graph.consumers()
    var producers = graph.producers()
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard let (source, scale, shift) = affine(node, graph),
        consumers[source]?.count == 1, !graph.outputs.contains(source),
        let layer = producers[source],
        fusedActivation(graph.nodes[layer].operation).kind == .none,
        fold(scale, shift, into: layer, &graph)
      else { continue }
      let activation = fusedActivation(node.operation)
      if activation.kind != .none {
        guard let fused = fusing(activation, into: graph.nodes[layer].operation) else { continue }
        graph.nodes[layer].operation = fused
      }
      // The layer takes over the place of the norm's value.
      graph.nodes[layer].output = node.output
      graph.nodes[index].output = source
      graph.nodes[index].operation = Reshape(graph[source].shape)
      graph.nodes[index].inputs = [node.output]
      producers[node.output] = layer
      producers[source] = nil
      changed = true
    }
    return changed
  }

  /// x scale + shift per innermost channel, if `node` computes that with constants.
  private static func affine(
    _ node: GraphNode, _ graph: Graph
  ) -> (source: ValueID, scale: [Float], shift: [Float])? {
    let channels = graph[node.output].shape.last
    func vector(_ id: ValueID?) -> [Float]? {
      guard let id, let floats = graph.floats(id) else { return nil }
      if floats.count == 1 { return [Float](repeating: floats[0], count: channels) }
      return floats.count == channels && graph[id].shape.last == channels ? floats : nil
    }
    switch node.operation {
    case is BatchNorm:
      guard let source = node.inputs[0], let scale = vector(node.inputs[1]),
        let shift = vector(node.inputs[2])
      else { return nil }
      return (source, scale, shift)
    case let binary as Binary:
      guard let first = node.inputs[0], let second = node.inputs[1] else { return nil }
      let isSecond = graph[second].constant != nil
      let source = isSecond ? first : second
      guard graph[source].constant == nil, graph[source].shape == graph[node.output].shape,
        let values = vector(isSecond ? second : first)
      else { return nil }
      let zeros = [Float](repeating: 0, count: channels)
      let ones = [Float](repeating: 1, count: channels)
      switch binary.kind {
      case .add: return (source, ones, values)
      case .subtract:
        return isSecond
          ? (source, ones, values.map { -$0 }) : (source, ones.map { -$0 }, values)
      case .multiply: return (source, values, zeros)
      case .divide where isSecond && values.allSatisfy({ $0 != 0 }):
        return (source, values.map { 1 / $0 }, zeros)
      default: return nil
      }
    default: return nil
    }
  }

  /// Multiplies the layer's weights and bias; false if the node is no layer with constant weights.
  private static func fold(
    _ scale: [Float], _ shift: [Float], into layer: Int, _ graph: inout Graph
  ) -> Bool {
    let node = graph.nodes[layer]
    let operation = node.operation
    guard operation is Conv2D || operation is DepthwiseConv2D || operation is Dense,
      node.inputs.count < 4 || node.inputs[3] == nil, let weights = node.inputs[1],
      var w = graph.floats(weights)
    else { return false }
    let shape = graph[weights].shape
    let channels = scale.count
    var bias = [Float](repeating: 0, count: channels)
    if node.inputs.count > 2, let old = node.inputs[2] {
      guard let floats = graph.floats(old) else { return false }
      bias = floats
    }
    // Weights are [groups, k, columns] or [.., columns]: the output channel is the group's column.
    let columns = shape.last
    let rows = shape.rank == 3 && operation is Conv2D ? shape[1] : shape.elementCount / columns
    for index in w.indices {
      let group = operation is Conv2D ? index / (rows * columns) : 0
      w[index] *= scale[group * columns + index % columns]
    }
    for c in 0..<channels { bias[c] = bias[c] * scale[c] + shift[c] }
    let name = graph[weights].name
    let newWeights = graph.addConstant(name, shape, w)
    guard let biasShape = try? Shape([channels]) else { return false }
    let newBias = graph.addConstant(name + ".bias", biasShape, bias)
    var inputs = node.inputs
    inputs[1] = newWeights
    if inputs.count > 2 { inputs[2] = newBias } else { inputs.append(newBias) }
    graph.nodes[layer].inputs = inputs
    return true
  }
}
