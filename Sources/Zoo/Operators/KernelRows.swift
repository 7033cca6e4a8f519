// Kernel rows read from the image in place, so that only those that leave it sideways are copied. For kernels: the portable code, the only one
// of firmware, asks for every tap.
#if arch(x86_64) || arch(arm64)
import CZooKernels

extension ImageSource {
  /// The same windows over the bytes of the image, so that one function serves all types.
  var bytes: ImageSource<CChar> {
    let size = MemoryLayout<Element>.stride
    return ImageSource<CChar>(
      base: UnsafeRawPointer(base).assumingMemoryBound(to: CChar.self),
      pixelStride: pixelStride * size, channels: channels * size, height: height, width: width,
      outputHeight: outputHeight, outputWidth: outputWidth, vertical: vertical,
      horizontal: horizontal)
  }
}

extension ImageSource<CChar> {
  /// Rows of the matrix whose kernel rows fit `capacity` bytes as far as they are copied; 0 if so many are that pointers to all taps, or a copy
  /// of all lines (`PaddedBlock`), are better.
  @inline(never)
  func rowsInPlace(_ capacity: Int) -> Int {
    let edges = outputWidth - horizontal.interior(outputWidth).count
    guard hasAdjacentTaps else { return 0 }
    guard edges > 0 else { return Int.max }
    let copied = edges * vertical.kernel * horizontal.kernel * channels  // of each line
    guard copied <= 32 * outputWidth else { return 0 }
    // As many neighbours have no more edges than that many lines, wherever they begin.
    return capacity / copied * outputWidth
  }

  /// Writes pointers[i * rows.count + r] for kernel row i of output pixel `rows.lowerBound` + r, of at most `rowsInPlace` of them.
  ///
  /// - Parameters:
  ///   - copies: memory for the kernel rows that leave the image sideways, bytes of `padding` where they do.
  ///   - outside: what those above and below it point at.
  @inline(never)
  func fillKernelRows(
    _ pointers: UnsafeMutableRawPointer, rows: Range<Int>, copies: UnsafeMutableRawPointer,
    padding: CChar, outside: UnsafeRawPointer?
  ) {
    let outside = outside?.assumingMemoryBound(to: CChar.self)
    let inside = horizontal.interior(outputWidth)
    let stride = rows.count
    var edges = EdgeCopies(
      source: self, next: copies.assumingMemoryBound(to: CChar.self), padding: padding)
    var (image, p, q) = position(rows.lowerBound)
    var next = pointers.assumingMemoryBound(to: UnsafePointer<CChar>?.self)
    var left = rows.count
    while left > 0 {
      let end = min(outputWidth, q + left)
      let first = min(max(q, inside.lowerBound), end)
      let last = min(max(first, inside.upperBound), end)
      let lines = vertical.validTaps(p)
      for i in 0..<vertical.kernel {
        let line = next + i * stride
        guard lines.contains(i) else {
          for k in 0..<end - q { line[k] = outside }
          continue
        }
        fillRun(
          line + (first - q), origin(image, p, first) + i * linePitch,
          step: horizontal.stride * pixelStride, last - first)
      }
      for column in q..<first {
        edges.copy(lines, image, p, column, next + (column - q), stride)
      }
      for column in last..<end {
        edges.copy(lines, image, p, column, next + (column - q), stride)
      }
      next += end - q
      left -= end - q
      q = 0
      p += 1
      if p == outputHeight { (image, p) = (image + 1, 0) }
    }
  }

  /// Elements from a kernel row to the next one.
  fileprivate var linePitch: Int { vertical.dilation * width * pixelStride }
}

/// Kernel rows of windows that leave the image sideways, copied one after the other.
private struct EdgeCopies {
  let source: ImageSource<CChar>
  var next: UnsafeMutablePointer<CChar>
  let padding: CChar

  /// Copies `lines` of the kernel rows of output (p, q), and leaves their addresses.
  @inline(never)
  mutating func copy(
    _ lines: Range<Int>, _ image: Int, _ p: Int, _ q: Int,
    _ pointers: UnsafeMutablePointer<UnsafePointer<CChar>?>, _ stride: Int
  ) {
    let length = source.horizontal.kernel * source.channels
    let taps = source.horizontal.validTaps(q)
    let before = taps.lowerBound * source.channels
    let from = source.origin(image, p, q) + before
    for i in lines {
      zoo_fill_run(next, padding, length)
      zoo_copy_run(next + before, from + i * source.linePitch, taps.count * source.channels)
      pointers[i * stride] = UnsafePointer(next)
      next += length
    }
  }
}
#endif
