// A decoded picture: RGB bytes in memory of its own.
import CImageCodecs
package import CZoo
import Zoo

/// Why an image could not be had; what `zoo_error` needs, without heap.
package struct ImageError: Error {
  package var status: zoo_status
  /// Words of a codec, if `what` is empty.
  var codec = zoo_codec_message()
  package var what: StaticString
  package var expected: Int?
  package var got: Int?

  init(_ status: zoo_status, _ what: StaticString, expected: Int? = nil, got: Int? = nil) {
    self.status = status
    self.what = what
    self.expected = expected
    self.got = got
  }

  init(_ status: zoo_codec_status, _ message: zoo_codec_message) {
    switch status {
    case ZOO_CODEC_FORMAT: self.status = ZOO_IMAGE_FORMAT
    case ZOO_CODEC_MEMORY: self.status = ZOO_OUT_OF_MEMORY
    default: self.status = ZOO_IMAGE_CORRUPT
    }
    what = ""
    codec = message
  }

  /// Fills `error`, if there is one, and returns the status.
  package func report(to error: UnsafeMutablePointer<zoo_error>?) -> zoo_status {
    if status == ZOO_IMAGE_TOO_LARGE, let error, let got, let expected {
      error.pointee.status = status
      error.pointee.node = UInt32.max
      withUnsafeMutableBytes(of: &error.pointee.message) { buffer in
        var writer = MessageWriter(buffer)
        writer.write(got)
        writer.write(" pixels, the limit is ")
        writer.write(expected)
        writer.finish()
      }
      return status
    }
    guard what.utf8CodeUnitCount == 0 else {
      return ZooError(status, what, expected: expected, got: got).report(to: error)
    }
    guard let error else { return status }
    error.pointee.status = status
    error.pointee.node = UInt32.max
    withUnsafeBytes(of: codec.text) { text in
      withUnsafeMutableBytes(of: &error.pointee.message) { target in
        for index in 0..<target.count { target[index] = index < text.count ? text[index] : 0 }
        target[target.count - 1] = 0
      }
    }
    return status
  }
}

/// How to read an image file.
package struct ImageOptions {
  /// Images with more pixels are refused before memory is taken.
  package var maximumPixels = 100_000_000
  /// What shows through transparent pixels.
  package var background: (UInt8, UInt8, UInt8) = (255, 255, 255)
  /// Whether EXIF orientation is undone.
  package var appliesOrientation = true

  package init() {}
}

/// RGB, 8 bits, [height][width][3], no gaps.
package struct Image: ~Copyable {
  package let width: Int
  package let height: Int
  package let pixels: UnsafeMutablePointer<UInt8>
  /// Whether the file had no colour.
  package let isGray: Bool

  /// Uninitialised pixels.
  package init(width: Int, height: Int, isGray: Bool) throws(ImageError) {
    guard width > 0, height > 0, width < 1 << 30, height < 1 << 30,
      width <= (Int.max / 3) / height
    else { throw ImageError(ZOO_INVALID_ARGUMENT, "size of an image", got: width) }
    guard let memory = zoo_codec_alloc(width * height * 3) else {
      throw ImageError(ZOO_OUT_OF_MEMORY, "pixels of an image", got: width * height)
    }
    self.width = width
    self.height = height
    self.isGray = isGray
    pixels = memory.assumingMemoryBound(to: UInt8.self)
  }

  /// Decodes a PNG or JPEG file in memory.
  package init(
    decoding bytes: UnsafeRawBufferPointer, options: ImageOptions
  ) throws(ImageError) {
    guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count > 0 else {
      throw ImageError(ZOO_IMAGE_FORMAT, "no bytes to decode")
    }
    var info = zoo_codec_info()
    var message = zoo_codec_message()
    var status = withUnsafeMutablePointer(to: &message.text) { text in
      zoo_codec_probe(
        base, bytes.count, &info, UnsafeMutableRawPointer(text).assumingMemoryBound(to: CChar.self))
    }
    guard status == ZOO_CODEC_OK else { throw ImageError(status, message) }
    let (width, height) = (Int(info.width), Int(info.height))
    // Both are below 2^31, so the product fits.
    guard width > 0, height > 0, width <= options.maximumPixels / height else {
      throw ImageError(
        ZOO_IMAGE_TOO_LARGE, "pixels", expected: options.maximumPixels, got: width &* height)
    }
    let stored = try Image(width: width, height: height, isGray: info.is_gray != 0)
    var background = options.background
    status = withUnsafeMutablePointer(to: &message.text) { text in
      withUnsafeBytes(of: &background) { background in
        zoo_codec_decode(
          base, bytes.count, background.baseAddress?.assumingMemoryBound(to: UInt8.self),
          stored.pixels, UnsafeMutableRawPointer(text).assumingMemoryBound(to: CChar.self))
      }
    }
    guard status == ZOO_CODEC_OK else { throw ImageError(status, message) }
    self =
      options.appliesOrientation && info.orientation > 1
      ? try stored.oriented(Int(info.orientation)) : stored
  }

  deinit { zoo_codec_free(pixels) }

  /// The picture as EXIF orientation 2...8 means it.
  consuming func oriented(_ orientation: Int) throws(ImageError) -> Image {
    let swaps = orientation >= 5
    let result = try Image(
      width: swaps ? height : width, height: swaps ? width : height, isGray: isGray)
    for y in 0..<result.height {
      for x in 0..<result.width {
        // Where pixel (x, y) of the upright picture is stored (TIFF 6.0, Orientation).
        let (sx, sy): (Int, Int)
        switch orientation {
        case 2: (sx, sy) = (width - 1 - x, y)
        case 3: (sx, sy) = (width - 1 - x, height - 1 - y)
        case 4: (sx, sy) = (x, height - 1 - y)
        case 5: (sx, sy) = (y, x)
        case 6: (sx, sy) = (y, height - 1 - x)
        case 7: (sx, sy) = (width - 1 - y, height - 1 - x)
        case 8: (sx, sy) = (width - 1 - y, x)
        default: (sx, sy) = (x, y)
        }
        let from = pixels + (sy * width + sx) * 3
        let to = result.pixels + (y * result.width + x) * 3
        to[0] = from[0]
        to[1] = from[1]
        to[2] = from[2]
      }
    }
    return result
  }
}
