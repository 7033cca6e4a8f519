// Integer products of few columns, whose rows are found by steps instead of pointers.
import CZoo
import CZooKernels

extension ImageSource {
  /// Whether its rows and taps lie a constant number of elements apart, line by line.
  var hasLines: Bool {
    (horizontal.kernel == 1 || vertical.kernel == 1)
      && horizontal.interior(outputWidth) == 0..<outputWidth
      && vertical.interior(outputHeight) == 0..<outputHeight
  }
}

extension ProductTiles {
  /// Columns from which on reading a row for all of them at once is faster. (224x224x64 from 3 channels: 476 us to 362.)
  private var manyColumns: Int { product.straddlesTaps ? 65 : 48 }
  /// Rows below which there is little to be gained.
  private var fewRows: Int { 4 }

  /// The kernel for this, if there is one that is faster than the other.
  var lines: zoo_i8_lines_ukernel? {
    guard !Element.isWide, workspace == nil, columns.count < manyColumns, rows.count >= fewRows
    else { return nil }
    return product.runtime.kernels.i8_lines
  }

  /// `rows`, which are those of `source` from `start` on.
  func run(
    _ kernel: zoo_i8_lines_ukernel, _ rows: Range<Int>, of source: ImageSource<Element>,
    _ start: Int
  ) {
    let tapStep =
      source.vertical.kernel > 1
      ? source.vertical.dilation * source.width : source.horizontal.dilation
    var row = rows.lowerBound
    while row < rows.upperBound {
      let left = rows.upperBound - row
      let (image, p, q) = source.position(start + row - rows.lowerBound)
      var (height, width) = (1, min(source.outputWidth - q, left))
      if source.isDirect {
        width = left
      } else if width == source.outputWidth {
        height = min(source.outputHeight - p, left / width)
      }
      run(
        kernel, height, width, at: row, from: source.origin(image, p, q),
        pixelStep: source.horizontal.stride * source.pixelStride,
        lineStep: source.vertical.stride * source.width * source.pixelStride,
        tapStep: tapStep * source.pixelStride, tapCount: source.tapCount,
        channels: source.channels)
      row += height * width
    }
  }

  /// `lines` lines of `pixels` rows each, from `row` on. Steps are in elements.
  func run(
    _ kernel: zoo_i8_lines_ukernel, _ lines: Int, _ pixels: Int, at row: Int,
    from base: UnsafePointer<Element>, pixelStep: Int, lineStep: Int, tapStep: Int, tapCount: Int,
    channels: Int
  ) {
    var params = zoo_i8_lines_params()
    params.product = parameters(row)
    params.product.kc = channels
    params.product.tap_count = tapCount
    params.x = UnsafeRawPointer(base).assumingMemoryBound(to: Int8.self)
    params.pixels = pixels
    params.pixel_step = pixelStep
    params.line_step = lineStep
    params.tap_step = tapStep
    kernel(lines, columns.count, &params)
  }
}
