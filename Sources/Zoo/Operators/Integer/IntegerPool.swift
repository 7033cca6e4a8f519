// Pooling in integers.
import CZoo
import CZooKernels

/// y = requantize(multiplier (maximum, minimum or mean of x - zero over a window of each channel))
///
/// - Shapes and padding: as `Pool`. `x` and `y` both i8 or both i16; multiplier = scale(x) / scale(y).
/// - A mean is multiplier (1 / count) (sum of x - zero), the product of the two factors rounded first. Rounding:
///   `Requantization`. Rows of `x` and `y` may have gaps. Not in place. Sums have 32 bits.
package struct IntegerPool<Element: IntegerElement>: RunnableOperation {
  package static var code: Int { Element.isWide ? 29 : 20 }
  package static var inputCounts: ClosedRange<Int> { 1...1 }
  package var window = Window()
  package var kind = PoolKind.max
  package var ceil = false
  package var countsPadding = false
  package var bounds = IntegerBounds(Element.self)
  package var multiplier: Float = 1

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    window.archive(&archive)
    archive.field("kind", &kind)
    archive.field("ceil", &ceil)
    archive.field("counts padding", &countsPadding)
    bounds.archive(&archive)
    archive.field("multiplier", &multiplier)
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    try window.outputShape(inputs[0].extent, channels: inputs[0].extent[3], ceil: ceil)
  }

  func check(_ node: Node) throws(ZooError) {
    try bounds.check(Element.self)
    try node.requireInteger(0, Element.self)
    try node.requireIntegerOutput(Element.self)
    let taps = Int(window.kernelHeight).times(Int(window.kernelWidth)) ?? .max
    guard taps <= Element.mostSummed else {
      throw .attribute("window of a pooling", expected: Element.mostSummed, got: taps)
    }
  }

  func run(_ node: Node) {
    let x = node.inputs[0]
    let work = IntegerPoolWork<Element>(
      pool: self, x: x, y: node.output, vertical: window.vertical(x.height),
      horizontal: window.horizontal(x.width), runtime: node.runtime)
    work.forEach(
      work.pieces, node.runtime,
      Element.isWide
        ? { IntegerPoolWork<Int16>.body($0).run($1) }
        : { IntegerPoolWork<Int8>.body($0).run($1) })
  }
}

/// Rows of output, cut into pieces.
private struct IntegerPoolWork<Element: IntegerElement>: ParallelWork {
  let pool: IntegerPool<Element>
  let x: zoo_tensor
  let y: zoo_tensor
  let vertical: WindowAxis
  let horizontal: WindowAxis
  let runtime: Runtime

  private var rows: Int { y.extent[0] * y.height }
  var pieces: Int {
    let taps = vertical.kernel * horizontal.kernel
    return runtime.pieces(for: y.extent.elementCount * taps, worth: 1 << 18, most: rows)
  }

  func run(_ index: Int) {
    for row in piece(index, of: pieces, rows) {
      var q = 0
      while q < y.width {
        let end = horizontal.runEnd(from: q, extent: y.width)
        runPixels(row / y.height, row % y.height, q..<end)
        q = end
      }
    }
  }

  /// Output pixels that share the same valid taps.
  private func runPixels(_ image: Int, _ p: Int, _ pixels: Range<Int>) {
    let i = vertical.validTaps(p)
    let j = horizontal.validTaps(pixels.lowerBound)
    let output =
      y.integers(Element.self) + ((image * y.height + p) * y.width + pixels.lowerBound)
      * y.rowStride
    let requantization = pool.bounds.requantization(for: y)
    guard !i.isEmpty && !j.isEmpty else {
      for q in 0..<pixels.count {
        for c in 0..<y.channels { output[q * y.rowStride + c] = requantization(0) }
      }
      return
    }
    let row = vertical.origin(p) + i.lowerBound * vertical.dilation
    let column = horizontal.origin(pixels.lowerBound) + j.lowerBound * horizontal.dilation
    var params = zoo_integer_pool_params()
    params.channels = x.channels
    params.kh = i.count
    params.kw = j.count
    params.x = UnsafeRawPointer(
      x.integers(Element.self) + ((image * x.height + row) * x.width + column) * x.rowStride)
    params.x_pixel_stride = horizontal.stride * x.rowStride
    params.x_row_stride = vertical.dilation * x.width * x.rowStride
    params.x_col_stride = horizontal.dilation * x.rowStride
    params.y = UnsafeMutableRawPointer(output)
    params.y_stride = y.rowStride
    let count =
      pool.countsPadding
      ? vertical.paddedTaps(p) * horizontal.paddedTaps(pixels.lowerBound) : i.count * j.count
    reduceIntegers(
      Element.self, pool.kind, pixels: pixels.count, count: count, multiplier: pool.multiplier,
      zeroPoint: x.zeroPoint, requantization, &params, runtime)
  }
}

/// Reduces windows as `IntegerPool` says; `params` has the shapes and pointers.
func reduceIntegers<Element: IntegerElement>(
  _ type: Element.Type, _ kind: PoolKind, pixels: Int, count: Int, multiplier: Float,
  zeroPoint: Int32,
  _ requantization: Requantization, _ params: inout zoo_integer_pool_params, _ runtime: Runtime
) {
  params.kind = zoo_f32_pool_kind(rawValue: UInt32(kind.rawValue))
  params.x_zero_point = zeroPoint
  params.multiplier = kind == .average ? multiplier * (1 / Float(count)) : multiplier
  params.y_zero_point = requantization.zeroPoint
  params.lower = requantization.lower
  params.upper = requantization.upper
  if let kernel = type.pool(runtime.kernels) { return kernel(pixels, &params) }
  let x = params.x.unsafelyUnwrapped.assumingMemoryBound(to: type)
  let y = params.y.unsafelyUnwrapped.assumingMemoryBound(to: type)
  for q in 0..<pixels {
    for c in 0..<params.channels {
      let base = x + q * params.x_pixel_stride + c
      var result = kind == .average ? 0 : Int32(base[0]) &- zeroPoint
      for i in 0..<params.kh {
        for j in 0..<params.kw {
          let value = Int32(base[i * params.x_row_stride + j * params.x_col_stride]) &- zeroPoint
          switch kind {
          case .max: result = max(result, value)
          case .min: result = min(result, value)
          case .average: result &+= value
          }
        }
      }
      y[q * params.y_stride + c] = requantization(Float(Int(result)) * params.multiplier)
    }
  }
}

@c(zoo_pool_i8_prepare)
func integerPoolPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(IntegerPool<Int8>.self, node, error) }

@c(zoo_pool_i8_run)
func integerPoolRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(IntegerPool<Int8>.self, node) }

@c(zoo_pool_i16_prepare)
func widePoolPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(IntegerPool<Int16>.self, node, error) }

@c(zoo_pool_i16_run)
func widePoolRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(IntegerPool<Int16>.self, node) }
