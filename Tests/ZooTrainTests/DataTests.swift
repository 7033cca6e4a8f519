// Data sets, good and bad.
import CZoo
import Foundation
import Testing
import Zoo
import ZooCompiler
import ZooTrain

/// A folder that lasts as long as the test.
final class TemporaryFolder {
  let path = NSTemporaryDirectory() + "zoo-data-\(UUID().uuidString)"

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  @discardableResult
  func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    let url = URL(fileURLWithPath: "\(path)/\(name)")
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
    return url.path
  }
}

struct DataTests {
  private func idx(_ extents: [Int], _ bytes: [UInt8]) -> [UInt8] {
    [0, 0, 8, UInt8(extents.count)]
      + extents.flatMap {
        [UInt8($0 >> 24 & 255), UInt8($0 >> 16 & 255), UInt8($0 >> 8 & 255), UInt8($0 & 255)]
      }
      + bytes
  }

  /// What an error says, or "" if there is none.
  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch { return "\(error)" }
  }

  @Test func idxFilesAreReadOrRefused() throws {
    let folder = try TemporaryFolder()
    let images = try folder.write("train-images-idx3-ubyte", idx([3, 2, 2], Array(1...12)))
    let labels = try folder.write("train-labels-idx1-ubyte", idx([3], [7, 0, 7]))
    let data = try #require(try IDX.load(folder.path).training)
    #expect(data.count == 3 && data.height == 2 && data.width == 2 && data.channels == 1)
    #expect(data.labels == [7, 0, 7])
    #expect(data.pixels == Array(1...12))
    let test = try IDX.load(folder.path).test
    #expect(test == nil)

    let cases: [([UInt8], String)] = [
      ([], "not an IDX file"), ([0, 0, 8], "not an IDX file"),
      (idx([3, 2, 2], Array(1...11)), "11 bytes for extents [3, 2, 2], expected 12"),
      (idx([3, 2], Array(1...6)), "rank 2, expected type 8 and rank 3"),
      (idx([2, 2, 2], Array(1...8)), "3 labels for 2 images"),
      (idx([1 << 31, 1 << 31, 1 << 31], []), "too large"),
    ]
    for (bytes, expected) in cases {
      try folder.write("train-images-idx3-ubyte", bytes)
      let text = message { _ = try IDX.read(images: images, labels: labels) }
      #expect(text.contains(expected), "\(text)")
      #expect(text.contains(folder.path))
    }
    #expect(
      message { _ = try IDX.read(images: "/nowhere", labels: labels) }.contains("no such file"))
    try folder.write("train-images-idx3-ubyte", [0x1f, 0x8b, 8, 0, 1, 2, 3])
    #expect(
      message { _ = try IDX.read(images: images, labels: labels) }.contains("damaged or truncated"))
    try folder.write("train-images-idx3-ubyte", idx([3, 2, 2], Array(1...12)))
    try folder.write("train-labels-idx1-ubyte", idx([3], [5, 5, 5]))
    #expect(
      message { _ = try IDX.read(images: images, labels: labels) }.contains(
        "all 3 images are of one class"))
  }

  @Test func cifarFilesAreReadOrRefused() throws {
    let folder = try TemporaryFolder()
    var record = [UInt8](repeating: 9, count: 3073)
    record[0] = 3
    record[1] = 11  // red of the first pixel
    record[1 + 1024] = 22
    record[1 + 2048] = 33
    var other = record
    other[0] = 4
    let path = try folder.write("test_batch.bin", record + other)
    let data = try CIFAR.read([path], CIFAR.names10, labelBytes: 1)
    #expect(data.labels == [3, 4])
    #expect(Array(data.pixels.prefix(4)) == [11, 22, 33, 9])
    try folder.write("test_batch.bin", Array((record + other).dropLast()))
    #expect(
      message { _ = try CIFAR.load(folder.path) }.contains("not a whole number of records"))
    other[0] = 10
    try folder.write("test_batch.bin", record + other)
    #expect(message { _ = try CIFAR.load(folder.path) }.contains("label 10 of image 1"))
    try folder.write("test_batch.bin", record)
    #expect(message { _ = try CIFAR.load(folder.path) }.contains("one class"))
    try folder.write("data_batch_1.bin", record + record)
    #expect(message { _ = try CIFAR.load(folder.path) }.contains("data_batch_2.bin: no such file"))
  }

  @Test func photoFoldersSkipWhatIsBroken() throws {
    let folder = try TemporaryFolder()
    let photo = [UInt8](
      try Data(
        contentsOf: URL(
          fileURLWithPath: #filePath
        ).deletingLastPathComponent()
          .appendingPathComponent("../Fixtures/photo.png")))
    for name in ["cat/a.png", "cat/b.PNG", "dog/c.png"] { try folder.write(name, photo) }
    try folder.write("dog/broken.jpg", [0xff, 0xd8, 0xff, 1, 2, 3])
    try folder.write("dog/notes.txt", [65])
    let workers = try Workers(threads: 2)
    func load() throws -> PhotoFolder.Result {
      try PhotoFolder.load(
        folder.path, width: 8, height: 6, preprocessing: Preprocessing(), workers: workers)
    }
    let result = try load()
    let data = try #require(result.training)
    #expect(data.labels == [0, 0, 1])
    #expect(data.classNames == ["cat", "dog"])
    #expect(data.pixels.count == 3 * 8 * 6 * 3)
    #expect(Array(data.pixels[0..<144]) == Array(data.pixels[288..<432]))
    #expect(result.broken.map(\.path) == ["\(folder.path)/dog/broken.jpg"])
    #expect(result.broken[0].reason != "")
    try FileManager.default.createDirectory(
      atPath: folder.path + "/emu", withIntermediateDirectories: true)
    #expect(message { _ = try load() }.contains("emu: no PNG or JPEG file"))
    try folder.write("emu/x.png", [1, 2, 3])
    #expect(message { _ = try load() }.contains("emu: not one picture"))
  }

  @Test func augmentationIsReproducibleAndStaysInside() throws {
    let data = try syntheticColours(4, seed: 3)
    var preprocessing = Preprocessing()
    preprocessing.mean = (100, 100, 100)
    let writer = InputWriter(height: 8, width: 8, channels: 3, preprocessing: preprocessing)
    var settings = Augmentation()
    func sample(_ seed: UInt64) -> [Float] {
      var random = RandomStream(seed: seed)
      var result = [Float](repeating: .nan, count: 192)
      result.withUnsafeMutableBufferPointer {
        writer.write(data, 1, settings, &random, to: $0.baseAddress!)
      }
      return result
    }
    let plain = sample(1)
    #expect(plain == (192..<384).map { Float(data.pixels[$0]) - 100 })
    settings.flip = true
    let seen = Set((0..<20).map { sample($0) })
    let mirrored = (0..<192).map { (at: Int) -> Float in
      let column = 7 - at / 3 % 8
      return plain[at / 24 * 24 + column * 3 + at % 3]
    }
    #expect(seen == [plain, mirrored])
    settings.crop = 2
    settings.rotation = 0.2
    settings.zoom = 0.2
    settings.contrast = 0.1
    settings.cutout = 3
    #expect(sample(5) == sample(5))
    #expect(sample(5) != sample(6))
    #expect((0..<50).allSatisfy { sample($0).allSatisfy { $0.isFinite && abs($0) < 400 } })
  }

  @Test func splitsKeepEveryImageOnce() throws {
    let data = try syntheticDigits(100, seed: 1)
    let (kept, held) = try data.split(fraction: 0.25, seed: 9)
    #expect(kept.count == 75 && held.count == 25)
    func images(_ set: Dataset) -> [[UInt8]] {
      (0..<set.count).map { Array(set.pixels[$0 * 784..<($0 + 1) * 784]) }
    }
    let parts = (images(kept) + images(held)).sorted { $0.lexicographicallyPrecedes($1) }
    #expect(parts == images(data).sorted { $0.lexicographicallyPrecedes($1) })
    let again = try data.split(fraction: 0.25, seed: 9)
    #expect(again.validation.pixels == held.pixels)
  }

  @Test func mnistIsWhatItIs() throws {
    let folder = "../shared/data/mnist"
    guard FileManager.default.fileExists(atPath: folder) else {
      return print("skipped: \(folder) is not there")
    }
    let (training, test) = try IDX.load(folder)
    #expect(training?.count == 60_000 && test?.count == 10_000)
    #expect(training.map { Array($0.labels.prefix(5)) } == [5, 0, 4, 1, 9])
    #expect(test.map { Array($0.labels.prefix(5)) } == [7, 2, 1, 0, 4])
  }
}
