// From accumulators to the integers of the output: the one arithmetic of int8.
import CZoo

/// q = clamp(rint(real) + zero point), where `real` is in units of the output's scale.
///
/// All integer operators end here. `real` is computed in IEEE single precision, products and sums rounded one by one (no
/// fused operations), rint rounds ties to even: so every target, instruction set and thread count gives the same
/// bits. The clamp is applied to `real`, before it is rounded; bounds are integers, so that the order does not matter.
struct Requantization {
  let zeroPoint: Int32
  /// Bounds of `real`: those of the type and of a fused clamp, less the zero point.
  let lower: Float
  let upper: Float

  /// For an output of i8 with bounds `lower`...`upper` in its own integers.
  init(zeroPoint: Int32, lower: Int32, upper: Int32) {
    self.zeroPoint = zeroPoint
    self.lower = Float(Int(lower &- zeroPoint))
    self.upper = Float(Int(upper &- zeroPoint))
  }

  /// The integer for `real`; NaN gives the lower bound.
  @inline(__always)
  func callAsFunction(_ real: Float) -> Int8 {
    let bounded = real > lower ? (real < upper ? real : upper) : lower
    return Int8(truncatingIfNeeded: Int32(roundToNearest(bounded)) &+ zeroPoint)
  }
}

/// The smallest and the largest integer of the output that a fused clamp lets through.
package struct IntegerBounds {
  package var lower: Int32 = -128
  package var upper: Int32 = 127

  package init() {}
  package init(lower: Int32, upper: Int32) {
    self.lower = lower
    self.upper = upper
  }

  mutating func archive<A: Archive>(_ archive: inout A) {
    archive.field("lower", &lower)
    archive.field("upper", &upper)
  }

  func check() throws(ZooError) {
    guard lower >= -128, lower <= upper, upper <= 127 else {
      throw .attribute("bounds of the output", expected: Int(lower), got: Int(upper))
    }
  }

  func requantization(for output: zoo_tensor) -> Requantization {
    Requantization(zeroPoint: output.zeroPoint, lower: lower, upper: upper)
  }
}

extension zoo_tensor {
  /// The elements as signed bytes. Only for tensors whose type and presence `prepare` checked.
  package var bytes: UnsafeMutablePointer<Int8> {
    data.unsafelyUnwrapped.assumingMemoryBound(to: Int8.self)
  }

  /// The elements as 32-bit integers.
  var words: UnsafeMutablePointer<Int32> {
    data.unsafelyUnwrapped.assumingMemoryBound(to: Int32.self)
  }

  /// The integer that stands for 0 in a tensor with one scale.
  var zeroPoint: Int32 { zero_points.unsafelyUnwrapped[0] }

  /// The real value of one step in a tensor with one scale.
  var scale: Float { scales.unsafelyUnwrapped[0] }
}

extension Node {
  /// Demands that operand `index` is i8 with one scale and a zero point in -128...127.
  func requireInteger(_ index: Int) throws(ZooError) {
    try requireInteger(inputs[index], "operand must be i8 with one scale, operand", index)
  }

  /// Demands that the output is i8 with one scale and a zero point in -128...127.
  func requireIntegerOutput() throws(ZooError) {
    try requireInteger(output, "output must be i8 with one scale", 0)
  }

  private func requireInteger(
    _ tensor: zoo_tensor, _ what: StaticString, _ index: Int
  ) throws(ZooError) {
    guard tensor.type == ZOO_I8, tensor.scale_count == 1, tensor.layout == ZOO_LAYOUT_PLAIN,
      tensor.scale > 0, tensor.zeroPoint >= -128, tensor.zeroPoint <= 127
    else { throw .type(what, got: index) }
  }

  /// Demands that operand `index` is a constant-like dense tensor of `type` and `count` elements.
  func requireDense(_ index: Int, _ type: zoo_type, count: Int) throws(ZooError) {
    let tensor = inputs[index]
    guard tensor.type == type, tensor.layout == ZOO_LAYOUT_PLAIN, tensor.isDense else {
      throw .type("type or layout of operand", got: index)
    }
    guard tensor.extent.elementCount == count else {
      throw .shape("elements of operand", expected: count, got: tensor.extent.elementCount)
    }
  }
}
