// A residual sum after a layer is added by the layer itself, in place of the shortcut where that dies.
import Zoo

package enum FuseAddend: Pass {
  package static let name = "residual fusion"

  package static func run(_ graph: inout Graph) throws(CompileError) -> Bool {
    let consumers = graph.consumers()
    let producers = graph.producers()
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard let sum = node.operation as? Binary, sum.kind == .add, let a = node.inputs[0],
        let b = node.inputs[1], a != b, graph[a].shape == graph[b].shape
      else { continue }
      // The later of two candidates: the other side is then certainly there before it runs.
      let candidates = [(a, b), (b, a)].compactMap { own, other -> (layer: Int, addend: ValueID)? in
        guard let layer = producers[own], consumers[own]?.count == 1,
          !graph.outputs.contains(own), graph[other].constant == nil,
          graph[own].quantization == nil,  // its rounding is part of an integer network
          (producers[other] ?? -1) < layer, accepts(graph.nodes[layer])
        else { return nil }
        return (layer, other)
      }
      guard let best = candidates.max(by: { $0.layer < $1.layer }) else { continue }
      var layer = graph.nodes[best.layer]
      while layer.inputs.count < 3 { layer.inputs.append(nil) }
      layer.inputs.append(best.addend)
      layer.output = node.output
      if sum.activation.kind != .none {
        guard let fused = fusing(sum.activation, into: layer.operation) else { continue }
        layer.operation = fused
      }
      graph.nodes[best.layer] = layer
      graph.nodes.remove(at: index)
      return true
    }
    return false
  }

  private static func accepts(_ node: GraphNode) -> Bool {
    (node.operation is Conv2D || node.operation is Dense) && node.inputs.count < 4
      && fusedActivation(node.operation).kind == .none
  }
}
