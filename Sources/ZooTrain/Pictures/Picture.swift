// Pictures that are made here: a few loops, then PNG.
import CImageCodecs
import Foundation
package import ZooCompiler

/// Pixels of 8 bits, [height][width][channels]: 1 channel is grey, 3 are RGB, 4 RGB and alpha.
package struct Picture: Sendable, Equatable {
  package let width: Int
  package let height: Int
  package let channels: Int
  package var pixels: [UInt8]

  package init(width: Int, height: Int, channels: Int, fill: UInt8 = 0) {
    self.width = width
    self.height = height
    self.channels = channels
    pixels = [UInt8](repeating: fill, count: width * height * channels)
  }

  package subscript(x: Int, y: Int, channel: Int) -> UInt8 {
    get { pixels[(y * width + x) * channels + channel] }
    set { pixels[(y * width + x) * channels + channel] = newValue }
  }

  /// Every pixel as a square of `factor` pixels.
  package func enlarged(_ factor: Int) -> Picture {
    guard factor > 1 else { return self }
    var result = Picture(width: width * factor, height: height * factor, channels: channels)
    for y in 0..<result.height {
      for x in 0..<result.width {
        for c in 0..<channels { result[x, y, c] = self[x / factor, y / factor, c] }
      }
    }
    return result
  }

  /// Squares of `factor` pixels as their mean; those at the right and lower edge may be smaller.
  package func reduced(_ factor: Int) -> Picture {
    guard factor > 1 else { return self }
    var result = Picture(
      width: (width + factor - 1) / factor, height: (height + factor - 1) / factor,
      channels: channels)
    for y in 0..<result.height {
      for x in 0..<result.width {
        let rows = y * factor..<min(height, (y + 1) * factor)
        let columns = x * factor..<min(width, (x + 1) * factor)
        let count = rows.count * columns.count
        for c in 0..<channels {
          var sum = count / 2
          for row in rows { for column in columns { sum += Int(self[column, row, c]) } }
          result[x, y, c] = UInt8(sum / count)
        }
      }
    }
    return result
  }

  /// Puts `other` with its upper left corner at (x, y); a grey picture is drawn in all channels.
  package mutating func draw(_ other: Picture, x: Int, y: Int) {
    for row in max(0, -y)..<max(max(0, -y), min(other.height, height - y)) {
      for column in max(0, -x)..<max(max(0, -x), min(other.width, width - x)) {
        for c in 0..<channels {
          self[x + column, y + row, c] = other[column, row, min(c, other.channels - 1)]
        }
      }
    }
  }

  /// The picture as a PNG file.
  ///
  /// - Throws: `CompileError` if it has no pixels or there is no memory.
  package func png() throws(CompileError) -> [UInt8] {
    var bytes: UnsafeMutablePointer<UInt8>?
    var count = 0
    var message = zoo_codec_message()
    let status = withUnsafeMutableBytes(of: &message.text) { text in
      zoo_png_encode(
        pixels, UInt32(clamping: width), UInt32(clamping: height), UInt32(clamping: channels),
        &bytes, &count, text.baseAddress?.assumingMemoryBound(to: CChar.self))
    }
    defer { zoo_codec_free(bytes) }
    guard status == ZOO_CODEC_OK, let bytes else {
      let words = withUnsafeBytes(of: message.text) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      throw CompileError("picture of \(width)x\(height): \(words)")
    }
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }

  /// The picture as an address that holds it: "data:image/png;base64,...".
  package func dataURI() throws(CompileError) -> String {
    "data:image/png;base64," + Data(try png()).base64EncodedString()
  }
}
