// The files of ../shared/data/golden: pictures, and what reference runtimes made of them.
import Foundation
import TestSupport
import ZooImage

/// A row of golden.csv: the five classes a reference runtime saw in one picture, best first.
struct GoldenAnswer {
  let picture: String
  /// Of the 1000 classes of ImageNet, whether the network counts a background class or not.
  let top5: [Int]
}

/// The answers for one network, in the order of the file, which is that of ORDER.txt.
func goldenAnswers(_ network: String) throws -> [GoldenAnswer] {
  guard let path = sharedData("golden/golden.csv") else { return [] }
  return try String(contentsOfFile: path, encoding: .utf8).split(whereSeparator: \.isNewline)
    .compactMap {
      // Names of classes are quoted and have commas; the columns before and the one after have none.
      let fields = $0.split(separator: ",")
      guard fields[0] == network, let last = fields.last else { return nil }
      let top5 = last.split(separator: " ").compactMap { Int($0) }
      return GoldenAnswer(picture: String(fields[2]), top5: top5)
    }
}

/// The rows of a two-dimensional little-endian .npy file of float32 or float16.
func goldenRows(_ path: String) throws -> [[Float]] {
  let data = try Data(contentsOf: URL(fileURLWithPath: path))
  let start = 10 + Int(data[8]) + Int(data[9]) << 8
  let header = String(decoding: data[10..<start], as: UTF8.self)
  guard let shape = header.firstMatch(of: /'shape': \((\d+), (\d+)\)/),
    let rows = Int(shape.1), let columns = Int(shape.2), header.contains("False")
  else { throw CocoaError(.fileReadCorruptFile) }
  let values: [Float] = try data[start...].withUnsafeBytes { raw in
    if header.contains("'<f4'") {
      return (0..<rows * columns).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
    }
    guard header.contains("'<f2'") else { throw CocoaError(.fileReadCorruptFile) }
    return (0..<rows * columns).map {
      half(raw.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self))
    }
  }
  return (0..<rows).map { Array(values[$0 * columns..<($0 + 1) * columns]) }
}

/// An IEEE half as Float: its exponent and fraction moved into place, then scaled by 2^112, which is exact for subnormals
/// too. (Float16 is not available on every host.) No infinities occur here.
private func half(_ bits: UInt16) -> Float {
  let magnitude = Float(bitPattern: UInt32(bits & 0x7FFF) << 13) * 0x1p112
  return bits & 0x8000 == 0 ? magnitude : -magnitude
}

/// The bytes of a picture that has the size of the network's input, as RGB.
func goldenPixels(_ name: String) throws -> [UInt8] {
  guard let path = sharedData("golden/" + name) else { throw CocoaError(.fileNoSuchFile) }
  let data = try Data(contentsOf: URL(fileURLWithPath: path))
  return try data.withUnsafeBytes { bytes in
    let image = try Image(decoding: bytes, options: ImageOptions())
    return (0..<image.width * image.height * 3).map { image.pixels[$0] }
  }
}
