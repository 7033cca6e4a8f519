// Fused activations as nodes of their own again: for training, where they must be undone, and for integers, where they are
// tables.
package import Zoo

/// Takes activations out of the operations they were fused into, where `splits` says so.
package func splitActivations(
  _ graph: inout Graph, where splits: (Activation, any Operation) -> Bool
) {
  var nodes: [GraphNode] = []
  for var node in graph.nodes {
    let activation = fusedActivation(node.operation)
    guard activation.kind != .none, splits(activation, node.operation),
      let plain = replacingActivation(of: node.operation, by: .none)
    else {
      nodes.append(node)
      continue
    }
    let output = node.output
    let inner = graph.addValue(
      Value(name: node.name + ".linear", type: graph[output].type, shape: graph[output].shape))
    node.operation = plain
    node.output = inner
    nodes.append(node)
    nodes.append(
      GraphNode(
        name: node.name + ".activation", operation: Unary(activation), inputs: [inner],
        output: output))
  }
  graph.nodes = nodes
}
