// Nodes whose inputs are all constant are run now, by the runtime itself, so that there is one arithmetic.
import CZoo
import Zoo

package enum FoldConstants: Pass {
  package static let name = "constant folding"

  package static func run(_ graph: inout Graph) throws(CompileError) -> Bool {
    try fold(&graph, from: 0)
  }

  /// Folds the nodes from index `first` on; importers call it so that constants are known as soon as they are.
  package static func fold(_ graph: inout Graph, from first: Int) throws(CompileError) -> Bool {
    var folded = false
    var kept = Array(graph.nodes[..<first])
    for node in graph.nodes[first...] {
      let inputs = node.inputs.compactMap { $0 }
      let isConstant = !inputs.isEmpty && inputs.allSatisfy { graph[$0].constant != nil }
      // A constant that is a model output needs a node that writes it.
      guard isConstant, !(node.operation is CustomOperation),
        !graph.outputs.contains(node.output)
      else {
        kept.append(node)
        continue
      }
      graph[node.output].constant = try evaluate(node, graph)
      folded = true
    }
    graph.nodes = kept
    return folded
  }

  /// The output of one node on constant inputs.
  private static func evaluate(_ node: GraphNode, _ graph: Graph) throws(CompileError) -> Constant {
    var single = Graph()
    let inputs = node.inputs.map { id -> ValueID? in
      guard let id else { return nil }
      return single.addValue(graph[id])
    }
    // One operand becomes an input, because a model needs one.
    guard let first = inputs.first.flatMap({ $0 }), let data = single[first].constant else {
      throw CompileError("node '\(node.name)' has no input to fold")
    }
    single[first].constant = nil
    single.inputs = [first]
    single.outputs = [try single.add(node.operation, inputs, name: node.name)]
    let runner = try Runner(ModelWriter.encode(single), isa: ZOO_ISA_SCALAR)
    try runner.write(data.bytes, toInput: 0)
    try runner.run()
    return Constant(type: graph[node.output].type, bytes: runner.outputBytes(0))
  }
}
