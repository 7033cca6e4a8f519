// The types that activations of integer operators may have: what else depends on them.
package import CZoo
import CZooKernels

/// Int8, with any zero point; or Int16, whose zero point is 0 ("16x8": 16-bit activations, weights of 8 bits).
///
/// Source of the second: the specification of TensorFlow Lite,
/// https://ai.google.dev/edge/litert/models/quantization_spec, and its 16x8 mode of quantisation.
package protocol IntegerElement: FixedWidthInteger & SignedInteger & Sendable {
  /// Whether it has 16 bits: a constant, so that specialised code has one branch only.
  static var isWide: Bool { get }
  associatedtype Sum: ProductSum
}

/// An exact sum of products of activations and weights.
package protocol ProductSum {
  /// Starts from bias `index` of `bias` and, if it takes two words, of `lower`.
  init(bias: UnsafePointer<Int32>, lower: UnsafePointer<Int32>, _ index: Int)
  mutating func add(_ x: Int32, _ weight: Int32)
  /// The sum, rounded once to the nearest float, ties to even.
  var float: Float { get }
}

extension Int8: IntegerElement {
  package static var isWide: Bool { false }
  package typealias Sum = WordSum
}

extension Int16: IntegerElement {
  package static var isWide: Bool { true }
  package typealias Sum = WideSum
}

/// A sum of 32 bits: what fits is the compiler's business, and what does not wraps around.
package struct WordSum: ProductSum {
  private var sum: Int32

  package init(bias: UnsafePointer<Int32>, lower: UnsafePointer<Int32>, _ index: Int) {
    sum = bias[index]
  }

  @inline(__always)
  package mutating func add(_ x: Int32, _ weight: Int32) { sum &+= x &* weight }
  package var float: Float { Float(Int(sum)) }
}

/// A sum of 48 bits, of which a bias brings the upper 32 and the lower 16.
///
/// C adds: `Int64` would need the heap on 32-bit targets (`Numerics/Integers.swift`), where this is one instruction.
package struct WideSum: ProductSum {
  private var sum: Int64

  package init(bias: UnsafePointer<Int32>, lower: UnsafePointer<Int32>, _ index: Int) {
    sum = zoo_wide_bias(bias[index], lower[index])
  }

  @inline(__always)
  package mutating func add(_ x: Int32, _ weight: Int32) { sum = zoo_wide_add(sum, x, weight) }
  package var float: Float { zoo_wide_float(sum) }

  /// Most products in a sum: below 2^45, so that it and any bias that the compiler makes stay within 48 bits, and within
  /// the words that kernels keep (`i16_igemm`).
  static let mostProducts = 1 << 23 - 1
}

extension IntegerElement {
  package static var type: zoo_type { isWide ? ZOO_I16 : ZOO_I8 }
  static var zeroPoints: ClosedRange<Int32> { isWide ? 0...0 : -128...127 }
  /// Most elements whose sum fits 32 bits.
  package static var mostSummed: Int { isWide ? 1 << 16 : 1 << 23 }

  static func product(_ kernels: zoo_kernels) -> zoo_integer_igemm_kernel {
    isWide ? kernels.i16_igemm : kernels.i8_igemm
  }
  static func depthwise(_ kernels: zoo_kernels) -> zoo_integer_dwconv_ukernel? {
    isWide ? kernels.i16_dwconv : kernels.i8_dwconv
  }
  static func pool(_ kernels: zoo_kernels) -> zoo_integer_pool_ukernel? {
    isWide ? kernels.i16_pool : kernels.i8_pool
  }
  static func binary(_ kernels: zoo_kernels) -> zoo_integer_binary_ukernel? {
    isWide ? kernels.i16_binary : kernels.i8_binary
  }
  static func quantization(_ kernels: zoo_kernels) -> zoo_integer_quantize_ukernel? {
    isWide ? kernels.i16_quantize : kernels.i8_quantize
  }
}

extension zoo_tensor {
  /// The elements as integers of `type`. Only for tensors whose type and presence `prepare` checked.
  package func integers<Element: IntegerElement>(
    _ type: Element.Type
  ) -> UnsafeMutablePointer<Element> {
    data.unsafelyUnwrapped.assumingMemoryBound(to: type)
  }
}
