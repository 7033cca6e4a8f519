// Labelled pictures in memory.
import Foundation
package import ZooCompiler

/// Labelled samples that can be turned into inputs of a network.
package protocol TrainingSet: Sendable {
  var name: String { get }
  var labels: [Int32] { get }
  var classNames: [String] { get }

  /// - Throws: `CompileError` if samples cannot become what `input` wants.
  func check(_ input: InputWriter) throws(CompileError)

  /// Writes sample `index`, changed at random, for the network's input.
  func write(
    _ index: Int, for input: InputWriter, _ augmentation: Augmentation,
    _ random: inout RandomStream, to target: UnsafeMutablePointer<Float>)
}

extension TrainingSet {
  package var count: Int { labels.count }
}

/// Pictures of one size, as bytes [count, height, width, channels], with a class each.
package struct Dataset: TrainingSet {
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

extension Dataset {
  package func check(_ input: InputWriter) throws(CompileError) {
    guard channels == input.channels || input.channels == 1 || channels == 1 else {
      throw CompileError("\(name) has \(channels) channels, the model takes \(input.channels)")
    }
    guard height <= input.height, width <= input.width else {
      throw CompileError(
        "\(name) has pictures of \(height)x\(width), the model takes "
          + "\(input.height)x\(input.width)")
    }
  }

  package func write(
    _ index: Int, for input: InputWriter, _ augmentation: Augmentation,
    _ random: inout RandomStream, to target: UnsafeMutablePointer<Float>
  ) {
    input.write(self, index, augmentation, &random, to: target)
  }
}

/// Outputs of a base network, one array for each picture, that a head is trained on.
package struct FeatureSet: TrainingSet {
  package let name: String
  package let labels: [Int32]
  package let classNames: [String]
  /// [count][features]
  package let features: [Float]

  package init(name: String, labels: [Int32], classNames: [String], features: [Float]) {
    self.name = name
    self.labels = labels
    self.classNames = classNames
    self.features = features
  }

  package func check(_ input: InputWriter) throws(CompileError) {
    let expected = input.height * input.width * input.channels
    guard features.count == labels.count * expected else {
      throw CompileError(
        "\(name): \(features.count / max(1, labels.count)) features, the head takes \(expected)")
    }
  }

  package func write(
    _ index: Int, for input: InputWriter, _ augmentation: Augmentation,
    _ random: inout RandomStream, to target: UnsafeMutablePointer<Float>
  ) {
    let length = features.count / labels.count
    features.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      target.update(from: base + index * length, count: length)
    }
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
