import CImageCodecs
// Resizing as Pillow does it: antialiased, in 8-bit fixed point, horizontally and then vertically.
import CZoo
package import Zoo

/// For each output position: where its window starts, how long it is, and its weights in fixed point.
///
/// The filter is stretched by the scale when shrinking, so that every source pixel counts (antialiasing).
/// Weights are normalised, then rounded to 22 fractional bits. Source of the scheme: Pillow's Resample.c.
private struct Coefficients: ~Copyable {
  static let precision = 32 - 8 - 2
  let bounds: UnsafeMutablePointer<Int>  // [count][2]: first, length
  let weights: UnsafeMutablePointer<Int32>  // [count][width]
  let width: Int

  init(_ filter: ResizeFilter, from input: Int, start: Double, length: Double, to output: Int)
    throws(ImageError)
  {
    let scale = length / Double(output)
    let filterScale = max(scale, 1)
    let support = filter.support * filterScale
    width = Int(support.rounded(.up)) * 2 + 1
    guard
      let boundsMemory = zoo_codec_alloc(output * 2 * MemoryLayout<Int>.stride),
      let weightMemory = zoo_codec_alloc(output * width * MemoryLayout<Int32>.stride),
      let scratch = zoo_codec_alloc(width * MemoryLayout<Double>.stride)
    else { throw ImageError(ZOO_OUT_OF_MEMORY, "coefficients of a resize", got: output) }
    bounds = boundsMemory.bindMemory(to: Int.self, capacity: output * 2)
    weights = weightMemory.bindMemory(to: Int32.self, capacity: output * width)
    let values = scratch.bindMemory(to: Double.self, capacity: width)
    defer { zoo_codec_free(scratch) }
    for position in 0..<output {
      let centre = start + (Double(position) + 0.5) * scale
      let first = max(0, Int(centre - support + 0.5))
      let last = min(input, Int(centre + support + 0.5))
      let count = max(0, last - first)
      var sum = 0.0
      for i in 0..<count {
        let value = filter.value((Double(i + first) - centre + 0.5) / filterScale)
        values[i] = value
        sum += value
      }
      for i in 0..<width {
        let value = i < count && sum != 0 ? values[i] / sum : 0
        let fixed = value * Double(1 << Coefficients.precision)
        weights[position * width + i] = Int32(value < 0 ? fixed - 0.5 : fixed + 0.5)
      }
      bounds[position * 2] = first
      bounds[position * 2 + 1] = count
    }
  }

  deinit {
    zoo_codec_free(bounds)
    zoo_codec_free(weights)
  }
}

extension ResizeFilter {
  /// Half the width of the filter, in output pixels.
  fileprivate var support: Double {
    switch self {
    case .nearest: 0
    case .box: 0.5
    case .bilinear: 1
    case .bicubic: 2
    }
  }

  /// The filter at distance `x`; bicubic is Keys' with a = -1/2.
  fileprivate func value(_ x: Double) -> Double {
    let x = abs(x)
    switch self {
    case .nearest: return 0
    case .box: return x <= 0.5 ? 1 : 0
    case .bilinear: return x < 1 ? 1 - x : 0
    case .bicubic:
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
      return 0
    }
  }
}

extension Image {
  /// The picture at another size.
  package func resized(
    width newWidth: Int, height newHeight: Int, filter: ResizeFilter
  ) throws(ImageError) -> Image {
    if case .nearest = filter { return try nearest(width: newWidth, height: newHeight) }
    if newWidth == width && newHeight == height { return try copy() }
    let result = try Image(width: newWidth, height: newHeight, isGray: isGray)
    if newWidth == width {
      try resizeRows(pixels, into: result, filter)
      return result
    }
    let middle = try Image(width: newWidth, height: height, isGray: isGray)
    try resizeColumns(into: middle, filter)
    if newHeight == height { return middle }
    try middle.resizeRows(middle.pixels, into: result, filter)
    return result
  }

  private func copy() throws(ImageError) -> Image {
    let result = try Image(width: width, height: height, isGray: isGray)
    result.pixels.update(from: pixels, count: width * height * 3)
    return result
  }

  private func nearest(width newWidth: Int, height newHeight: Int) throws(ImageError) -> Image {
    let result = try Image(width: newWidth, height: newHeight, isGray: isGray)
    let (sx, sy) = (Double(width) / Double(newWidth), Double(height) / Double(newHeight))
    for y in 0..<newHeight {
      let row = min(height - 1, Int((Double(y) + 0.5) * sy))
      for x in 0..<newWidth {
        let column = min(width - 1, Int((Double(x) + 0.5) * sx))
        let from = pixels + (row * width + column) * 3
        let to = result.pixels + (y * newWidth + x) * 3
        to[0] = from[0]
        to[1] = from[1]
        to[2] = from[2]
      }
    }
    return result
  }

  /// The horizontal pass.
  private func resizeColumns(into target: borrowing Image, _ filter: ResizeFilter)
    throws(ImageError)
  {
    let c = try Coefficients(
      filter, from: width, start: 0, length: Double(width), to: target.width)
    for y in 0..<height {
      let row = pixels + y * width * 3
      let out = target.pixels + y * target.width * 3
      for x in 0..<target.width {
        let from = row + c.bounds[x * 2] * 3
        let weights = c.weights + x * c.width
        var (r, g, b) = (half, half, half)
        for i in 0..<c.bounds[x * 2 + 1] {
          let w = weights[i]
          r &+= Int32(from[i &* 3]) &* w
          g &+= Int32(from[i &* 3 &+ 1]) &* w
          b &+= Int32(from[i &* 3 &+ 2]) &* w
        }
        out[x * 3] = level(r)
        out[x * 3 + 1] = level(g)
        out[x * 3 + 2] = level(b)
      }
    }
  }

  /// The vertical pass, a whole row of bytes at a time.
  private func resizeRows(
    _ source: UnsafePointer<UInt8>, into target: borrowing Image, _ filter: ResizeFilter
  ) throws(ImageError) {
    let c = try Coefficients(
      filter, from: height, start: 0, length: Double(height), to: target.height)
    let count = width * 3
    guard let memory = zoo_codec_alloc(count * MemoryLayout<Int32>.stride) else {
      throw ImageError(ZOO_OUT_OF_MEMORY, "row of a resize", got: count)
    }
    defer { zoo_codec_free(memory) }
    let sums = memory.bindMemory(to: Int32.self, capacity: count)
    for y in 0..<target.height {
      for k in 0..<count { sums[k] = half }
      for i in 0..<c.bounds[y * 2 + 1] {
        let w = c.weights[y * c.width + i]
        let row = source + (c.bounds[y * 2] + i) * count
        for k in 0..<count { sums[k] &+= Int32(row[k]) &* w }
      }
      let out = target.pixels + y * count
      for k in 0..<count { out[k] = level(sums[k]) }
    }
  }
}

private let half: Int32 = 1 << (Int32(Coefficients.precision) - 1)

@inline(__always)
private func level(_ sum: Int32) -> UInt8 {
  let value = sum >> Int32(Coefficients.precision)
  return value < 0 ? 0 : value > 255 ? 255 : UInt8(truncatingIfNeeded: value)
}
