// Which output pixels a tap of a window reaches, seen from the gradient.
import CZooTrainKernels
import Zoo

extension WindowAxis {
  /// Output positions below `extent` for which tap `tap` falls inside the input.
  func outputs(tap: Int, extent: Int) -> Range<Int> {
    let shift = padBefore - tap * dilation
    let first = shift > 0 ? (shift + stride - 1) / stride : 0
    let last = input - 1 + shift
    let end = last < 0 ? 0 : min(extent, last / stride + 1)
    return first < end ? first..<end : 0..<0
  }
}

/// A window sliding over images of one size, for walks over the pixels of a tap.
struct TapWalks {
  let vertical: WindowAxis
  let horizontal: WindowAxis
  let outputHeight: Int
  let outputWidth: Int
  /// Channels of the whole image and of the whole output.
  let channels: Int
  let outputs: Int

  init(_ window: Window, input: Shape, output: Shape) {
    vertical = window.vertical(input[1])
    horizontal = window.horizontal(input[2])
    outputHeight = output[1]
    outputWidth = output[2]
    channels = input[3]
    outputs = output[3]
  }

  var tapCount: Int { vertical.kernel * horizontal.kernel }
  var imageCount: Int { vertical.input * horizontal.input * channels }
  var outputCount: Int { outputHeight * outputWidth * outputs }

  /// Pixels of `x` (grid a) and `y` (grid b) of one image that tap `tap` connects; nil if it never falls inside.
  ///
  /// Offsets are given instead of pointers in the second and third part, for grids that are written.
  func walk(tap: Int) -> (walk: zoo_train_walk, x: Int, y: Int)? {
    let j = tap % horizontal.kernel
    return walk(
      tap / horizontal.kernel, j, over: horizontal.outputs(tap: j, extent: outputWidth))
  }

  /// The same for tap (i, j) and output columns for which it falls inside.
  func walk(_ i: Int, _ j: Int, over columns: Range<Int>) -> (
    walk: zoo_train_walk, x: Int, y: Int
  )? {
    let rows = vertical.outputs(tap: i, extent: outputHeight)
    guard !rows.isEmpty, !columns.isEmpty else { return nil }
    let row = vertical.origin(rows.lowerBound) + i * vertical.dilation
    let column = horizontal.origin(columns.lowerBound) + j * horizontal.dilation
    var walk = zoo_train_walk()
    walk.rows = rows.count
    walk.count = columns.count
    walk.a_row = vertical.stride * horizontal.input * channels
    walk.a_pixel = horizontal.stride * channels
    walk.b_row = outputWidth * outputs
    walk.b_pixel = outputs
    return (
      walk, (row * horizontal.input + column) * channels,
      (rows.lowerBound * outputWidth + columns.lowerBound) * outputs
    )
  }
}
