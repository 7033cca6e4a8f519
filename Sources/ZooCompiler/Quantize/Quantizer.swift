// From a float network to an integer network that is as good, and the numbers that say so.
package import CZoo
import Foundation
import Zoo

/// What a quantiser may do.
package struct QuantizerOptions: Sendable {
  /// nil chooses for each value.
  package var method: RangeMethod?
  /// Most inputs that ranges are chosen from.
  package var calibrationCount = 128
  /// Most other inputs that the result is measured on.
  package var checkCount = 1000
  /// Largest loss, as a share (`Measurement.loss`), before layers go back to float. One input may always differ.
  package var maximumLoss = 0.005

  package init() {}
}

/// What a quantiser did.
package struct QuantizerResult {
  package let float: Graph
  package let integer: Graph
  package let choices: [ValueID: RangeChoice]
  package let measurement: Measurement
  /// Signal to noise by the name of each layer's output, in decibels.
  package let layerNoise: [String: Double]
  /// Layers that stayed in float because they hurt too much.
  package let floatNodes: [String]
  package let isBiasCorrected: Bool
  package let isEqualized: Bool
  /// Whether the inputs that were measured on are others than those that ranges were chosen from.
  package let isHeldOut: Bool
  /// Whether no more was lost than is allowed; one input may always differ.
  package let isWithinBound: Bool
}

/// Makes integer networks.
package struct Quantizer {
  private let options: QuantizerOptions
  private let set: CalibrationSet
  private let parallel: zoo_parallel?
  private let report: (String) -> Void

  /// - Parameter report: told of each step, in words.
  package init(
    _ set: CalibrationSet, _ options: QuantizerOptions, parallel: zoo_parallel? = nil,
    report: @escaping (String) -> Void = { _ in }
  ) throws(CompileError) {
    guard set.count > 0 else { throw CompileError("\(set.name): no inputs to calibrate on") }
    self.set = set
    self.options = options
    self.parallel = parallel
    self.report = report
  }

  /// A network and how it does.
  private struct Attempt {
    var annotated: Graph
    /// The same without corrected biases, which suit only rounded weights.
    var uncorrected: Graph
    var integer: Graph
    var choices: [ValueID: RangeChoice]
    var measurement: Measurement
  }

  /// Quantises `graph`, an optimised network of floats.
  ///
  /// - Throws: `CompileError` if nothing can become integers, or naming the layer or input that is broken.
  package func run(_ graph: Graph) throws(CompileError) -> QuantizerResult {
    var float = graph
    splitActivations(&float) { activation, _ in activation.kind != .clamp }
    guard !graph.nodes.contains(where: { graph[$0.output].type == ZOO_I8 }) else {
      throw CompileError("the network computes in integers already")
    }
    let calibrated = 0..<min(options.calibrationCount, max(1, set.count / 2))
    let isHeldOut = set.count > calibrated.count
    let checked =
      isHeldOut
      ? calibrated.upperBound..<min(set.count, calibrated.upperBound + options.checkCount)
      : calibrated
    report("measuring ranges on \(calibrated.count) inputs")
    let calibration = try Calibration(float, set, calibrated, parallel: parallel)
    let want = try Answers(float, set, checked, parallel: parallel)
    func attempt(_ float: Graph, _ calibration: Calibration, _ kept: Set<String>)
      throws(CompileError) -> Attempt
    {
      var annotated = float
      let choices = annotated.quantizeActivations(calibration, method: options.method)
      return try measured(annotated, annotated, choices, kept, want, checked)
    }
    var best = try attempt(float, calibration, [])
    guard best.integer.nodes.contains(where: { best.integer[$0.output].type == ZOO_I8 }) else {
      throw CompileError("no layer of the network can become integers")
    }
    report("integers: \(words(best.measurement))")
    var base = (graph: float, calibration: calibration)
    var isEqualized = false
    if let equalized = equalized(float, calibration) {
      let again = try Calibration(equalized, set, calibrated, parallel: parallel)
      let other = try attempt(equalized, again, [])
      report("equalised: \(words(other.measurement))")
      if other.measurement.sqnr > best.measurement.sqnr {
        (best, base, isEqualized) = (other, (equalized, again), true)
      }
    }
    var isBiasCorrected = false
    if let corrected = try biasCorrected(best.annotated, base.calibration) {
      let other = try measured(corrected, best.annotated, best.choices, [], want, checked)
      report("bias corrected: \(words(other.measurement))")
      if other.measurement.sqnr > best.measurement.sqnr { (best, isBiasCorrected) = (other, true) }
    }
    var kept: [String] = []
    // A share cannot be told finer than one input.
    let allowed = max(options.maximumLoss, 1 / Double(checked.count))
    if best.measurement.loss > allowed {
      (best, kept) = try withFloatLayers(best, want, checked, allowed)
    }
    let sample = checked.lowerBound..<min(checked.upperBound, checked.lowerBound + 16)
    let noise = try layerNoise(base.graph, best.integer, set, sample)
    return QuantizerResult(
      float: float, integer: best.integer, choices: best.choices, measurement: best.measurement,
      layerNoise: noise, floatNodes: kept, isBiasCorrected: isBiasCorrected,
      isEqualized: isEqualized, isHeldOut: isHeldOut,
      isWithinBound: best.measurement.loss <= allowed)
  }

  private func measured(
    _ annotated: Graph, _ uncorrected: Graph, _ choices: [ValueID: RangeChoice],
    _ kept: Set<String>, _ want: Answers, _ checked: Range<Int>
  ) throws(CompileError) -> Attempt {
    var lowering = IntegerLoweringOptions()
    lowering.floatNodes = kept
    var mixed = annotated
    for index in mixed.nodes.indices where kept.contains(mixed.nodes[index].name) {
      mixed.nodes[index].inputs = uncorrected.nodes[index].inputs
    }
    let integer = try lowerToIntegers(mixed, lowering)
    let got = try Answers(integer, set, checked, parallel: parallel)
    let labels = set.labels.isEmpty ? [] : set.labels[checked]
    return Attempt(
      annotated: annotated, uncorrected: uncorrected, integer: integer, choices: choices,
      measurement: Measurement(want, got, labels, first: checked.lowerBound))
  }

  /// Puts the layers that hurt most back into float until the loss is within its bound.
  private func withFloatLayers(
    _ start: Attempt, _ want: Answers, _ checked: Range<Int>, _ allowed: Double
  ) throws(CompileError) -> (Attempt, [String]) {
    let layers = start.annotated.nodes.filter { node in
      start.annotated[node.output].quantization != nil && !movesNumbers(node)
    }.map(\.name)
    let sample = checked.lowerBound..<min(checked.upperBound, checked.lowerBound + 16)
    var reference = want
    reference.rows = Array(want.rows.prefix(sample.count))
    report("finding the layers that hurt, of \(layers.count)")
    var damage: [(name: String, sqnr: Double)] = []
    for layer in layers {
      // Everything in float but this one.
      let others = Set(start.annotated.nodes.map(\.name)).subtracting([layer])
      let alone = try measured(
        start.annotated, start.uncorrected, start.choices, others, reference, sample)
      damage.append((layer, alone.measurement.sqnr))
    }
    damage.sort { $0.sqnr < $1.sqnr }
    var best = start
    var kept: [String] = []
    for (layer, sqnr) in damage {
      let more = kept + [layer]
      let next = try measured(
        start.annotated, start.uncorrected, start.choices, Set(more), want, checked)
      report("\(layer) (\(String(format: "%.1f dB", sqnr))) in float: \(words(next.measurement))")
      kept = more
      best = next
      if best.measurement.loss <= allowed { break }
    }
    return (best, kept)
  }

  private func words(_ m: Measurement) -> String {
    let accuracy = m.accuracy.map {
      String(format: ", top-1 %.2f %% against %.2f %%", 100 * $0.integer, 100 * $0.float)
    }
    return String(format: "%.1f dB, agreement %.2f %%", m.sqnr, 100 * m.agreement)
      + (accuracy ?? "")
  }
}
