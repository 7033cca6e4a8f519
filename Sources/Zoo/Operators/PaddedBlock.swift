// A piece of an image copied with its padding, so that none of its windows leaves it.
import CZooKernels

/// A rectangle of output pixels whose rows follow each other in the matrix: whole lines, or a part of one.
struct PaddedBlock {
  /// Of the matrix: the first output pixel is the upper left one.
  let rows: Range<Int>
  /// Extent of the rectangle.
  let height: Int
  let width: Int
}

extension ImageSource {
  /// Pixels that the windows of `count` neighbouring outputs span.
  private func span(_ axis: WindowAxis, _ count: Int) -> Int {
    (count - 1) * axis.stride + axis.reach
  }

  /// Outputs along `axis` whose windows span at most `extent` pixels.
  private func most(_ axis: WindowAxis, within extent: Int) -> Int {
    extent < axis.reach ? 0 : (extent - axis.reach) / axis.stride + 1
  }

  /// Outputs of one line whose windows fit `capacity` elements.
  private func widest(_ capacity: Int) -> Int {
    min(outputWidth, most(horizontal, within: capacity / (channels * vertical.reach)))
  }

  /// Whether copies with padding make kernel rows runs of memory, and are worth making: several windows share one.
  ///
  /// - Parameter always: whether a copy is wanted even where the image itself would do.
  func isPaddable(_ capacity: Int, always: Bool) -> Bool {
    let leaves =
      horizontal.interior(outputWidth) != 0..<outputWidth
      || vertical.interior(outputHeight) != 0..<outputHeight
    return tapCount > 1 && vertical.kernel <= MatrixProduct.tableCapacity
      && horizontal.dilation == 1 && vertical.dilation == 1
      && horizontal.kernel * channels <= Int(ZOO_ZERO_ROW_COUNT)
      && (always || leaves || pixelStride != channels) && widest(capacity) >= min(outputWidth, 16)
  }

  /// The block that starts at row `first` of the matrix, ends before `end`, fits `capacity` elements and has at most
  /// `mostRows` rows, unless that is less than one line.
  func paddedBlock(from first: Int, until end: Int, capacity: Int, mostRows: Int) -> PaddedBlock {
    let (_, p, q) = position(first)
    let widest = widest(capacity)
    guard q == 0, end - first >= outputWidth, widest == outputWidth else {
      let width = min(widest, min(outputWidth - q, end - first))
      return PaddedBlock(rows: first..<first + width, height: 1, width: width)
    }
    let lines = most(
      vertical, within: capacity / (channels * span(horizontal, outputWidth)))
    // Minima of two: more of them would be an array.
    let wanted = min(outputHeight - p, (end - first) / outputWidth)
    let height = max(1, min(wanted, min(lines, mostRows / outputWidth)))
    return PaddedBlock(
      rows: first..<first + height * outputWidth, height: height, width: outputWidth)
  }

  /// Copies what the windows of `block` read to `target`, bytes of `padding` where they leave the image.
  ///
  /// - Returns: the same windows over the copy.
  func copy(
    _ block: PaddedBlock, into target: UnsafeMutablePointer<Element>, padding: CChar
  ) -> ImageSource {
    let (image, p, q) = position(block.rows.lowerBound)
    let (top, left) = (vertical.origin(p), horizontal.origin(q))
    let (lines, pixels) = (span(vertical, block.height), span(horizontal, block.width))
    let inside = max(0, left)..<max(max(0, left), min(width, left + pixels))
    let size = channels * MemoryLayout<Element>.stride  // bytes of a pixel
    let lineBytes = pixels * size
    let isDense = pixelStride == channels
    let step = pixelStride * MemoryLayout<Element>.stride
    let before = inside.isEmpty ? 0 : (inside.lowerBound - left) * size
    let bytes = inside.count * size
    var to = UnsafeMutableRawPointer(target).assumingMemoryBound(to: CChar.self)
    for line in top..<top + lines {
      if line < 0 || line >= height || inside.isEmpty {
        zoo_fill_run(to, padding, lineBytes)
      } else {
        let from = UnsafeRawPointer(
          base + ((image * height + line) * width + inside.lowerBound) * pixelStride
        ).assumingMemoryBound(to: CChar.self)
        zoo_fill_run(to, padding, before)
        if isDense {
          zoo_copy_run(to + before, from, bytes)
        } else {
          for k in 0..<inside.count { zoo_copy_run(to + before + k * size, from + k * step, size) }
        }
        zoo_fill_run(to + before + bytes, padding, lineBytes - before - bytes)
      }
      to += lineBytes
    }
    let axis = { (axis: WindowAxis, input: Int) in
      WindowAxis(
        kernel: axis.kernel, stride: axis.stride, dilation: 1, padBefore: 0, padAfter: 0,
        input: input)
    }
    return ImageSource(
      base: UnsafePointer(target), pixelStride: channels, channels: channels, height: lines,
      width: pixels, outputHeight: block.height, outputWidth: block.width,
      vertical: axis(vertical, lines), horizontal: axis(horizontal, pixels))
  }
}
