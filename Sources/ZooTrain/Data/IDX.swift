// MNIST and its relatives: IDX files, plain or compressed.
import Foundation
package import ZooCompiler

/// Reads IDX, http://yann.lecun.com/exdb/mnist: magic 0, 0, type, rank; big-endian extents; elements.
package enum IDX {
  private static let parts = [("train-images", "train-labels"), ("t10k-images", "t10k-labels")]

  /// The file in `folder` that begins with `stem`, if any; "-idx3-ubyte" and ".gz" may follow.
  private static func file(_ folder: String, _ stem: String) -> String? {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return entries.sorted().first { $0.hasPrefix(stem) && $0.contains("ubyte") }
      .map { "\(folder)/\($0)" }
  }

  package static func isAt(_ folder: String) -> Bool {
    parts.contains { file(folder, $0.0) != nil }
  }

  /// The training and the test part, whichever are there.
  package static func load(_ folder: String) throws(CompileError) -> (
    training: Dataset?, test: Dataset?
  ) {
    var found: [Dataset?] = []
    for (images, labels) in parts {
      guard let path = file(folder, images) else {
        found.append(nil)
        continue
      }
      guard let labelPath = file(folder, labels) else {
        throw CompileError("\(folder): \(images) without \(labels)")
      }
      found.append(try read(images: path, labels: labelPath))
    }
    return (found[0], found[1])
  }

  /// Ten classes named by their digits unless labels go further.
  package static func read(images: String, labels: String) throws(CompileError) -> Dataset {
    let (shape, pixels) = try array(images, rank: 3)
    let (count, classes) = try array(labels, rank: 1)
    guard shape[0] == count[0] else {
      throw CompileError("\(labels): \(count[0]) labels for \(shape[0]) images")
    }
    let names = (0..<max(10, Int(classes.max() ?? 0) + 1)).map { String($0) }
    return try Dataset(
      name: images, height: shape[1], width: shape[2], channels: 1, pixels: pixels,
      labels: classes.map { Int32($0) }, classNames: names)
  }

  /// The extents and bytes of an array of unsigned bytes.
  package static func array(
    _ path: String, rank: Int
  ) throws(CompileError) -> (shape: [Int], bytes: [UInt8]) {
    let raw = [UInt8](try contents(path))
    let bytes = raw.starts(with: [0x1f, 0x8b]) ? try gunzip(raw, path) : raw
    guard bytes.count >= 4 + 4 * rank, bytes[0] == 0, bytes[1] == 0 else {
      throw CompileError("\(path): not an IDX file")
    }
    guard bytes[2] == 8, Int(bytes[3]) == rank else {
      throw CompileError(
        "\(path): IDX of type \(bytes[2]) and rank \(bytes[3]), expected type 8 and rank \(rank)")
    }
    let shape = (0..<rank).map { axis in
      bytes[4 + 4 * axis..<8 + 4 * axis].reduce(0) { $0 << 8 | Int($1) }
    }
    var count = 1
    for extent in shape {
      let (next, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw CompileError("\(path): extents \(shape) are too large") }
      count = next
    }
    guard bytes.count - 4 - 4 * rank == count else {
      throw CompileError(
        "\(path): \(bytes.count - 4 - 4 * rank) bytes for extents \(shape), expected \(count)")
    }
    return (shape, Array(bytes[(4 + 4 * rank)...]))
  }
}
