// Layers that lose too much get more bits: 16 for activations where that helps, floats where it does not.
import Foundation
import Zoo

extension Quantizer {
  /// Gain of a layer alone, in decibels, from which on 16 bits are worth having: a tenth of its noise is left. Less says that its weights
  /// are what hurts, and more layers would need more bits than if this one went to float.
  private static let worthwhileGain = 10.0

  /// Gives the layers that hurt most more bits, one after the other, until the loss is within its bound.
  ///
  /// Each layer is first measured alone, all others in float. In the order of what they lose, layers get activations of 16
  /// bits if that alone gains enough, else they go to float. If all of that is not enough, those with 16 bits go to float too; if it
  /// gained nothing to speak of, all go back.
  func withFallbacks(
    _ start: Attempt, _ forms: LayerForms, _ want: Answers, _ checked: Range<Int>,
    _ allowed: Double
  ) throws(CompileError) -> (Attempt, (wide: [String], float: [String])) {
    let candidate = start.candidate
    let graph = candidate.annotated
    let layers = graph.nodes.filter { node in
      graph[node.output].quantization != nil && !movesNumbers(node)
    }
    let names = Set(graph.nodes.map(\.name))
    let sample = checked.lowerBound..<min(checked.upperBound, checked.lowerBound + 16)
    var reference = want
    reference.rows = Array(want.rows.prefix(sample.count))
    /// Signal to noise with everything in float but one layer; nil if it is in float too, for want of such a form.
    func alone(_ layer: GraphNode, isWide: Bool) throws(CompileError) -> Double? {
      let forms = LayerForms(
        wide: isWide ? [layer.name] : [], float: names.subtracting([layer.name]))
      let attempt = try measured(candidate, forms, reference, sample)
      let isInteger = attempt.integer.nodes.contains { node in
        let value = attempt.integer[node.output]
        return value.name == graph[layer.output].name && value.isInteger
      }
      return isInteger ? attempt.measurement.sqnr : nil
    }
    report("finding the layers that hurt, of \(layers.count)")
    var damage: [(node: GraphNode, sqnr: Double)] = []
    for layer in layers {
      guard let sqnr = try alone(layer, isWide: forms.wide.contains(layer.name)) else { continue }
      damage.append((layer, sqnr))
    }
    damage.sort { $0.sqnr < $1.sqnr }

    var best = start
    var now = forms
    var wide: [(name: String, sqnr: Double)] = []
    var float: [String] = []
    func measureNow(_ what: String) throws(CompileError) {
      best = try measured(candidate, now, want, checked)
      report("\(what): \(words(best.measurement))")
    }
    for (node, sqnr) in damage where best.measurement.loss > allowed {
      let layer = node.name
      let before = String(format: "%.1f dB", sqnr)
      if options.fallback == .wide, !now.wide.contains(layer) {
        if let gained = try alone(node, isWide: true),
          gained >= sqnr + Quantizer.worthwhileGain
        {
          now.wide.insert(layer)
          wide.append((layer, gained))
          try measureNow(
            "\(layer) (\(before), \(String(format: "%.1f dB", gained)) in 16x8) in 16x8")
          continue
        }
      }
      now.float.insert(layer)
      float.append(layer)
      try measureNow("\(layer) (\(before)) in float")
    }
    for (layer, sqnr) in wide.sorted(by: { $0.sqnr < $1.sqnr })
    where best.measurement.loss > allowed {
      now.float.insert(layer)
      float.append(layer)
      try measureNow("\(layer) (\(String(format: "%.1f dB", sqnr)) in 16x8) in float")
    }
    guard best.measurement.isBetter(than: start.measurement) else {
      report("all back in integers: \(words(start.measurement)) is as good, by what can be told")
      return (start, ([], []))
    }
    return (best, (wide.map(\.name).filter { !now.float.contains($0) }, float))
  }
}
