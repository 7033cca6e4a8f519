// CIFAR-10 and CIFAR-100 in their binary form.
import Foundation
package import ZooCompiler

/// Reads the records of https://www.cs.toronto.edu/~kriz/cifar.html: one label byte (CIFAR-100: coarse, then fine),
/// then 3072 bytes, red, green and blue planes of 32 x 32.
package enum CIFAR {
  package static let names10 = [
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
  ]
  private static let side = 32

  /// Whether `folder` holds CIFAR files.
  package static func isAt(_ folder: String) -> Bool {
    ["data_batch_1.bin", "test_batch.bin", "train.bin"].contains {
      FileManager.default.fileExists(atPath: "\(folder)/\($0)")
    }
  }

  /// The training part, and the test part if its file is there. CIFAR-100 is read with its fine labels.
  package static func load(_ folder: String) throws(CompileError) -> (
    training: Dataset?, test: Dataset?
  ) {
    let files = FileManager.default
    if files.fileExists(atPath: "\(folder)/train.bin")
      || files.fileExists(atPath: "\(folder)/test.bin")
    {
      let names = try fineNames(folder)
      return (
        try part(["\(folder)/train.bin"], names, labelBytes: 2),
        try part(["\(folder)/test.bin"], names, labelBytes: 2)
      )
    }
    return (
      try part((1...5).map { "\(folder)/data_batch_\($0).bin" }, names10, labelBytes: 1),
      try part(["\(folder)/test_batch.bin"], names10, labelBytes: 1)
    )
  }

  private static func part(
    _ paths: [String], _ names: [String], labelBytes: Int
  ) throws(CompileError) -> Dataset? {
    guard FileManager.default.fileExists(atPath: paths[0]) else { return nil }
    return try read(paths, names, labelBytes: labelBytes)
  }

  /// Reads whole files of records; the class is the last label byte.
  package static func read(
    _ paths: [String], _ names: [String], labelBytes: Int
  ) throws(CompileError) -> Dataset {
    let planeCount = side * side
    let record = labelBytes + 3 * planeCount
    var pixels: [UInt8] = []
    var labels: [Int32] = []
    for path in paths {
      let data = try contents(path)
      guard !data.isEmpty, data.count % record == 0 else {
        throw CompileError(
          "\(path): \(data.count) bytes are not a whole number of records of \(record)")
      }
      let count = data.count / record
      var images = [UInt8](repeating: 0, count: count * 3 * planeCount)
      data.withUnsafeBytes { bytes in
        for index in 0..<count {
          labels.append(Int32(bytes[index * record + labelBytes - 1]))
          for channel in 0..<3 {
            let from = index * record + labelBytes + channel * planeCount
            let to = index * 3 * planeCount + channel
            for pixel in 0..<planeCount { images[to + pixel * 3] = bytes[from + pixel] }
          }
        }
      }
      pixels += images
    }
    let name = paths.count == 1 ? paths[0] : (paths[0] as NSString).deletingLastPathComponent
    return try Dataset(
      name: name, height: side, width: side, channels: 3, pixels: pixels, labels: labels,
      classNames: names)
  }

  private static func fineNames(_ folder: String) throws(CompileError) -> [String] {
    let path = "\(folder)/fine_label_names.txt"
    guard FileManager.default.fileExists(atPath: path) else {
      return (0..<100).map { "class \($0)" }
    }
    let text = String(decoding: try contents(path), as: UTF8.self)
    let names = text.split(whereSeparator: \.isNewline).map {
      String($0).replacingOccurrences(of: "_", with: " ")
    }
    guard names.count == 100 else {
      throw CompileError("\(path): \(names.count) names, expected 100")
    }
    return names
  }
}
