// Nodes that give back their input.
import Zoo

package enum RemoveIdentities: Pass {
  package static let name = "identity removal"

  package static func run(_ graph: inout Graph) throws(CompileError) -> Bool {
    var changed = false
    var kept: [GraphNode] = []
    var replaced: [ValueID: ValueID] = [:]
    for var node in graph.nodes {
      node.inputs = node.inputs.map { $0.map { replaced[$0] ?? $0 } }
      if let merged = mergedReshape(node, kept, graph) {
        node = merged
        changed = true
      }
      // An output of the model keeps its node if the value behind it is an input or another output.
      if let input = node.inputs.first.flatMap({ $0 }), isIdentity(node, graph),
        !graph.outputs.contains(node.output)
          || !(graph.inputs.contains(input) || graph.outputs.contains(input)
            || graph[input].constant != nil)
      {
        replaced[node.output] = input
        if graph[input].quantization == nil, graph[input].constant == nil {
          graph[input].quantization = graph[node.output].quantization
        }
        if graph.outputs.contains(node.output) { graph[input].name = graph[node.output].name }
        changed = true
      } else {
        kept.append(node)
      }
    }
    graph.nodes = kept
    for index in graph.outputs.indices {
      graph.outputs[index] = replaced[graph.outputs[index]] ?? graph.outputs[index]
    }
    return changed
  }

  private static func isIdentity(_ node: GraphNode, _ graph: Graph) -> Bool {
    guard let input = node.inputs.first.flatMap({ $0 }) else { return false }
    let before = graph[input].shape
    guard before == graph[node.output].shape else { return false }
    if let from = graph[input].quantization, let to = graph[node.output].quantization,
      !from.isSame(as: to)
    {
      return false
    }
    switch node.operation {
    case is Reshape: return true
    case let slice as Slice:
      return (0..<before.rank).allSatisfy { slice.step[$0] == 1 }
    case let pad as Pad:
      return (0..<before.rank).allSatisfy { pad.before[$0] == 0 && pad.after[$0] == 0 }
    case let transpose as Transpose:
      return (0..<before.rank).allSatisfy { transpose.permutation[$0] == $0 }
    case is Concat: return node.inputs.count == 1
    case is Mean: return false
    case let unary as Unary:
      return unary.activation.kind == .clamp && unary.activation.alpha == -.infinity
        && unary.activation.beta == .infinity
    default: return false
    }
  }

  /// A reshape of a reshape reads the first one's input; a transpose that moves only extents of 1 is a reshape.
  private static func mergedReshape(
    _ node: GraphNode, _ nodes: [GraphNode], _ graph: Graph
  ) -> GraphNode? {
    guard let input = node.inputs.first.flatMap({ $0 }) else { return nil }
    var result = node
    if node.operation is Reshape, let before = nodes.last(where: { $0.output == input }),
      before.operation is Reshape
    {
      result.inputs = before.inputs
      return result
    }
    if let transpose = node.operation as? Transpose {
      let shape = graph[input].shape
      let moving = (0..<shape.rank).map { transpose.permutation[$0] }.filter { shape[$0] != 1 }
      if moving == moving.sorted() {
        result.operation = Reshape(graph[node.output].shape)
        return result
      }
    }
    return nil
  }
}
