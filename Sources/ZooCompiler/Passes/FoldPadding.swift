// Zero padding of height and width becomes the padding of the layer after it.
import Zoo

package enum FoldPadding: Pass {
  package static let name = "padding folding"

  package static func run(_ graph: inout Graph) throws(CompileError) -> Bool {
    var changed = false
    let producers = graph.producers()
    for index in graph.nodes.indices {
      guard let padded = graph.nodes[index].inputs.first.flatMap({ $0 }),
        let source = producers[padded], let pad = graph.nodes[source].operation as? Pad,
        pad.mode == .constant, pad.value == 0, graph[padded].shape.rank == 4,
        pad.before[0] == 0, pad.after[0] == 0, pad.before[3] == 0, pad.after[3] == 0
      else { continue }
      func widened(_ window: Window) -> Window {
        var result = window
        result.padTop += Int32(pad.before[1])
        result.padBottom += Int32(pad.after[1])
        result.padLeft += Int32(pad.before[2])
        result.padRight += Int32(pad.after[2])
        return result
      }
      switch graph.nodes[index].operation {
      case var conv as Conv2D:
        conv.window = widened(conv.window)
        graph.nodes[index].operation = conv
      case var conv as DepthwiseConv2D:
        conv.window = widened(conv.window)
        graph.nodes[index].operation = conv
      default: continue
      }
      graph.nodes[index].inputs[0] = graph.nodes[source].inputs[0]
      changed = true
    }
    return changed
  }
}
