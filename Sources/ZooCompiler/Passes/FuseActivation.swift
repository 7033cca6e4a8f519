// An activation after a layer is applied while the layer's results are at hand.
import Zoo

package enum FuseActivation: Pass {
  package static let name = "activation fusion"

  package static func run(_ graph: inout Graph) throws(CompileError) -> Bool {
    var changed = false
    let consumers = graph.consumers()
    var producers = graph.producers()
    var removed = Set<Int>()
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard let unary = node.operation as? Unary, let source = node.inputs[0],
        consumers[source]?.count == 1, !graph.outputs.contains(source),
        graph[source].quantization == nil,  // its rounding is part of an integer network
        let layer = producers[source],
        let fused = fusing(unary.activation, into: graph.nodes[layer].operation)
      else { continue }
      graph.nodes[layer].operation = fused
      graph.nodes[layer].output = node.output
      producers[node.output] = layer
      removed.insert(index)
      changed = true
    }
    graph.nodes = graph.nodes.indices.filter { !removed.contains($0) }.map { graph.nodes[$0] }
    return changed
  }
}
