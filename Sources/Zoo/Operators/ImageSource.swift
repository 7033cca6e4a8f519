// The left matrix of an implicit product: one row per output pixel, found in the image instead of copied.
package import CZoo

/// Rows of a virtual matrix [output pixels][kh kw channels] whose elements lie in an NHWC image.
package struct ImageSource {
  let base: UnsafePointer<Float>
  let pixelStride: Int  // elements between pixels of the image
  let channels: Int  // channels of one group
  let height: Int
  let width: Int
  let outputHeight: Int
  let outputWidth: Int
  let vertical: WindowAxis
  let horizontal: WindowAxis

  /// A window sliding over `image`, reading `channels` channels from `base` on.
  package init(
    base: UnsafePointer<Float>, image: zoo_tensor, channels: Int, outputHeight: Int,
    outputWidth: Int, vertical: WindowAxis, horizontal: WindowAxis
  ) {
    self.base = base
    self.channels = channels
    self.outputHeight = outputHeight
    self.outputWidth = outputWidth
    self.vertical = vertical
    self.horizontal = horizontal
    pixelStride = image.rowStride
    height = image.height
    width = image.width
  }

  /// The rows of a plain matrix of `depth` columns: a 1x1 window over a column of pixels.
  package init(matrix: UnsafePointer<Float>, rows: Int, depth: Int, rowStride: Int) {
    base = matrix
    channels = depth
    pixelStride = rowStride
    height = rows
    width = 1
    outputHeight = rows
    outputWidth = 1
    let point = { (extent: Int) in
      WindowAxis(kernel: 1, stride: 1, dilation: 1, padBefore: 0, padAfter: 0, input: extent)
    }
    vertical = point(rows)
    horizontal = point(1)
  }

  var tapCount: Int { vertical.kernel * horizontal.kernel }

  /// Whether row i of the matrix is simply pixel i of the image.
  var isDirect: Bool {
    tapCount == 1 && vertical.stride == 1 && horizontal.stride == 1 && vertical.padBefore == 0
      && horizontal.padBefore == 0 && outputHeight == height && outputWidth == width
  }

  /// Whether taps of one kernel row are adjacent in memory, so that a row can be gathered by few copies.
  var hasAdjacentTaps: Bool { horizontal.dilation == 1 && pixelStride == channels }

  /// Image, row and column of output pixel `index`.
  @inline(__always)
  func position(_ index: Int) -> (image: Int, p: Int, q: Int) {
    let q = index % outputWidth
    let rest = index / outputWidth
    return (rest / outputHeight, rest % outputHeight, q)
  }

  /// Output rows and columns for which all taps lie inside the image.
  var interior: (rows: Range<Int>, columns: Range<Int>) {
    (vertical.interior(outputHeight), horizontal.interior(outputWidth))
  }

  /// The pixel that tap (0, 0) of an output of the interior reads.
  @inline(__always)
  func origin(_ image: Int, _ p: Int, _ q: Int) -> UnsafePointer<Float> {
    base + ((image * height + vertical.origin(p)) * width + horizontal.origin(q)) * pixelStride
  }

  /// The pixel that tap (i, j) of output (p, q) reads, or nil in the padding.
  @inline(__always)
  func pixel(_ image: Int, _ p: Int, _ q: Int, _ i: Int, _ j: Int) -> UnsafePointer<Float>? {
    let row = vertical.origin(p) + i * vertical.dilation
    let column = horizontal.origin(q) + j * horizontal.dilation
    guard row >= 0 && row < height && column >= 0 && column < width else { return nil }
    return base + ((image * height + row) * width + column) * pixelStride
  }
}
