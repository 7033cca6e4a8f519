// Scales, zero points, and the integers they give.
package import CZoo
package import Zoo

extension Quantization {
  /// One scale for a whole tensor.
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

  /// The scale of i16 that covers numbers up to `magnitude` on both sides of 0, which has zero point 0.
  ///
  /// Source: the specification of TensorFlow Lite, whose 16-bit activations are symmetric.
  package init(symmetricUpTo magnitude: Float) {
    let scale = magnitude > 0 ? max(magnitude / 32767, Float.leastNormalMagnitude) : 1
    self.init(scale: scale, zeroPoint: 0)
  }

  /// The scale and zero point of a tensor that has one of each.
  var single: (scale: Float, zeroPoint: Int32)? {
    scales.count == 1 ? (scales[0], zeroPoints[0]) : nil
  }

  /// The nearest integer of `type` for a real value; NaN gives the least.
  package func integer<Element: IntegerElement>(
    _ real: Double, _ type: Element.Type = Int8.self
  ) -> Element {
    let steps = real / Double(scales[0]) + Double(zeroPoints[0])
    return Element(
      min(Double(Element.max), max(Double(Element.min), steps.rounded(.toNearestOrEven))))
  }

  /// What an integer stands for.
  package func real(_ integer: some BinaryInteger) -> Double {
    Double(scales[0]) * Double(Int64(integer) - Int64(zeroPoints[0]))
  }

  /// What the least and the greatest integer of a type of elements stand for.
  package func range(_ type: zoo_type) -> (lower: Double, upper: Double) {
    type == ZOO_I16
      ? (real(Int16.min), real(Int16.max)) : (real(Int8.min), real(Int8.max))
  }

  func isSame(as other: Quantization) -> Bool {
    scales == other.scales && zeroPoints == other.zeroPoints
  }

  /// The integers that a clamp to `lower`...`upper` lets through.
  func bounds<Element: IntegerElement>(
    _ activation: Activation, _ type: Element.Type
  ) -> IntegerBounds {
    guard activation.kind == .clamp else { return IntegerBounds(type) }
    return IntegerBounds(
      lower: Int32(integer(Double(activation.alpha), type)),
      upper: Int32(integer(Double(activation.beta), type)))
  }
}
