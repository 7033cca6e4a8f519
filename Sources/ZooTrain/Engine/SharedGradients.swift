// Gradients that need no memory of their own: those of what a sum adds.
import Zoo
import ZooCompiler

/// Values whose gradient lies where that of another is, the sum they go into: dL/da = dL/db = dL/dz f'(z) for z = f(a + b).
///
/// Residual networks copied and added such gradients from block to block: without that ResNet-20 trains 1.05 times as fast. Three things must
/// hold for a value to share:
/// - nothing but the sum contributes to its gradient before the sum does, since that is made in place;
/// - if other layers contribute afterwards, all who read the sum's gradient have done so by then;
/// - the layer before it does not overwrite it while others still read it.
///
/// So the output of a batch norm that goes nowhere else shares, since batch norm only reads its gradient; and one other operand, if the layer
/// that makes it and its other readers all come before the layer that batch norm's late gradient goes to (`Variable.lateGradient`).
func sharedGradients(_ graph: Graph) -> [ValueID: ValueID] {
  let consumers = graph.consumers()
  let producers = graph.producers()
  var shared: [ValueID: ValueID] = [:]
  for (index, node) in graph.nodes.enumerated() {
    guard let sum = node.operation as? Binary, sum.kind == .add, node.inputs.count == 2,
      let a = node.inputs[0], let b = node.inputs[1], a != b,
      [a, b].allSatisfy({ graph[$0].shape == graph[node.output].shape })
    else { continue }
    var readers: [Int] = []
    var others: [ValueID] = []
    for value in [a, b] {
      guard let producer = producers[value], !graph.outputs.contains(value) else { continue }
      if consumers[value] == [index], graph.nodes[producer].operation is TrainableBatchNorm {
        shared[value] = node.output
        readers.append(graph.nodes[producer].inputs[0].flatMap { producers[$0] } ?? producer)
      } else {
        others.append(value)
      }
    }
    // Of two others, one that is overwritten or added to would change the other.
    guard others.count == 1, let other = others.first, let producer = producers[other] else {
      continue
    }
    let end = readers.min() ?? index
    if producer < end, consumers[other, default: []].allSatisfy({ $0 == index || $0 < end }) {
      shared[other] = node.output
    }
  }
  return shared
}

/// The memory of gradients: one buffer for all that share.
struct GradientBuffers {
  private let shared: [ValueID: ValueID]
  private var buffers: [ValueID: Buffer] = [:]

  init(shared: [ValueID: ValueID]) { self.shared = shared }

  mutating func buffer(of value: ValueID, count: Int) -> Buffer {
    var owner = value
    while let next = shared[owner] { owner = next }
    if let buffer = buffers[owner] { return buffer }
    let buffer = Buffer(count: count)
    buffers[owner] = buffer
    return buffer
  }
}
