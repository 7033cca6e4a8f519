// Which quantisation each value of a network gets.
import Zoo

/// A choice for one value.
package struct RangeChoice: Sendable {
  package let method: RangeMethod
  package let quantization: Quantization
  /// Of this value alone, in decibels.
  package let sqnr: Double
}

extension Graph {
  /// Gives every value that may become integers its quantisation.
  ///
  /// Values that are the same numbers for their operators (reshapes, maximum pooling, padding, the parts of a
  /// concatenation) share one. `method` nil takes for each the one with the most signal to noise.
  /// - Returns: the choice for each value.
  package mutating func quantizeActivations(
    _ calibration: Calibration, method: RangeMethod?
  ) -> [ValueID: RangeChoice] {
    var choices: [ValueID: RangeChoice] = [:]
    for group in sharedScales() {
      let histograms = group.compactMap { calibration.histograms[$0] }.filter { !$0.isEmpty }
      guard !histograms.isEmpty else { continue }
      let isInput = group.contains { inputs.contains($0) }
      let methods = isInput ? [.minMax] : method.map { [$0] } ?? RangeMethod.allCases
      let fixed = fixedQuantization(group)
      var best: RangeChoice?
      for method in methods {
        let q = fixed ?? joined(histograms.map { method.quantization($0) })
        let worst = histograms.map { $0.sqnr(q) }.min() ?? 0
        if worst > best?.sqnr ?? -.infinity {
          best = RangeChoice(method: fixed == nil ? method : .minMax, quantization: q, sqnr: worst)
        }
      }
      for id in group {
        self[id].quantization = best?.quantization
        choices[id] = best
      }
    }
    return choices
  }

  /// The quantisation of 16 bits of every value that may become integers: symmetric, covering all that was seen, which costs
  /// nothing with 65536 steps.
  func wideQuantizations(_ calibration: Calibration) -> [ValueID: Quantization] {
    var result: [ValueID: Quantization] = [:]
    for group in sharedScales() {
      let histograms = group.compactMap { calibration.histograms[$0] }.filter { !$0.isEmpty }
      guard !histograms.isEmpty else { continue }
      let magnitude = histograms.map { max(abs($0.least), abs($0.greatest)) }.max() ?? 0
      for id in group { result[id] = Quantization(symmetricUpTo: magnitude) }
    }
    return result
  }

  /// The range that covers all of several.
  private func joined(_ all: [Quantization]) -> Quantization {
    guard all.count > 1 else { return all[0] }
    return Quantization(
      covering: Float(all.map { $0.real(-128) }.min() ?? 0),
      Float(all.map { $0.real(127) }.max() ?? 0))
  }

  /// The steps that the results of a sigmoid or a tanh have whatever was seen (as in TensorFlow Lite).
  private func fixedQuantization(_ group: [ValueID]) -> Quantization? {
    for node in nodes where group.contains(node.output) {
      guard let unary = node.operation as? Unary else { continue }
      switch unary.activation.kind {
      case .sigmoid: return Quantization(scale: 1 / 256, zeroPoint: -128)
      case .tanh: return Quantization(scale: 1 / 128, zeroPoint: 0)
      default: continue
      }
    }
    return nil
  }

  /// Values that have a histogram, in groups that must share their scale.
  private func sharedScales() -> [[ValueID]] {
    var group: [ValueID: Int] = [:]
    var members: [[ValueID]] = []
    for id in inputs + nodes.map(\.output) {
      group[id] = members.count
      members.append([id])
    }
    func join(_ a: ValueID, _ b: ValueID) {
      guard let first = group[a], let second = group[b], first != second else { return }
      for id in members[second] { group[id] = first }
      members[first] += members[second]
      members[second] = []
    }
    for node in nodes {
      switch node.operation {
      case let pool as Pool where pool.kind != .average && pool.activation.kind == .none:
        if let input = node.inputs[0] { join(input, node.output) }
      case is Reshape, is Slice, is Transpose, is Pad:
        if let input = node.inputs[0] { join(input, node.output) }
      case is Concat:
        for input in node.inputs.compactMap({ $0 }) { join(input, node.output) }
      default: continue
      }
    }
    return members.filter { !$0.isEmpty }
  }
}
