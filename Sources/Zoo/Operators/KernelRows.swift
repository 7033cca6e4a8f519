// Kernel rows read from the image in place, so that only those that leave it sideways are copied.
import CZooKernels

extension ImageSource {
  /// Rows of the matrix whose kernel rows fit `capacity` elements as far as they are copied; 0 if so many are that pointers to all taps, or a copy
  /// of all lines (`PaddedBlock`), are better.
  func rowsInPlace(_ capacity: Int) -> Int {
    let edges = outputWidth - horizontal.interior(outputWidth).count
    guard hasAdjacentTaps else { return 0 }
    guard edges > 0 else { return Int.max }
    let copied = edges * vertical.kernel * horizontal.kernel * channels  // of each line
    guard copied * MemoryLayout<Element>.stride <= 32 * outputWidth else { return 0 }
    // As many neighbours have no more edges than that many lines, wherever they begin.
    return capacity / copied * outputWidth
  }

  /// Writes pointers[i * rows.count + r] for kernel row i of output pixel `rows.lowerBound` + r, of at most `rowsInPlace` of them.
  ///
  /// - Parameters:
  ///   - copies: memory for the kernel rows that leave the image sideways, bytes of `padding` where they do.
  ///   - outside: what those above and below it point at.
  func fillKernelRows(
    _ pointers: UnsafeMutablePointer<UnsafePointer<Element>?>, rows: Range<Int>,
    copies: UnsafeMutablePointer<Element>, padding: CChar, outside: UnsafePointer<Element>?
  ) {
    let inside = horizontal.interior(outputWidth)
    let stride = rows.count
    var edges = EdgeCopies(source: self, next: copies, padding: padding)
    var (image, p, q) = position(rows.lowerBound)
    var next = pointers
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
private struct EdgeCopies<Element> {
  let source: ImageSource<Element>
  var next: UnsafeMutablePointer<Element>
  let padding: CChar

  /// Copies `lines` of the kernel rows of output (p, q), and leaves their addresses.
  mutating func copy(
    _ lines: Range<Int>, _ image: Int, _ p: Int, _ q: Int,
    _ pointers: UnsafeMutablePointer<UnsafePointer<Element>?>, _ stride: Int
  ) {
    let size = MemoryLayout<Element>.stride
    let length = source.horizontal.kernel * source.channels
    let taps = source.horizontal.validTaps(q)
    let from = source.origin(image, p, q) + taps.lowerBound * source.channels
    for i in lines {
      let bytes = UnsafeMutableRawPointer(next).assumingMemoryBound(to: CChar.self)
      zoo_fill_run(bytes, padding, length * size)
      zoo_copy_run(
        bytes + taps.lowerBound * source.channels * size,
        UnsafeRawPointer(from + i * source.linePitch).assumingMemoryBound(to: CChar.self),
        taps.count * source.channels * size)
      pointers[i * stride] = UnsafePointer(next)
      next += length
    }
  }
}
