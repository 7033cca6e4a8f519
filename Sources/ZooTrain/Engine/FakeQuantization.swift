// Training for integers: a network of floats that rounds as its integer form will.
import Zoo
import ZooCompiler

/// Rounds weights and values of a network in training to their steps; gradients pass straight through.
///
/// Values are those with a quantisation in the graph: their ranges are fixed. Weights are symmetric per output channel, with
/// scales from their largest magnitudes, as the compiler makes them; the optimiser works on the unrounded ones.
/// Source: Jacob and others, arXiv:1712.05877; straight-through gradients: Bengio and others, arXiv:1308.3432.
final class FakeQuantization {
  /// Weights of one layer, [groups][rows][columns] in the block of all parameters.
  private struct Weights {
    let offset: Int
    let groups: Int
    let rows: Int
    let columns: Int
  }

  private let weights: [Weights]
  private let quantizations: [ObjectIdentifier: Quantization]
  private let store: ParameterStore
  private let master: Buffer
  private let workers: Workers

  /// - Parameter variables: the values of `graph` in training. Nil if none is quantised.
  init?(
    _ graph: Graph, _ variables: [ValueID: Variable], _ store: ParameterStore, _ workers: Workers
  ) {
    var quantizations: [ObjectIdentifier: Quantization] = [:]
    for (id, variable) in variables where graph[id].constant == nil {
      guard let q = graph[id].quantization, q.scales.count == 1 else { continue }
      quantizations[ObjectIdentifier(variable)] = q
    }
    guard !quantizations.isEmpty else { return nil }
    self.quantizations = quantizations
    self.store = store
    self.workers = workers
    master = Buffer(count: store.weights.count)
    weights = graph.nodes.compactMap { node in
      guard node.inputs.count > 1, let w = node.inputs[1], graph[node.output].quantization != nil,
        let entry = store.parameters.first(where: { $0.id == w })
      else { return nil }
      let columns = entry.shape.last
      let groups: Int
      switch node.operation {
      case let op as Conv2D: groups = Int(op.groups)
      case is DepthwiseConv2D, is Dense: groups = 1
      default: return nil
      }
      return Weights(
        offset: entry.offset, groups: groups,
        rows: entry.shape.elementCount / (groups * columns), columns: columns)
    }
  }

  /// Rounds the weights, which are kept.
  func roundWeights() {
    master.base.update(from: store.weights.base, count: master.count)
    workers.forEach(weights.count) { self.round(self.weights[$0]) }
  }

  /// Puts the weights back as they were before `roundWeights`.
  func restoreWeights() { store.weights.base.update(from: master.base, count: master.count) }

  private func round(_ w: Weights) {
    for group in 0..<w.groups {
      let base = store.weights.base + w.offset + group * w.rows * w.columns
      for column in 0..<w.columns {
        var largest: Float = 0
        for row in 0..<w.rows { largest = max(largest, abs(base[row * w.columns + column])) }
        guard largest > 0 else { continue }
        let scale = largest / 127
        for row in 0..<w.rows {
          let at = row * w.columns + column
          base[at] = scale * (base[at] / scale).rounded(.toNearestOrEven)
        }
      }
    }
  }

  /// Rounds the values of `variable` to its steps, clamping them to its range.
  func round(_ variable: Variable) {
    guard let q = quantizations[ObjectIdentifier(variable)] else { return }
    let scale = q.scales[0]
    let (lower, upper) = bounds(q)
    workers.forEachPiece(of: variable.count, size: elementPiece) { part in
      for index in part {
        let steps = min(max(variable.value[index] / scale, lower), upper)
        variable.value[index] = scale * steps.rounded(.toNearestOrEven)
      }
    }
  }

  /// Clears the gradient of `variable` where its value was clamped.
  func mask(_ variable: Variable) {
    guard let q = quantizations[ObjectIdentifier(variable)], let gradient = variable.gradient else {
      return
    }
    let (lower, upper) = bounds(q)
    let ends = (q.scales[0] * lower, q.scales[0] * upper)
    workers.forEachPiece(of: variable.count, size: elementPiece) { part in
      for index in part {
        let value = variable.value[index]
        gradient[index] = value > ends.0 && value < ends.1 ? gradient[index] : 0
      }
    }
  }

  /// The least and the greatest number of steps from 0.
  private func bounds(_ q: Quantization) -> (Float, Float) {
    (Float(-128 - q.zeroPoints[0]), Float(127 - q.zeroPoints[0]))
  }
}
