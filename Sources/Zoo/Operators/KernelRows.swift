// Kernel rows read from the image in place, so that only those that leave it sideways are copied.
import CZooKernels

extension ImageSource {
  /// Rows of the matrix whose kernel rows fit `capacity` elements as far as they are copied; 0 if so many are that a copy of all lines is
  /// better (`PaddedBlock`).
  func rowsInPlace(_ capacity: Int) -> Int {
    let edges = outputWidth - horizontal.interior(outputWidth).count
    guard hasAdjacentTaps, 4 * edges <= outputWidth else { return 0 }
    guard edges > 0 else { return Int.max }
    let lines = capacity / (edges * vertical.kernel * horizontal.kernel * channels)
    return max(0, lines - 2) * outputWidth  // they may begin and end in the middle of a line
  }

  /// Writes pointers[i * rows.count + r] for kernel row i of output pixel `rows.lowerBound` + r, of at most `rowsInPlace` of them.
  ///
  /// - Parameters:
  ///   - copies: memory for the kernel rows that leave the image sideways, bytes of zero where they do.
  ///   - zeros: what those above and below it point at.
  func fillKernelRows(
    _ pointers: UnsafeMutablePointer<UnsafePointer<Element>?>, rows: Range<Int>,
    copies: UnsafeMutablePointer<Element>, zeros: UnsafePointer<Element>?
  ) {
    let inside = horizontal.interior(outputWidth)
    let stride = rows.count
    var copy = copies
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
          for k in 0..<end - q { line[k] = zeros }
          continue
        }
        fillRun(
          line + (first - q), origin(image, p, first) + i * linePitch,
          step: horizontal.stride * pixelStride, last - first)
      }
      for column in q..<first {
        copyKernelRows(lines, image, p, column, next + (column - q), stride, &copy)
      }
      for column in last..<end {
        copyKernelRows(lines, image, p, column, next + (column - q), stride, &copy)
      }
      next += end - q
      left -= end - q
      q = 0
      p += 1
      if p == outputHeight { (image, p) = (image + 1, 0) }
    }
  }

  /// Elements from a kernel row to the next one.
  private var linePitch: Int { vertical.dilation * width * pixelStride }

  /// Copies `lines` of the kernel rows of output (p, q) to `copy`, and leaves their addresses.
  private func copyKernelRows(
    _ lines: Range<Int>, _ image: Int, _ p: Int, _ q: Int,
    _ pointers: UnsafeMutablePointer<UnsafePointer<Element>?>, _ stride: Int,
    _ copy: inout UnsafeMutablePointer<Element>
  ) {
    let size = MemoryLayout<Element>.stride
    let length = horizontal.kernel * channels
    let taps = horizontal.validTaps(q)
    let from = origin(image, p, q) + taps.lowerBound * channels
    for i in lines {
      let bytes = UnsafeMutableRawPointer(copy).assumingMemoryBound(to: CChar.self)
      zoo_fill_run(bytes, 0, length * size)
      zoo_copy_run(
        bytes + taps.lowerBound * channels * size,
        UnsafeRawPointer(from + i * linePitch).assumingMemoryBound(to: CChar.self),
        taps.count * channels * size)
      pointers[i * stride] = UnsafePointer(copy)
      copy += length
    }
  }
}
