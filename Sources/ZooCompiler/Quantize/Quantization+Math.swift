// Scales, zero points, and the integers they give.
import Zoo

extension Quantization {
  /// One scale for a whole tensor of i8.
  package init(scale: Float, zeroPoint: Int32) {
    self.init(scales: [scale], zeroPoints: [zeroPoint], axis: 0)
  }

  /// The scale and zero point of i8 that cover `lower`...`upper` and 0, which is one of the steps.
  ///
  /// A range of no extent gets a scale at which its one value is exact.
  package init(covering lower: Float, _ upper: Float) {
    let low = min(0, Double(lower))
    let high = max(0, Double(upper))
    guard high - low > 0 else {
      self.init(scale: 1, zeroPoint: 0)
      return
    }
    let scale = max(Float((high - low) / 255), Float.leastNormalMagnitude)
    let zero = (-128 - low / Double(scale)).rounded(.toNearestOrEven)
    self.init(scale: scale, zeroPoint: Int32(min(127, max(-128, zero))))
  }

  /// The scale and zero point of a tensor that has one of each.
  var single: (scale: Float, zeroPoint: Int32)? {
    scales.count == 1 ? (scales[0], zeroPoints[0]) : nil
  }

  /// The nearest integer of i8 for a real value; NaN gives -128.
  package func integer(_ real: Double) -> Int8 {
    let steps = real / Double(scales[0]) + Double(zeroPoints[0])
    return Int8(min(127, max(-128, steps.rounded(.toNearestOrEven))))
  }

  /// What an integer stands for.
  package func real(_ integer: Int8) -> Double {
    Double(scales[0]) * Double(Int32(integer) - zeroPoints[0])
  }

  func isSame(as other: Quantization) -> Bool {
    scales == other.scales && zeroPoints == other.zeroPoints
  }

  /// The integers that a clamp to `lower`...`upper` lets through.
  func bounds(_ activation: Activation) -> IntegerBounds {
    guard activation.kind == .clamp else { return IntegerBounds() }
    return IntegerBounds(
      lower: Int32(integer(Double(activation.alpha))),
      upper: Int32(integer(Double(activation.beta))))
  }
}
