// Real and broken files: an image or an error, never a crash.
import CZoo
import Foundation
import Testing
import ZooImage

/// The shared test images, or nil where they are absent.
private let images: String? = {
  var root = URL(fileURLWithPath: #filePath)
  for _ in 0..<4 { root.deleteLastPathComponent() }
  let path =
    ProcessInfo.processInfo.environment["ZOO_SHARED"] ?? root.appendingPathComponent("shared").path
  return FileManager.default.fileExists(atPath: path + "/data/images") ? path + "/data/images" : nil
}()

/// Mean red, green and blue of a file's picture.
private func means(_ path: String) throws -> [Double] {
  let data = try Data(contentsOf: URL(fileURLWithPath: path))
  let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: data.count, alignment: 16)
  defer { bytes.deallocate() }
  data.copyBytes(to: bytes)
  let image = try Image(decoding: UnsafeRawBufferPointer(bytes), options: ImageOptions())
  var sums = [0.0, 0.0, 0.0]
  for index in 0..<image.width * image.height * 3 { sums[index % 3] += Double(image.pixels[index]) }
  let count = Double(image.width * image.height)
  var result = sums.map { $0 / count }
  result += [Double(image.width), Double(image.height)]
  return result
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
        _ = try means(root + "/" + name)
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
        _ = try means(root + "/" + name)
        #expect(!isCorrupt, "\(name) is corrupt and was read")
      } catch is ImageError { #expect(isCorrupt, "\(name) is valid and was refused") }
    }
  }

  @Test(arguments: ["Landscape", "Portrait"])
  func orientationIsUndone(_ kind: String) throws {
    let root = try #require(images) + "/exif-orientation"
    let upright = try means(root + "/\(kind)_1.jpg")
    for orientation in 2...8 {
      let other = try means(root + "/\(kind)_\(orientation).jpg")
      #expect(Array(other.suffix(2)) == Array(upright.suffix(2)), "\(kind)_\(orientation)")
    }
  }
}
