// From a picture to the input tensor of a network.
import CZoo
package import Zoo

extension Preprocessing {
  /// The default of a model that says nothing: stretched to the input, RGB, 0...1.
  package static var fallback: Preprocessing {
    var result = Preprocessing()
    result.scale = (1 / 255, 1 / 255, 1 / 255)
    return result
  }
}

extension Image {
  /// Brings the picture to `width` x `height` as `p` says.
  package func fitted(
    _ p: Preprocessing, width newWidth: Int, height newHeight: Int
  ) throws(ImageError) -> Image {
    switch p.resizeMode {
    case .none:
      guard width == newWidth && height == newHeight else {
        throw ImageError(
          ZOO_INVALID_ARGUMENT, "the model takes images of one size only, width",
          expected: newWidth, got: width)
      }
      return try resized(width: width, height: height, filter: p.filter)
    case .stretch: return try resized(width: newWidth, height: newHeight, filter: p.filter)
    case .shortSide:
      // As torchvision: the short side becomes `resizeSide`, the long one is truncated.
      let short = min(width, height)
      let side = p.resizeSide > 0 ? Int(p.resizeSide) : min(newWidth, newHeight)
      let scaled = try resized(
        width: width <= height ? side : max(1, side * width / short),
        height: width <= height ? max(1, side * height / short) : side, filter: p.filter)
      return try scaled.cropped(width: newWidth, height: newHeight, p.background)
    case .letterbox:
      let byWidth = width * newHeight >= height * newWidth
      let scaled = try resized(
        width: byWidth ? newWidth : max(1, width * newHeight / height),
        height: byWidth ? max(1, height * newWidth / width) : newHeight, filter: p.filter)
      return try scaled.cropped(width: newWidth, height: newHeight, p.background)
    case .digit: return try digit(width: newWidth, height: newHeight)
    }
  }

  /// The centre of the picture; `background` where the picture is smaller.
  func cropped(
    width newWidth: Int, height newHeight: Int, _ background: (UInt8, UInt8, UInt8)
  ) throws(ImageError) -> Image {
    let result = try Image(width: newWidth, height: newHeight, isGray: isGray)
    let left = Image.cropOffset(width, newWidth)
    let top = Image.cropOffset(height, newHeight)
    for y in 0..<newHeight {
      for x in 0..<newWidth {
        let (sx, sy) = (x + left, y + top)
        let to = result.pixels + (y * newWidth + x) * 3
        if sx >= 0 && sx < width && sy >= 0 && sy < height {
          let from = pixels + (sy * width + sx) * 3
          to[0] = from[0]
          to[1] = from[1]
          to[2] = from[2]
        } else {
          to[0] = background.0
          to[1] = background.1
          to[2] = background.2
        }
      }
    }
    return result
  }

  /// (have - want) / 2, halves rounded to even, as torchvision's centre crop.
  private static func cropOffset(_ have: Int, _ want: Int) -> Int {
    Int((Double(have - want) / 2).rounded(.toNearestOrEven))
  }

  /// Luma as Pillow's convert("L"): ITU-R 601 in 16-bit fixed point.
  func luma(_ index: Int) -> UInt8 {
    let p = pixels + index * 3
    let sum = UInt32(p[0]) * 19595 + UInt32(p[1]) * 38470 + UInt32(p[2]) * 7471 + 0x8000
    return UInt8(truncatingIfNeeded: sum >> 16)
  }

  /// Writes the picture, fitted, as NHWC floats: y = (x - mean) * scale.
  ///
  /// - `channels` is 1 (luma) or 3 (RGB or BGR).
  package func write(
    _ p: Preprocessing, width newWidth: Int, height newHeight: Int, channels: Int,
    to target: UnsafeMutablePointer<Float>
  ) throws(ImageError) {
    try Image.check(channels: channels)
    let image = try fitted(p, width: newWidth, height: newHeight)
    for index in 0..<newWidth * newHeight {
      if channels == 1 {
        target[index] = (Float(image.luma(index)) - p.mean.0) * p.scale.0
      } else {
        let swaps = p.channelOrder == .bgr
        let from = image.pixels + index * 3
        let to = target + index * 3
        to[0] = (Float(from[swaps ? 2 : 0]) - p.mean.0) * p.scale.0
        to[1] = (Float(from[1]) - p.mean.1) * p.scale.1
        to[2] = (Float(from[swaps ? 0 : 2]) - p.mean.2) * p.scale.2
      }
    }
  }

  /// Writes the picture, fitted, as NHWC bytes in the network's channel order; no mean, no scale.
  package func write(
    _ p: Preprocessing, width newWidth: Int, height newHeight: Int, channels: Int,
    to target: UnsafeMutablePointer<UInt8>
  ) throws(ImageError) {
    try Image.check(channels: channels)
    let image = try fitted(p, width: newWidth, height: newHeight)
    for index in 0..<newWidth * newHeight {
      if channels == 1 {
        target[index] = image.luma(index)
      } else {
        let swaps = p.channelOrder == .bgr
        target[index * 3] = image.pixels[index * 3 + (swaps ? 2 : 0)]
        target[index * 3 + 1] = image.pixels[index * 3 + 1]
        target[index * 3 + 2] = image.pixels[index * 3 + (swaps ? 0 : 2)]
      }
    }
  }

  private static func check(channels: Int) throws(ImageError) {
    guard channels == 1 || channels == 3 else {
      throw ImageError(
        ZOO_INVALID_ARGUMENT, "photos fit inputs of 1 or 3 channels, the model takes",
        got: channels)
    }
  }
}
