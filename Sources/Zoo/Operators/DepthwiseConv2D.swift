// Depthwise convolution: every channel has its own small kernel.
import CZoo
import CZooKernels

/// y[n, p, q, c] = act(bias[c] + sum over i, j of x[n, p s - pad + i d, q s - pad + j d, c] w[i, j, c])
///
/// - Shapes: `x` [n, h, w, c]; `w` [kh, kw, c]; `bias` [c], optional; `y` [n, oh, ow, c]. A channel multiplier above 1 is
///   a `Conv2D` with groups.
/// - Rows of `x` and `y` may have gaps. Not in place.
package struct DepthwiseConv2D: RunnableOperation {
  package static let code = 2
  package static let inputCounts = 2...3
  package var window = Window()
  package var activation = Activation()

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    window.archive(&archive)
    activation.archive(&archive)
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    let x = inputs[0].extent
    let w = inputs[1].extent
    let shape = try window.outputShape(x, channels: x[3])
    guard w.rank == 3, w[0] == Int(window.kernelHeight), w[1] == Int(window.kernelWidth),
      w[2] == x[3]
    else { throw .shape("weights, channels", expected: x[3], got: w[2]) }
    if inputs.isPresent(2) {
      guard inputs[2].extent.elementCount == x[3] else {
        throw .shape("bias", expected: x[3], got: inputs[2].extent.elementCount)
      }
    }
    return shape
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireFloat()
    try node.requireLayout()
  }

  func run(_ node: Node) {
    let inputs = node.inputs
    let work = DepthwiseWork(
      x: inputs[0], w: inputs[1].floats, bias: inputs.isPresent(2) ? inputs[2].floats : nil,
      y: node.output, vertical: window.vertical(inputs[0].height),
      horizontal: window.horizontal(inputs[0].width), activation: activation,
      runtime: node.runtime)
    #if arch(x86_64)
    let kernels = node.runtime.kernels
    if goesByPlanes(inputs[0], isRounded: inputs[0].rounded != nil, kernels),
      let kernel = inputs[0].rounded == nil ? kernels.f32_dwplane : kernels.bf16_dwplane
    {
      return PlaneWork(work: work, kernel: kernel).start()
    }
    #endif
    work.forEach(work.pieces, node.runtime) { DepthwiseWork.body($0).run($1) }
  }
}

#if arch(x86_64)
extension DepthwiseConv2D {
  /// What can be bf16 of the operands of a prepared node.
  func roundedOperands(_ node: Node) -> RoundedOperands {
    let (x, y) = (node.inputs[0], node.output)
    let (vertical, horizontal) = (window.vertical(x.height), window.horizontal(x.width))
    let kernels = node.runtime.kernels
    // Elsewhere every window must have a tap inside the image, and nothing may be left to do with its sum.
    guard kernels.bf16_dwconv != nil,
      goesByPlanes(x, isRounded: true, kernels)
        || !activation.needsPass && vertical.meetsImage(y.height)
          && horizontal.meetsImage(y.width)
    else { return RoundedOperands() }
    return RoundedOperands(inputs: 1, output: true, linked: 1)
  }
}
#endif

/// Rows of output, cut into pieces.
struct DepthwiseWork: ParallelWork {
  let x: zoo_tensor
  let w: UnsafePointer<Float>
  let bias: UnsafePointer<Float>?
  let y: zoo_tensor
  let vertical: WindowAxis
  let horizontal: WindowAxis
  let activation: Activation
  let runtime: Runtime

  private var rows: Int { y.extent[0] * y.height }
  var taps: Int { vertical.kernel * horizontal.kernel }
  var pieces: Int {
    runtime.pieces(for: y.extent.elementCount * taps, worth: 1 << 16, most: rows)
  }

  func run(_ index: Int) {
    let rows = piece(index, of: pieces, rows)
    var row = rows.lowerBound
    while row < rows.upperBound {
      let image = row / y.height
      let p = row % y.height
      let below = min(y.height, p + rows.upperBound - row)
      let lines = p..<min(p + linesAtOnce, vertical.runEnd(from: p, extent: below))
      var channel = 0
      while channel < x.channels {
        let channels = channel..<min(x.channels, channel + channelsAtOnce)
        var q = 0
        while q < y.width {
          let end = horizontal.runEnd(from: q, extent: y.width)
          runPixels(image, lines, q..<end, channels)
          q = end
        }
        channel = channels.upperBound
      }
      if activation.needsPass { finish(image, lines) }
      row += lines.count
    }
  }

  /// Weights of more channels would not stay in the nearest cache from one rectangle of pixels to the next.
  private var channelsAtOnce: Int { taps * x.channels > 1 << 13 ? 128 : x.channels }

  /// Lines that share their valid taps are made together; of those that need a pass, as many as stay in cache until then.
  private var linesAtOnce: Int {
    activation.needsPass ? max(1, (1 << 14) / (y.width * y.channels)) : y.height
  }

  /// What the kernel's clamp could not do, for lines while they are in cache.
  private func finish(_ image: Int, _ lines: Range<Int>) {
    let first = y.floats + (image * y.height + lines.lowerBound) * y.width * y.rowStride
    let pixels = lines.count * y.width
    if y.rowStride == y.channels {
      return activation.apply(first, first, count: pixels * y.channels, runtime)
    }
    for q in 0..<pixels {
      activation.apply(
        first + q * y.rowStride, first + q * y.rowStride, count: y.channels, runtime)
    }
  }

  /// A rectangle of output pixels that share the same valid taps, in some channels.
  private func runPixels(
    _ image: Int, _ lines: Range<Int>, _ pixels: Range<Int>, _ channels: Range<Int>
  ) {
    let i = vertical.validTaps(lines.lowerBound)
    let j = horizontal.validTaps(pixels.lowerBound)
    let first = channels.lowerBound
    let output =
      first + ((image * y.height + lines.lowerBound) * y.width + pixels.lowerBound) * y.rowStride
    guard !i.isEmpty && !j.isEmpty else {
      for l in 0..<lines.count {
        for q in 0..<pixels.count {
          for c in 0..<channels.count {
            y.floats[output + (l * y.width + q) * y.rowStride + c] = clamp(
              bias?[first + c] ?? 0, activation.lower, activation.upper)
          }
        }
      }
      return
    }
    let row = vertical.origin(lines.lowerBound) + i.lowerBound * vertical.dilation
    let column = horizontal.origin(pixels.lowerBound) + j.lowerBound * horizontal.dilation
    var params = zoo_f32_dwconv_params()
    params.channels = channels.count
    params.kh = i.count
    params.kw = j.count
    params.lines = lines.count
    let input = first + ((image * x.height + row) * x.width + column) * x.rowStride
    params.x_line_stride = vertical.stride * x.width * x.rowStride
    params.x_pixel_stride = horizontal.stride * x.rowStride
    params.x_row_stride = vertical.dilation * x.width * x.rowStride
    params.x_col_stride = horizontal.dilation * x.rowStride
    params.w_row_stride = horizontal.kernel * x.channels
    params.w_col_stride = x.channels
    params.w = w + first + i.lowerBound * params.w_row_stride + j.lowerBound * params.w_col_stride
    params.bias = bias.map { $0 + first }
    params.y_line_stride = y.width * y.rowStride
    params.y_stride = y.rowStride
    params.lower = activation.lower
    params.upper = activation.upper
    if let rounded = x.rounded, let to = y.rounded {
      params.rounded_x = UnsafePointer(rounded + input)
      params.rounded_y = to + output
      runtime.kernels.bf16_dwconv?(pixels.count, &params)
      return
    }
    params.x = UnsafePointer(x.floats + input)
    params.y = y.floats + output
    if let kernel = runtime.kernels.f32_dwconv {
      kernel(pixels.count, &params)
    } else {
      runPortable(pixels.count, params)
    }
  }

  /// The meaning: taps in order, products added one by one, no fused operations.
  private func runPortable(_ pixels: Int, _ params: zoo_f32_dwconv_params) {
    for l in 0..<params.lines {
      for q in 0..<pixels {
        let start = l * params.x_line_stride + q * params.x_pixel_stride
        for c in 0..<params.channels {
          var sum = params.bias.map { $0[c] } ?? 0
          for i in 0..<params.kh {
            for j in 0..<params.kw {
              let at = start + i * params.x_row_stride + j * params.x_col_stride + c
              sum += params.x[at] * params.w[i * params.w_row_stride + j * params.w_col_stride + c]
            }
          }
          params.y[l * params.y_line_stride + q * params.y_stride + c] = clamp(
            sum, params.lower, params.upper)
        }
      }
    }
  }
}

@c(zoo_depthwise_conv2d_prepare)
func depthwiseConv2DPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(DepthwiseConv2D.self, node, error) }

@c(zoo_depthwise_conv2d_run)
func depthwiseConv2DRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(DepthwiseConv2D.self, node) }
