// Pooling over a whole image in integers.
import CZoo
import CZooKernels

/// y[n, 0, 0, c] = requantize(multiplier (maximum, minimum or mean of x - zero over the image))
///
/// - Shapes: `x` [n, h, w, c] and `y` [n, 1, 1, c], both i8 or both i16; multiplier = scale(x) / scale(y). Means and rounding as in `IntegerPool`.
package struct IntegerGlobalPool<Element: IntegerElement>: RunnableOperation {
  package static var code: Int { Element.isWide ? 30 : 21 }
  package static var inputCounts: ClosedRange<Int> { 1...1 }
  package var kind = PoolKind.average
  package var multiplier: Float = 1

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    archive.field("kind", &kind)
    archive.field("multiplier", &multiplier)
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    let x = inputs[0].extent
    guard x.rank == 4 else { throw .shape("rank of an image", expected: 4, got: x.rank) }
    return Shape(n: x[0], h: 1, w: 1, c: x[3])
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireInteger(0, Element.self)
    try node.requireIntegerOutput(Element.self)
    // Sums of 32 bits.
    let pixels = node.inputs[0].height.times(node.inputs[0].width) ?? .max
    guard pixels <= Element.mostSummed else {
      throw .shape("pixels of a global pooling", expected: Element.mostSummed, got: pixels)
    }
  }

  func run(_ node: Node) {
    let x = node.inputs[0]
    let y = node.output
    let pixels = x.height * x.width
    for image in 0..<x.extent[0] {
      var params = zoo_integer_pool_params()
      params.channels = x.channels
      params.kh = 1
      params.kw = pixels
      params.x = UnsafeRawPointer(x.integers(Element.self) + image * pixels * x.rowStride)
      params.x_col_stride = x.rowStride
      params.y = UnsafeMutableRawPointer(y.integers(Element.self) + image * y.rowStride)
      params.y_stride = y.rowStride
      reduceIntegers(
        Element.self, kind, pixels: 1, count: pixels, multiplier: multiplier,
        zeroPoint: x.zeroPoint,
        IntegerBounds(Element.self).requantization(for: y), &params, node.runtime)
    }
  }
}

@c(zoo_global_pool_i8_prepare)
func integerGlobalPoolPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(IntegerGlobalPool<Int8>.self, node, error) }

@c(zoo_global_pool_i8_run)
func integerGlobalPoolRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(IntegerGlobalPool<Int8>.self, node) }

@c(zoo_global_pool_i16_prepare)
func wideGlobalPoolPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(IntegerGlobalPool<Int16>.self, node, error) }

@c(zoo_global_pool_i16_run)
func wideGlobalPoolRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(IntegerGlobalPool<Int16>.self, node) }
