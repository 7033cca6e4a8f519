// Real and broken files: an image or an error, never a crash.
import CZoo
import Foundation
import TestSupport
import Testing
import Zoo
import ZooImage

/// The shared test images, or nil where they are absent.
private let images = sharedData("images")

private func decode(_ path: String) throws -> Image {
  let data = try Data(contentsOf: URL(fileURLWithPath: path))
  let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: data.count, alignment: 16)
  defer { bytes.deallocate() }
  data.copyBytes(to: bytes)
  return try Image(decoding: UnsafeRawBufferPointer(bytes), options: ImageOptions())
}

@Suite(.enabled(if: images != nil, "skipped: ../shared/data/images is not here"))
struct DecodeTests {
  @Test func everyFileIsAnImageOrAnError() throws {
    let root = try #require(images)
    var decoded = 0
    var refused = 0
    for name in try FileManager.default.subpathsOfDirectory(atPath: root)
    where ["png", "jpg"].contains((name as NSString).pathExtension) {
      do {
        _ = try decode(root + "/" + name)
        decoded += 1
      } catch is ImageError { refused += 1 }
    }
    #expect(decoded > 150 && refused > 20, "\(decoded) decoded, \(refused) refused")
  }

  @Test func pngSuiteIsReadAsItsNamesSay() throws {
    let root = try #require(images) + "/pngsuite"
    for name in try FileManager.default.contentsOfDirectory(atPath: root)
    where name.hasSuffix(".png") {
      let isCorrupt = name.hasPrefix("x")
      do {
        _ = try decode(root + "/" + name)
        #expect(!isCorrupt, "\(name) is corrupt and was read")
      } catch is ImageError { #expect(isCorrupt, "\(name) is valid and was refused") }
    }
  }
}

/// A picture small enough to compare, but too detailed for a mirrored or turned copy to pass.
private struct Thumbnail {
  static let side = 16
  let size: [Int]
  let pixels: [Int]

  init(_ path: String) throws {
    let image = try decode(path)
    let small = try image.resized(
      width: Thumbnail.side, height: Thumbnail.side, filter: .box)
    size = [image.width, image.height]
    pixels = (0..<Thumbnail.side * Thumbnail.side * 3).map { Int(small.pixels[$0]) }
  }

  /// Mean absolute difference of the samples, 0...255.
  func difference(_ other: [Int]) -> Double {
    Double(zip(pixels, other).reduce(0) { $0 + abs($1.0 - $1.1) }) / Double(pixels.count)
  }

  /// The pixels mirrored or turned: `source` says where pixel (x, y) comes from.
  func moved(_ source: (_ x: Int, _ y: Int) -> (Int, Int)) -> [Int] {
    (0..<pixels.count).map { index in
      let (x, y) = source(index / 3 % Thumbnail.side, index / 3 / Thumbnail.side)
      return pixels[(y * Thumbnail.side + x) * 3 + index % 3]
    }
  }
}

@Suite(.enabled(if: images != nil, "skipped: ../shared/data/images is not here"))
struct OrientationTests {
  /// The files differ in a digit drawn on them and in their JPEG noise: 0.3 at most. In a wrong orientation the same picture is
  /// 34 to 78 away, so that the comparison would notice; that is tested too.
  static let tolerance = 1.0

  @Test(arguments: ["Landscape", "Portrait"])
  func everyOrientationShowsTheSamePicture(_ kind: String) throws {
    let root = try #require(images) + "/exif-orientation"
    let upright = try Thumbnail("\(root)/\(kind)_1.jpg")
    for orientation in 0...8 {
      let other = try Thumbnail("\(root)/\(kind)_\(orientation).jpg")
      #expect(other.size == upright.size, "\(kind)_\(orientation)")
      let difference = upright.difference(other.pixels)
      #expect(difference <= OrientationTests.tolerance, "\(kind)_\(orientation)")
    }
    let last = Thumbnail.side - 1
    let wrong = [
      upright.moved { (last - $0, $1) }, upright.moved { (last - $0, last - $1) },
      upright.moved { ($0, last - $1) }, upright.moved { ($1, $0) },
      upright.moved { ($1, last - $0) }, upright.moved { (last - $1, last - $0) },
      upright.moved { (last - $1, $0) },
    ]
    for pixels in wrong {
      #expect(upright.difference(pixels) > 30 * OrientationTests.tolerance)
    }
  }
}
