// The same network for another number of images.
import Zoo

/// `graph` with `batch` as the outermost extent of all inputs, shapes inferred anew.
///
/// - Throws: `CompileError` if a node fixes its batch in a way that does not follow.
package func rebatched(_ graph: Graph, batch: Int) throws(CompileError) -> Graph {
  var result = graph
  for input in graph.inputs {
    guard graph[input].shape.rank > 0 else { continue }
    result[input].shape[0] = batch
  }
  for index in result.nodes.indices {
    let node = result.nodes[index]
    let old = graph[node.output].shape
    if let input = node.inputs.first.flatMap({ $0 }), graph[input].constant == nil {
      let factor = (before: graph[input].shape[0], after: result[input].shape[0])
      if node.operation is Reshape, old.rank > 0, old[0] == factor.before {
        var shape = old
        shape[0] = factor.after
        result.nodes[index].operation = Reshape(shape)
      } else if var slice = node.operation as? Slice, slice.count[0] == factor.before {
        slice.count[0] = factor.after
        result.nodes[index].operation = slice
      }
    }
    result[node.output].shape = try result.inferShape(
      result.nodes[index].operation, node.inputs, name: node.name)
  }
  try result.verify(after: "batching")
  return result
}
