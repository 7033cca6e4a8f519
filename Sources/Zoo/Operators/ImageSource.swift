// The left matrix of an implicit product: one row per output pixel, found in the image instead of copied.
package import CZoo
import CZooKernels

/// Rows of a virtual matrix [output pixels][kh kw channels] whose elements lie in an NHWC image.
package struct ImageSource<Element> {
  let base: UnsafePointer<Element>
  let pixelStride: Int  // elements between pixels of the image
  package let channels: Int  // of one group
  let height: Int
  let width: Int
  let outputHeight: Int
  let outputWidth: Int
  let vertical: WindowAxis
  let horizontal: WindowAxis

  init(
    base: UnsafePointer<Element>, pixelStride: Int, channels: Int, height: Int, width: Int,
    outputHeight: Int, outputWidth: Int, vertical: WindowAxis, horizontal: WindowAxis
  ) {
    self.base = base
    self.pixelStride = pixelStride
    self.channels = channels
    self.height = height
    self.width = width
    self.outputHeight = outputHeight
    self.outputWidth = outputWidth
    self.vertical = vertical
    self.horizontal = horizontal
  }

  /// A window sliding over `image`, reading `channels` channels from `base` on.
  package init(
    base: UnsafePointer<Element>, image: zoo_tensor, channels: Int, outputHeight: Int,
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
  package init(matrix: UnsafePointer<Element>, rows: Int, depth: Int, rowStride: Int) {
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

  package var tapCount: Int { vertical.kernel * horizontal.kernel }

  /// Whether row i of the matrix is simply pixel i of the image.
  var isDirect: Bool {
    tapCount == 1 && vertical.stride == 1 && horizontal.stride == 1 && vertical.padBefore == 0
      && horizontal.padBefore == 0 && outputHeight == height && outputWidth == width
  }

  /// Whether taps of one kernel row are adjacent in memory, so that a row can be gathered by few copies.
  var hasAdjacentTaps: Bool { horizontal.dilation == 1 && pixelStride == channels }

  /// The same matrix with each kernel row as one tap of more channels, if its taps are adjacent and never leave the image
  /// sideways: fewer pointers, longer runs, nothing to gather.
  package var byKernelRows: ImageSource {
    let count = horizontal.kernel * channels
    guard horizontal.kernel > 1, hasAdjacentTaps, count <= Int(ZOO_ZERO_ROW_COUNT),
      horizontal.interior(outputWidth) == 0..<outputWidth
    else { return self }
    return ImageSource(
      base: base, pixelStride: pixelStride, channels: count, height: height, width: width,
      outputHeight: outputHeight, outputWidth: outputWidth, vertical: vertical,
      horizontal: WindowAxis(
        kernel: 1, stride: horizontal.stride, dilation: 1, padBefore: 0, padAfter: 0, input: width))
  }

  /// The same windows over another image of the same extents.
  func over<Other>(_ image: UnsafePointer<Other>) -> ImageSource<Other> {
    ImageSource<Other>(
      base: image, pixelStride: pixelStride, channels: channels, height: height, width: width,
      outputHeight: outputHeight, outputWidth: outputWidth, vertical: vertical,
      horizontal: horizontal)
  }

  /// Image, row and column of output pixel `index`.
  @inline(__always)
  func position(_ index: Int) -> (image: Int, p: Int, q: Int) {
    let q = index % outputWidth
    let rest = index / outputWidth
    return (rest / outputHeight, rest % outputHeight, q)
  }

  /// The pixel that tap (0, 0) of an output of the interior reads.
  @inline(__always)
  func origin(_ image: Int, _ p: Int, _ q: Int) -> UnsafePointer<Element> {
    base + ((image * height + vertical.origin(p)) * width + horizontal.origin(q)) * pixelStride
  }

  /// The pixel that tap (i, j) of output (p, q) reads, or nil in the padding.
  @inline(__always)
  func pixel(_ image: Int, _ p: Int, _ q: Int, _ i: Int, _ j: Int) -> UnsafePointer<Element>? {
    let row = vertical.origin(p) + i * vertical.dilation
    let column = horizontal.origin(q) + j * horizontal.dilation
    guard row >= 0 && row < height && column >= 0 && column < width else { return nil }
    return base + ((image * height + row) * width + column) * pixelStride
  }

  /// Writes pointers[tap * stride + i] for the taps of output pixels `rows`; taps in the padding
  /// point at `padding`.
  package func fill(
    _ pointers: UnsafeMutablePointer<UnsafePointer<Element>?>, rows: Range<Int>, stride: Int,
    padding: UnsafePointer<Element>?
  ) {
    if isDirect {
      return fillRun(pointers, base + rows.lowerBound * pixelStride, step: pixelStride, rows.count)
    }
    var (image, p, q) = position(rows.lowerBound)
    var next = pointers
    var left = rows.count
    while left > 0 {
      let count = min(left, outputWidth - q)
      fillLine(next, stride: stride, image, p, q..<q + count, padding: padding)
      next += count
      left -= count
      q = 0
      p += 1
      if p == outputHeight { (image, p) = (image + 1, 0) }
    }
  }

  /// `fill` for pixels of one line of the output: those a tap finds inside the image are a constant distance apart.
  private func fillLine(
    _ pointers: UnsafeMutablePointer<UnsafePointer<Element>?>, stride: Int, _ image: Int, _ p: Int,
    _ columns: Range<Int>, padding: UnsafePointer<Element>?
  ) {
    let count = columns.count
    let step = horizontal.stride * pixelStride
    var column = horizontal.origin(columns.lowerBound)
    for j in 0..<horizontal.kernel {
      var (first, end) = (0, count)
      while first < end, column + first * horizontal.stride < 0 { first += 1 }
      while first < end, column + (end - 1) * horizontal.stride >= width { end -= 1 }
      var next = pointers + j * stride
      var row = vertical.origin(p)
      for _ in 0..<vertical.kernel {
        if row >= 0 && row < height {
          let tap = base + ((image * height + row) * width + column) * pixelStride + first * step
          for k in 0..<first { next[k] = padding }
          fillRun(next + first, tap, step: step, end - first)
          for k in end..<count { next[k] = padding }
        } else {
          for k in 0..<count { next[k] = padding }
        }
        next += horizontal.kernel * stride
        row += vertical.dilation
      }
      column += horizontal.dilation
    }
  }

  /// Writes the addresses of `count` elements from `first` on, `step` elements apart.
  @inline(__always)
  func fillRun(
    _ pointers: UnsafeMutablePointer<UnsafePointer<Element>?>, _ first: UnsafePointer<Element>,
    step: Int, _ count: Int
  ) {
    zoo_fill_addresses(
      UnsafeMutableRawPointer(pointers).assumingMemoryBound(to: UnsafeRawPointer?.self),
      UnsafeRawPointer(first).assumingMemoryBound(to: CChar.self),
      step * MemoryLayout<Element>.stride, count)
  }

  /// Copies the windows of output pixels `rows`, `step` elements apart; `padding` where they leave the image.
  func gather(
    _ rows: Range<Int>, into target: UnsafeMutablePointer<Element>, step: Int, padding: Element
  ) {
    let inside = horizontal.interior(outputWidth)
    var row = rows.lowerBound
    while row < rows.upperBound {
      let (image, p, q) = position(row)
      let to = target + (row - rows.lowerBound) * step
      var run = 1
      if hasAdjacentTaps && inside.contains(q) {
        run = min(rows.upperBound - row, inside.upperBound - q)
        gather(run, image, p, q, into: to, step: step, padding: padding)
      } else {
        gather(row, into: to, padding: padding)
      }
      row += run
    }
  }

  /// Copies the windows of `run` neighbouring pixels, which leave the image at most above and below.
  @inline(__always)
  private func gather(
    _ run: Int, _ image: Int, _ p: Int, _ q: Int, into target: UnsafeMutablePointer<Element>,
    step: Int, padding: Element
  ) {
    let size = MemoryLayout<Element>.stride
    let lines = vertical.validTaps(p)
    let lineLength = horizontal.kernel * channels
    if !lines.isEmpty {
      let from = origin(image, p, q) + lines.lowerBound * vertical.dilation * width * pixelStride
      zoo_gather(
        UnsafeMutableRawPointer(target + lines.lowerBound * lineLength)
          .assumingMemoryBound(to: CChar.self), step * size,
        UnsafeRawPointer(from).assumingMemoryBound(to: CChar.self),
        horizontal.stride * pixelStride * size, run, lines.count,
        vertical.dilation * width * pixelStride * size, lineLength * size)
    }
    guard lines.count < vertical.kernel else { return }
    // After the copies, which may spill over what follows them.
    for index in 0..<run {
      let window = target + index * step
      for k in 0..<lines.lowerBound * lineLength { window[k] = padding }
      for k in lines.upperBound * lineLength..<vertical.kernel * lineLength { window[k] = padding }
    }
  }

  /// Copies the window of output pixel `row`, `padding` where it leaves the image.
  private func gather(_ row: Int, into target: UnsafeMutablePointer<Element>, padding: Element) {
    let (image, p, q) = position(row)
    guard hasAdjacentTaps else {
      return gatherTaps(image, p, q, into: target, padding: padding)
    }
    let columns = horizontal.validTaps(q)
    let rowLength = horizontal.kernel * channels
    let before = columns.lowerBound * channels
    let count = columns.count * channels
    for i in 0..<vertical.kernel {
      let line = target + i * rowLength
      if count > 0, let from = pixel(image, p, q, i, columns.lowerBound) {
        for k in 0..<before { line[k] = padding }
        for k in 0..<count { line[before + k] = from[k] }
        for k in before + count..<rowLength { line[k] = padding }
      } else {
        for k in 0..<rowLength { line[k] = padding }
      }
    }
  }

  /// `gather` for taps that are not adjacent.
  private func gatherTaps(
    _ image: Int, _ p: Int, _ q: Int, into target: UnsafeMutablePointer<Element>, padding: Element
  ) {
    var next = target
    for i in 0..<vertical.kernel {
      for j in 0..<horizontal.kernel {
        if let from = pixel(image, p, q, i, j) {
          for k in 0..<channels { next[k] = from[k] }
        } else {
          for k in 0..<channels { next[k] = padding }
        }
        next += channels
      }
    }
  }
}
