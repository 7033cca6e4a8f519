// What the compiler asks of integer operators, whatever the bits of their activations.
package import Zoo

/// An operator on integers with scales.
package protocol IntegerOperation: Operation {
  var family: IntegerFamily { get }
  /// The name of the operator on floats that it stands for.
  var realName: String { get }
  var slidingWindow: Window? { get }
  var groupCount: Int { get }
  /// Whether activations have 16 bits.
  var isWide: Bool { get }
}

package enum IntegerFamily {
  /// Convolution and dense layers, whose weights are in quads.
  case product
  case depthwise
  case pool
  case binary
  /// Between f32 and integers.
  case edge
}

extension IntegerOperation {
  package var slidingWindow: Window? { nil }
  package var groupCount: Int { 1 }
  /// Whether it multiplies by weights of 8 bits.
  package var hasWeights: Bool { family == .product || family == .depthwise }
}

extension IntegerConv2D: IntegerOperation {
  package var family: IntegerFamily { .product }
  package var realName: String { "Conv2D" }
  package var slidingWindow: Window? { window }
  package var groupCount: Int { Int(groups) }
  package var isWide: Bool { Element.isWide }
}

extension IntegerDense: IntegerOperation {
  package var family: IntegerFamily { .product }
  package var realName: String { "Dense" }
  package var isWide: Bool { Element.isWide }
}

extension IntegerDepthwiseConv2D: IntegerOperation {
  package var family: IntegerFamily { .depthwise }
  package var realName: String { "DepthwiseConv2D" }
  package var slidingWindow: Window? { window }
  package var isWide: Bool { Element.isWide }
}

extension IntegerPool: IntegerOperation {
  package var family: IntegerFamily { .pool }
  package var realName: String { capitalized("\(kind)") + "Pool" }
  package var slidingWindow: Window? { window }
  package var isWide: Bool { Element.isWide }
}

extension IntegerGlobalPool: IntegerOperation {
  package var family: IntegerFamily { .pool }
  package var realName: String { "Global" + capitalized("\(kind)") + "Pool" }
  package var isWide: Bool { Element.isWide }
}

extension IntegerBinary: IntegerOperation {
  package var family: IntegerFamily { .binary }
  package var realName: String { capitalized("\(kind)") }
  package var isWide: Bool { Element.isWide }
}

extension Quantize: IntegerOperation {
  package var family: IntegerFamily { .edge }
  package var realName: String { "Quantize" }
  package var isWide: Bool { Element.isWide }
}

extension Dequantize: IntegerOperation {
  package var family: IntegerFamily { .edge }
  package var realName: String { "Dequantize" }
  package var isWide: Bool { Element.isWide }
}
