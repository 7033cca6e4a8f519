// Nodes whose results nobody reads, and the elements of constants that passes have replaced.

package enum RemoveDeadCode: Pass {
  package static let name = "dead code removal"

  package static func run(_ graph: inout Graph) throws(CompileError) -> Bool {
    var needed = Set(graph.outputs)
    var kept: [GraphNode] = []
    for node in graph.nodes.reversed() where needed.contains(node.output) {
      kept.append(node)
      needed.formUnion(node.inputs.compactMap { $0 })
    }
    let changed = kept.count < graph.nodes.count
    graph.nodes = kept.reversed()
    for index in graph.values.indices where graph.values[index].constant != nil {
      if !needed.contains(ValueID(index: index)) { graph.values[index].constant = nil }
    }
    return changed
  }
}
