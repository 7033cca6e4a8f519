// Labelled pictures in memory.
import Foundation
package import ZooCompiler

/// Pictures of one size, as bytes [count, height, width, channels], with a class each.
package struct Dataset: Sendable {
  package let name: String
  package let height: Int
  package let width: Int
  /// 1 for grey, 3 for RGB.
  package let channels: Int
  package let pixels: [UInt8]
  package let labels: [Int32]
  package let classNames: [String]
  /// Files behind the pictures, where there are any.
  package let files: [String]

  package var count: Int { labels.count }
  package var imageByteCount: Int { height * width * channels }

  /// - Throws: `CompileError` if there are no images, fewer than two classes, or a label out of range.
  package init(
    name: String, height: Int, width: Int, channels: Int, pixels: [UInt8], labels: [Int32],
    classNames: [String], files: [String] = []
  ) throws(CompileError) {
    self.name = name
    self.height = height
    self.width = width
    self.channels = channels
    self.pixels = pixels
    self.labels = labels
    self.classNames = classNames
    self.files = files
    guard !labels.isEmpty else { throw CompileError("\(name): no images") }
    guard pixels.count == labels.count * height * width * channels else {
      throw CompileError(
        "\(name): \(pixels.count) bytes of pixels for \(labels.count) images of "
          + "\(height)x\(width)x\(channels)")
    }
    if let wrong = labels.firstIndex(where: { $0 < 0 || $0 >= classNames.count }) {
      throw CompileError(
        "\(name): label \(labels[wrong]) of image \(wrong) is not in 0..<\(classNames.count)")
    }
    guard Set(labels).count > 1 else {
      throw CompileError("\(name): all \(labels.count) images are of one class")
    }
  }

  /// The images at `indices`, in that order.
  package func subset(_ indices: [Int], name: String) throws(CompileError) -> Dataset {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(indices.count * imageByteCount)
    for index in indices {
      bytes += pixels[index * imageByteCount..<(index + 1) * imageByteCount]
    }
    return try Dataset(
      name: name, height: height, width: width, channels: channels, pixels: bytes,
      labels: indices.map { labels[$0] }, classNames: classNames,
      files: files.isEmpty ? [] : indices.map { files[$0] })
  }

  /// Two parts; `fraction` of the images, drawn by `seed`, are the second.
  package func split(
    fraction: Double, seed: UInt64
  ) throws(CompileError) -> (training: Dataset, validation: Dataset) {
    var order = Array(0..<count)
    var random = RandomStream(seed: seed, name: "split")
    order.shuffle(using: &random)
    let held = max(1, min(count - 1, Int(Double(count) * fraction)))
    return (
      try subset(order.dropFirst(held).sorted(), name: name),
      try subset(order.prefix(held).sorted(), name: name + " (held out)")
    )
  }
}

/// The two parts of a data set.
package struct DataSplits: Sendable {
  package let training: Dataset
  /// The test or validation part, if the data has one.
  package let test: Dataset?

  package init(training: Dataset, test: Dataset?) {
    self.training = training
    self.test = test
  }
}

/// Reads a file; errors name it.
func contents(_ path: String) throws(CompileError) -> Data {
  var isDirectory: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
    throw CompileError("\(path): no such file")
  }
  guard !isDirectory.boolValue else { throw CompileError("\(path): is a directory") }
  do {
    return try Data(contentsOf: URL(fileURLWithPath: path))
  } catch { throw CompileError("\(path): cannot read: \(reason(error))") }
}
