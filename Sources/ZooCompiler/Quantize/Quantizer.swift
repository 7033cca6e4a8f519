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
  /// Largest loss, as a share (`Measurement.loss`), before layers get more bits. One input may always differ.
  package var maximumLoss = 0.005
  /// What layers become that lose too much.
  package var fallback = Fallback.wide
  /// What layers are before that.
  package var activations = ActivationForm.int8

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
  /// Layers that got activations of 16 bits because they hurt too much with 8; empty if all have them.
  package let wideNodes: [String]
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
  let options: QuantizerOptions
  let set: CalibrationSet
  private let parallel: zoo_parallel?
  let report: (String) -> Void

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

  /// A network of floats whose values say how they may be quantised.
  struct Candidate {
    var annotated: Graph
    /// The same without corrected biases, which suit only rounded weights.
    var uncorrected: Graph
    var choices: [ValueID: RangeChoice]
    /// Steps of 16 bits.
    var wide: [ValueID: Quantization]
  }

  /// A network in integers and how it does.
  struct Attempt {
    var candidate: Candidate
    var integer: Graph
    var measurement: Measurement
  }

  /// Quantises `graph`, an optimised network of floats.
  ///
  /// - Throws: `CompileError` if nothing can become integers, or naming the layer or input that is broken.
  package func run(_ graph: Graph) throws(CompileError) -> QuantizerResult {
    var float = graph
    splitActivations(&float) { activation, _ in activation.kind != .clamp }
    guard !graph.nodes.contains(where: { graph[$0.output].isInteger }) else {
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
    let forms = LayerForms(
      wide: options.activations == .int16 ? Set(float.nodes.map(\.name)) : [])
    func attempt(_ float: Graph, _ calibration: Calibration) throws(CompileError) -> Attempt {
      var annotated = float
      let choices = annotated.quantizeActivations(calibration, method: options.method)
      let candidate = Candidate(
        annotated: annotated, uncorrected: annotated, choices: choices,
        wide: annotated.wideQuantizations(calibration))
      return try measured(candidate, forms, want, checked)
    }
    var best = try attempt(float, calibration)
    guard best.integer.nodes.contains(where: { best.integer[$0.output].isInteger }) else {
      throw CompileError("no layer of the network can become integers")
    }
    report("integers: \(words(best.measurement))")
    var base = (graph: float, calibration: calibration)
    var isEqualized = false
    if let equalized = equalized(float, calibration) {
      let again = try Calibration(equalized, set, calibrated, parallel: parallel)
      let other = try attempt(equalized, again)
      report("equalised: \(words(other.measurement))")
      if other.measurement.sqnr > best.measurement.sqnr {
        (best, base, isEqualized) = (other, (equalized, again), true)
      }
    }
    var isBiasCorrected = false
    if let corrected = try biasCorrected(best.candidate.annotated, base.calibration) {
      var candidate = best.candidate
      candidate.annotated = corrected
      let other = try measured(candidate, forms, want, checked)
      report("bias corrected: \(words(other.measurement))")
      if other.measurement.sqnr > best.measurement.sqnr { (best, isBiasCorrected) = (other, true) }
    }
    var moved: (wide: [String], float: [String]) = ([], [])
    // A share cannot be told finer than one input.
    let allowed = max(options.maximumLoss, 1 / Double(checked.count))
    if best.measurement.loss > allowed {
      (best, moved) = try withFallbacks(best, forms, want, checked, allowed)
    }
    let sample = checked.lowerBound..<min(checked.upperBound, checked.lowerBound + 16)
    let noise = try layerNoise(base.graph, best.integer, set, sample)
    return QuantizerResult(
      float: float, integer: best.integer, choices: best.candidate.choices,
      measurement: best.measurement,
      layerNoise: noise, wideNodes: moved.wide, floatNodes: moved.float,
      isBiasCorrected: isBiasCorrected,
      isEqualized: isEqualized, isHeldOut: isHeldOut,
      isWithinBound: best.measurement.loss <= allowed)
  }

  /// `candidate` in integers, with layers in `forms`, and how it does.
  func measured(
    _ candidate: Candidate, _ forms: LayerForms, _ want: Answers, _ checked: Range<Int>
  ) throws(CompileError) -> Attempt {
    var lowering = IntegerLoweringOptions()
    lowering.floatNodes = forms.float
    lowering.wideNodes = forms.wide
    lowering.wide = candidate.wide
    var mixed = candidate.annotated
    for index in mixed.nodes.indices where forms.float.contains(mixed.nodes[index].name) {
      mixed.nodes[index].inputs = candidate.uncorrected.nodes[index].inputs
    }
    let integer = try lowerToIntegers(mixed, lowering)
    let got = try Answers(integer, set, checked, parallel: parallel)
    let labels = set.labels.isEmpty ? [] : set.labels[checked]
    return Attempt(
      candidate: candidate, integer: integer,
      measurement: Measurement(want, got, labels, first: checked.lowerBound))
  }

  func words(_ m: Measurement) -> String {
    let accuracy = m.accuracy.map {
      String(format: ", top-1 %.2f %% against %.2f %%", 100 * $0.integer, 100 * $0.float)
    }
    return String(format: "%.1f dB, agreement %.2f %%", m.sqnr, 100 * m.agreement)
      + (accuracy ?? "")
  }
}
