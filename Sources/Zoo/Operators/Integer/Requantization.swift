// From accumulators to the integers of the output: the one arithmetic of integers.
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

  /// For an output with bounds `lower`...`upper` in its own integers.
  init(zeroPoint: Int32, lower: Int32, upper: Int32) {
    self.zeroPoint = zeroPoint
    self.lower = Float(Int(lower &- zeroPoint))
    self.upper = Float(Int(upper &- zeroPoint))
  }

  /// The integer for `real`; NaN gives the lower bound.
  @inline(__always)
  func callAsFunction<Element: IntegerElement>(_ real: Float) -> Element {
    let bounded = real > lower ? (real < upper ? real : upper) : lower
    return Element(truncatingIfNeeded: Int32(roundToNearest(bounded)) &+ zeroPoint)
  }
}

/// The smallest and the largest integer of the output that a fused clamp lets through.
package struct IntegerBounds {
  package var lower: Int32
  package var upper: Int32

  /// Those of the type.
  package init<Element: IntegerElement>(_ type: Element.Type) {
    lower = type.isWide ? -32768 : -128
    upper = type.isWide ? 32767 : 127
  }

  /// Those of i8.
  package init() { self.init(Int8.self) }
  package init(lower: Int32, upper: Int32) {
    self.lower = lower
    self.upper = upper
  }

  mutating func archive<A: Archive>(_ archive: inout A) {
    archive.field("lower", &lower)
    archive.field("upper", &upper)
  }

  func check<Element: IntegerElement>(_ type: Element.Type) throws(ZooError) {
    let whole = IntegerBounds(type)
    guard lower >= whole.lower, lower <= upper, upper <= whole.upper else {
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

  /// Whether the elements are plain integers of `type` with one scale and a zero point that it may have.
  func hasSteps<Element: IntegerElement>(_ element: Element.Type) -> Bool {
    type == element.type && scale_count == 1 && layout == ZOO_LAYOUT_PLAIN && scale > 0
      && element.zeroPoints.contains(zeroPoint)
  }
}

extension Node {
  /// Demands that operand `index` is of `type` with one scale and a zero point that it may have.
  func requireInteger<Element: IntegerElement>(
    _ index: Int, _ type: Element.Type
  ) throws(ZooError) {
    guard inputs[index].hasSteps(type) else {
      throw .type(
        type.isWide
          ? "operand must be i16 with one scale and zero point 0, operand"
          : "operand must be i8 with one scale, operand", got: index)
    }
  }

  /// Demands that the output is of `type` with one scale and a zero point that it may have.
  func requireIntegerOutput<Element: IntegerElement>(_ type: Element.Type) throws(ZooError) {
    guard output.hasSteps(type) else {
      throw .type(
        type.isWide
          ? "output must be i16 with one scale and zero point 0"
          : "output must be i8 with one scale", got: 0)
    }
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
