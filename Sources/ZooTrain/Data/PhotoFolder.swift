// A folder of pictures for each class.
import CZoo
import Foundation
import Synchronization
package import Zoo
package import ZooCompiler
import ZooImage

/// Reads DIR/CLASS/*.{png,jpg} or DIR/{train,validation,test}/CLASS/*; what is a picture is told by content.
package enum PhotoFolder {
  /// A file that could not be read, and why.
  package struct Broken: Sendable {
    package let path: String
    package let reason: String
  }

  /// What was read.
  package struct Result: Sendable {
    package var training: Dataset?
    package var test: Dataset?
    package var broken: [Broken] = []
  }

  private static let extensions: Set<String> = ["png", "jpg", "jpeg"]

  /// Whether `folder` holds folders.
  package static func isAt(_ folder: String) -> Bool { !subfolders(folder).isEmpty }

  /// All pictures, brought to `width` x `height` as `preprocessing` says.
  ///
  /// - Parameter progress: told how many files of how many are decoded, from any thread.
  /// - Throws: `CompileError` for a class without pictures, or classes that differ between the parts.
  package static func load(
    _ folder: String, width: Int, height: Int, preprocessing: Preprocessing, workers: Workers,
    progress: @Sendable (Int, Int) -> Void = { _, _ in }
  ) throws(CompileError) -> Result {
    let parts = subfolders(folder)
    let testName = ["validation", "test", "val"].first { parts.contains($0) }
    let isSplit = parts.contains("train")
    var result = Result()
    let reader = Reader(
      width: width, height: height, preprocessing: preprocessing, workers: workers)
    guard isSplit else {
      result.training = try reader.read(folder, progress, &result.broken)
      return result
    }
    result.training = try reader.read("\(folder)/train", progress, &result.broken)
    if let testName {
      let test = try reader.read("\(folder)/\(testName)", progress, &result.broken)
      guard test.classNames == result.training?.classNames else {
        throw CompileError("\(folder): train and \(testName) have different classes")
      }
      result.test = test
    }
    return result
  }

  fileprivate static func subfolders(_ folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().filter {
      var isDirectory: ObjCBool = false
      return !$0.hasPrefix(".")
        && FileManager.default.fileExists(atPath: "\(folder)/\($0)", isDirectory: &isDirectory)
        && isDirectory.boolValue
    }
  }

  fileprivate static func pictures(_ folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted().filter {
      extensions.contains(($0 as NSString).pathExtension.lowercased())
    }
  }
}

/// Decodes the pictures of one part with all threads.
private struct Reader {
  let width: Int
  let height: Int
  let preprocessing: Preprocessing
  let workers: Workers

  func read(
    _ folder: String, _ progress: @Sendable (Int, Int) -> Void, _ broken: inout [PhotoFolder.Broken]
  ) throws(CompileError) -> Dataset {
    let classes = PhotoFolder.subfolders(folder)
    guard classes.count > 1 else {
      throw CompileError("\(folder): \(classes.count) class folders, at least 2 are needed")
    }
    var files: [(path: String, label: Int32)] = []
    for (label, name) in classes.enumerated() {
      let found = PhotoFolder.pictures("\(folder)/\(name)")
      guard !found.isEmpty else {
        throw CompileError("\(folder)/\(name): no PNG or JPEG file in this class folder")
      }
      files += found.map { ("\(folder)/\(name)/\($0)", Int32(label)) }
    }
    let imageByteCount = width * height * 3
    var pixels = [UInt8](repeating: 0, count: files.count * imageByteCount)
    let reasons = Mutex<[Int: String]>([:])
    let done = Mutex(0)
    pixels.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let target = Target(base: base)
      workers.forEach(files.count) { index in
        if let reason = decode(files[index].path, to: target.base + index * imageByteCount) {
          reasons.withLock { $0[index] = reason }
        }
        let count = done.withLock { value in
          value += 1
          return value
        }
        progress(count, files.count)
      }
    }
    let failed = reasons.withLock { $0 }
    for (index, reason) in failed.sorted(by: { $0.key < $1.key }) {
      broken.append(PhotoFolder.Broken(path: files[index].path, reason: reason))
    }
    let kept = files.indices.filter { failed[$0] == nil }
    for (label, name) in classes.enumerated()
    where !kept.contains(where: { files[$0].label == Int32(label) }) {
      throw CompileError("\(folder)/\(name): not one picture of this class could be read")
    }
    let all = try Dataset(
      name: folder, height: height, width: width, channels: 3, pixels: pixels,
      labels: files.map(\.label), classNames: classes, files: files.map(\.path))
    return failed.isEmpty ? all : try all.subset(kept, name: folder)
  }

  /// Where threads write, each its own pictures.
  private struct Target: @unchecked Sendable {
    let base: UnsafeMutablePointer<UInt8>
  }

  /// Why the picture could not be read, or nil.
  private func decode(_ path: String, to target: UnsafeMutablePointer<UInt8>) -> String? {
    guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)) else {
      return "cannot read the file"
    }
    var plain = preprocessing
    // Inputs are brought into the network's order when they are written.
    plain.channelOrder = .rgb
    return data.withUnsafeBytes { raw in
      do throws(ImageError) {
        let image = try Image(decoding: raw, options: ImageOptions())
        try image.write(plain, width: width, height: height, channels: 3, to: target)
        return nil
      } catch { return describe(error) }
    }
  }
}

/// The words of an image error.
private func describe(_ error: ImageError) -> String {
  var report = zoo_error()
  _ = error.report(to: &report)
  return message(report)
}
