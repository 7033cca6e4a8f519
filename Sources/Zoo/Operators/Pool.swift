// Maximum, minimum and average pooling.
import CZoo
import CZooKernels

/// What a window is reduced to.
package enum PoolKind: Int32, Sendable {
  case max = 0
  case min = 1
  case average = 2
}

/// y[n, p, q, c] = the maximum, minimum or mean of x over a window of each channel.
///
/// - Shapes: `x` [n, h, w, c]; `y` [n, oh, ow, c].
/// - Padding never wins a maximum or minimum. A mean divides by the taps inside the image or, with
///   `countsPadding`, by those inside the padded image (a window that sticks out past the padding, which only
///   `ceil` allows, counts just its padded part).
/// - A window wholly in the padding gives 0.
/// - Rows of `x` and `y` may have gaps. Not in place.
package struct Pool: RunnableOperation {
  package static let code = 4
  package static let inputCounts = 1...1
  package var window = Window()
  package var kind = PoolKind.max
  package var ceil = false
  package var countsPadding = false
  package var activation = Activation()

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    window.archive(&archive)
    archive.field("kind", &kind)
    archive.field("ceil", &ceil)
    archive.field("counts padding", &countsPadding)
    activation.archive(&archive)
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    try window.outputShape(inputs[0].extent, channels: inputs[0].extent[3], ceil: ceil)
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireFloat()
    try node.requireLayout()
    guard !activation.needsPass else { throw .attribute("pooling fuses only a clamp") }
  }

  func run(_ node: Node) {
    let x = node.inputs[0]
    let work = PoolWork(
      pool: self, x: x, y: node.output, vertical: window.vertical(x.height),
      horizontal: window.horizontal(x.width), runtime: node.runtime)
    work.forEach(work.pieces, node.runtime) { PoolWork.body($0).run($1) }
  }
}

#if arch(x86_64)
extension Pool {
  /// What can be bf16 of the operands of a prepared node.
  func roundedOperands(_ node: Node) -> RoundedOperands {
    let (x, y) = (node.inputs[0], node.output)
    guard node.runtime.kernels.bf16_pool != nil, window.vertical(x.height).meetsImage(y.height),
      window.horizontal(x.width).meetsImage(y.width)
    else { return RoundedOperands() }
    return RoundedOperands(inputs: 1, output: true, linked: 1)
  }
}
#endif

/// Rows of output, cut into pieces.
private struct PoolWork: ParallelWork {
  let pool: Pool
  let x: zoo_tensor
  let y: zoo_tensor
  let vertical: WindowAxis
  let horizontal: WindowAxis
  let runtime: Runtime

  private var rows: Int { y.extent[0] * y.height }
  var pieces: Int {
    let taps = vertical.kernel * horizontal.kernel
    return runtime.pieces(for: y.extent.elementCount * taps, worth: 1 << 16, most: rows)
  }

  func run(_ index: Int) {
    let rows = piece(index, of: pieces, rows)
    var row = rows.lowerBound
    while row < rows.upperBound {
      let image = row / y.height
      let p = row % y.height
      let below = min(y.height, p + rows.upperBound - row)
      let lines = p..<vertical.runEnd(from: p, extent: below)
      var q = 0
      while q < y.width {
        let end = horizontal.runEnd(from: q, extent: y.width)
        runPixels(image, lines, q..<end)
        q = end
      }
      row += lines.count
    }
  }

  /// A rectangle of output pixels that share the same valid taps.
  private func runPixels(_ image: Int, _ lines: Range<Int>, _ pixels: Range<Int>) {
    let i = vertical.validTaps(lines.lowerBound)
    let j = horizontal.validTaps(pixels.lowerBound)
    let output =
      ((image * y.height + lines.lowerBound) * y.width + pixels.lowerBound) * y.rowStride
    guard !i.isEmpty && !j.isEmpty else {
      for l in 0..<lines.count {
        for q in 0..<pixels.count {
          for c in 0..<y.channels {
            y.floats[output + (l * y.width + q) * y.rowStride + c] = 0
          }
        }
      }
      return
    }
    let row = vertical.origin(lines.lowerBound) + i.lowerBound * vertical.dilation
    let column = horizontal.origin(pixels.lowerBound) + j.lowerBound * horizontal.dilation
    var params = zoo_f32_pool_params()
    params.kind = zoo_f32_pool_kind(rawValue: UInt32(pool.kind.rawValue))
    params.channels = x.channels
    params.kh = i.count
    params.kw = j.count
    let input = ((image * x.height + row) * x.width + column) * x.rowStride
    params.lines = lines.count
    params.x_line_stride = vertical.stride * x.width * x.rowStride
    params.x_pixel_stride = horizontal.stride * x.rowStride
    params.x_row_stride = vertical.dilation * x.width * x.rowStride
    params.x_col_stride = horizontal.dilation * x.rowStride
    params.y_line_stride = y.width * y.rowStride
    params.y_stride = y.rowStride
    params.lower = pool.activation.lower
    params.upper = pool.activation.upper
    params.scale = 1
    if pool.kind == .average {
      let count =
        pool.countsPadding
        ? vertical.paddedTaps(lines.lowerBound) * horizontal.paddedTaps(pixels.lowerBound)
        : i.count * j.count
      params.scale = 1 / Float(count)
    }
    if let rounded = x.rounded, let to = y.rounded {
      params.rounded_x = UnsafePointer(rounded + input)
      params.rounded_y = to + output
      runtime.kernels.bf16_pool?(pixels.count, &params)
      return
    }
    params.x = UnsafePointer(x.floats + input)
    params.y = y.floats + output
    if let kernel = runtime.kernels.f32_pool {
      kernel(pixels.count, &params)
    } else {
      runPortable(pixels.count, params)
    }
  }

  private func runPortable(_ pixels: Int, _ params: zoo_f32_pool_params) {
    for l in 0..<params.lines {
      for q in 0..<pixels {
        let x = params.x + l * params.x_line_stride + q * params.x_pixel_stride
        let y = params.y + l * params.y_line_stride + q * params.y_stride
        for c in 0..<params.channels {
          y[c] = clamp(reduce(x + c, params) * params.scale, params.lower, params.upper)
        }
      }
    }
  }

  /// Over the window that starts at `x`.
  private func reduce(_ x: UnsafePointer<Float>, _ params: zoo_f32_pool_params) -> Float {
    var result = pool.kind == .average ? 0 : x[0]
    for i in 0..<params.kh {
      for j in 0..<params.kw {
        let value = x[i * params.x_row_stride + j * params.x_col_stride]
        switch pool.kind {
        case .max: result = value > result ? value : result
        case .min: result = value < result ? value : result
        case .average: result += value
        }
      }
    }
    return result
  }
}

extension WindowAxis {
  /// Taps of the window at `position` that fall inside the input or its padding.
  package func paddedTaps(_ position: Int) -> Int {
    let room = input + padAfter - origin(position)
    return min(kernel, max(1, (room + dilation - 1) / dilation))
  }
}

@c(zoo_pool_prepare)
func poolPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Pool.self, node, error) }

@c(zoo_pool_run)
func poolRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Pool.self, node) }
