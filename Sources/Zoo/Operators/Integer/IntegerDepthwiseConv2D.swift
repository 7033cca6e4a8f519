// Depthwise convolution in integers.
import CZoo
import CZooKernels

/// y[.., c] = requantize(multiplier[c] (bias[c] + sum over i, j of (x[.., c] - zero) w[i, j, c]))
///
/// - Shapes: as `DepthwiseConv2D`: `x` i8 or i16 [n, h, w, c]; `w` i8 [kh, kw, c], values in -127...127; `bias` in steps of
///   scale(x) scale(w[c]), i32 [c], for i16 [2, c] as in `IntegerConv2D`; `multipliers` f32 [c] = scale(x) scale(w[c]) /
///   scale(y); `y` [n, oh, ow, c] of the type of `x`.
/// - Rounding: `Requantization`. Rows of `x` and `y` may have gaps. Not in place.
package struct IntegerDepthwiseConv2D<Element: IntegerElement>: RunnableOperation {
  package static var code: Int { Element.isWide ? 27 : 18 }
  package static var inputCounts: ClosedRange<Int> { 4...4 }
  package var window = Window()
  package var bounds = IntegerBounds(Element.self)

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    window.archive(&archive)
    bounds.archive(&archive)
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    let x = inputs[0].extent
    let w = inputs[1].extent
    let shape = try window.outputShape(x, channels: x[3])
    guard w.rank == 3, w[0] == Int(window.kernelHeight), w[1] == Int(window.kernelWidth),
      w[2] == x[3]
    else { throw .shape("weights, channels", expected: x[3], got: w[2]) }
    return shape
  }

  func check(_ node: Node) throws(ZooError) {
    try bounds.check(Element.self)
    let channels = node.output.extent[3]
    try node.requireInteger(0, Element.self)
    try node.requireDense(1, ZOO_I8, count: node.inputs[1].extent.elementCount)
    try node.requireDense(2, ZOO_I32, count: Element.isWide ? 2 * channels : channels)
    try node.requireDense(3, ZOO_F32, count: channels)
    try node.requireIntegerOutput(Element.self)
  }

  func run(_ node: Node) {
    let inputs = node.inputs
    let work = IntegerDepthwiseWork<Element>(
      x: inputs[0], w: inputs[1].bytes, bias: inputs[2].words, multipliers: inputs[3].floats,
      y: node.output, vertical: window.vertical(inputs[0].height),
      horizontal: window.horizontal(inputs[0].width),
      requantization: bounds.requantization(for: node.output), runtime: node.runtime)
    #if arch(x86_64)
    if let kernel = node.runtime.kernels.i8_dwplane, goesByPlanes(work.x, work.y) {
      return IntegerPlaneWork(work: work, kernel: kernel).start()
    }
    #endif
    work.forEach(
      work.pieces, node.runtime,
      Element.isWide
        ? { IntegerDepthwiseWork<Int16>.body($0).run($1) }
        : { IntegerDepthwiseWork<Int8>.body($0).run($1) })
  }
}

/// Rows of output, cut into pieces.
struct IntegerDepthwiseWork<Element: IntegerElement>: ParallelWork {
  let x: zoo_tensor
  let w: UnsafePointer<Int8>
  let bias: UnsafePointer<Int32>
  let multipliers: UnsafePointer<Float>
  let y: zoo_tensor
  let vertical: WindowAxis
  let horizontal: WindowAxis
  let requantization: Requantization
  let runtime: Runtime

  private var rows: Int { y.extent[0] * y.height }
  var taps: Int { vertical.kernel * horizontal.kernel }
  var pieces: Int {
    runtime.pieces(for: y.extent.elementCount * taps, worth: 1 << 17, most: rows)
  }

  func run(_ index: Int) {
    let rows = piece(index, of: pieces, rows)
    var row = rows.lowerBound
    while row < rows.upperBound {
      let p = row % y.height
      let below = min(y.height, p + rows.upperBound - row)
      let lines = p..<vertical.runEnd(from: p, extent: below)
      var q = 0
      while q < y.width {
        let end = horizontal.runEnd(from: q, extent: y.width)
        runPixels(row / y.height, lines, q..<end)
        q = end
      }
      row += lines.count
    }
  }

  /// A rectangle of output pixels that share the same valid taps.
  private func runPixels(_ image: Int, _ lines: Range<Int>, _ pixels: Range<Int>) {
    let i = vertical.validTaps(lines.lowerBound)
    let j = horizontal.validTaps(pixels.lowerBound)
    let row = vertical.origin(lines.lowerBound) + i.lowerBound * vertical.dilation
    let column = horizontal.origin(pixels.lowerBound) + j.lowerBound * horizontal.dilation
    let isEmpty = i.isEmpty || j.isEmpty
    var params = zoo_integer_dwconv_params()
    params.channels = x.channels
    params.kh = isEmpty ? 0 : i.count
    params.kw = isEmpty ? 0 : j.count
    params.lines = lines.count
    params.x = UnsafeRawPointer(
      x.integers(Element.self)
        + (isEmpty ? 0 : ((image * x.height + row) * x.width + column) * x.rowStride))
    params.x_line_stride = vertical.stride * x.width * x.rowStride
    params.x_pixel_stride = horizontal.stride * x.rowStride
    params.x_row_stride = vertical.dilation * x.width * x.rowStride
    params.x_col_stride = horizontal.dilation * x.rowStride
    params.x_zero_point = x.zeroPoint
    params.w_row_stride = horizontal.kernel * x.channels
    params.w_col_stride = x.channels
    params.w = w + i.lowerBound * params.w_row_stride + j.lowerBound * params.w_col_stride
    params.bias = (bias, bias + x.channels)
    params.multipliers = multipliers
    let first = (image * y.height + lines.lowerBound) * y.width + pixels.lowerBound
    params.y = UnsafeMutableRawPointer(y.integers(Element.self) + first * y.rowStride)
    params.y_line_stride = y.width * y.rowStride
    params.y_stride = y.rowStride
    params.y_zero_point = requantization.zeroPoint
    params.lower = requantization.lower
    params.upper = requantization.upper
    if let kernel = Element.depthwise(runtime.kernels), !isEmpty {
      kernel(pixels.count, &params)
    } else {
      runPortable(pixels.count, params)
    }
  }

  /// The meaning.
  private func runPortable(_ pixels: Int, _ params: zoo_integer_dwconv_params) {
    let x = params.x.unsafelyUnwrapped.assumingMemoryBound(to: Element.self)
    let y = params.y.unsafelyUnwrapped.assumingMemoryBound(to: Element.self)
    for l in 0..<params.lines {
      for q in 0..<pixels {
        let start = l * params.x_line_stride + q * params.x_pixel_stride
        for c in 0..<params.channels {
          var sum = Element.Sum(bias: bias, lower: bias + params.channels, c)
          for i in 0..<params.kh {
            for j in 0..<params.kw {
              let at = start + i * params.x_row_stride + j * params.x_col_stride + c
              let weight = params.w[i * params.w_row_stride + j * params.w_col_stride + c]
              sum.add(Int32(x[at]) &- params.x_zero_point, Int32(weight))
            }
          }
          y[l * params.y_line_stride + q * params.y_stride + c] = requantization(
            sum.float * multipliers[c])
        }
      }
    }
  }
}

@c(zoo_depthwise_conv2d_i8_prepare)
func integerDepthwiseConv2DPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(IntegerDepthwiseConv2D<Int8>.self, node, error) }

@c(zoo_depthwise_conv2d_i8_run)
func integerDepthwiseConv2DRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(IntegerDepthwiseConv2D<Int8>.self, node) }

@c(zoo_depthwise_conv2d_i16_prepare)
func wideDepthwiseConv2DPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(IntegerDepthwiseConv2D<Int16>.self, node, error) }

@c(zoo_depthwise_conv2d_i16_run)
func wideDepthwiseConv2DRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(IntegerDepthwiseConv2D<Int16>.self, node) }
