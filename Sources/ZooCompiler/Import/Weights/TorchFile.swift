// PyTorch files: a pickle that names tensors, and storages with their elements.
package import Foundation

/// A .pt, .pth or .th file: `torch.save` of a state dictionary, alone or inside a training checkpoint, or a TorchScript archive.
///
/// Names are made of dictionary keys joined by dots. A dictionary "state_dict" inside is taken instead of what is around it, and
/// the prefix "module.", which DataParallel puts before all names, is dropped.
///
/// Source: https://github.com/pytorch/pytorch/blob/main/torch/serialization.py (`_save`, `_legacy_save`).
package struct TorchFile: TensorFile {
  package let format: String
  package let names: [String]
  /// Numbers and texts beside the tensors, like "epoch".
  package let metadata: [String: String]
  private let pickle: Pickle
  /// Tensors by name.
  private let numbers: [String: Int]
  private let storages: Storages

  private enum Storages {
    case zip(Zip, prefix: String)
    /// Byte ranges of `data` by key.
    case legacy(Data, [String: Range<Int>])
  }

  /// Reads and checks everything but the elements.
  ///
  /// - Throws: `CompileError` for files that hold more than data, and for damage.
  package init(_ data: Data) throws(CompileError) {
    if data.starts(with: zipSignature) {
      let zip = try Zip(data)
      (pickle, storages, format) = try TorchFile.open(zip)
    } else {
      (pickle, storages) = try data.withBytes { raw throws(CompileError) in
        try TorchFile.openLegacy(raw, data)
      }
      format = "PyTorch, legacy"
    }
    var tree = PickleTree(pickle)
    try tree.collect()
    names = tree.tensors.map(\.name)
    metadata = tree.texts
    numbers = Dictionary(tree.tensors.map { ($0.name, $0.number) }) { first, _ in first }
    for storage in pickle.storages { try checkSize(storage) }
  }

  package init(path: String) throws(CompileError) {
    let data = try mapFile(path)
    do throws(CompileError) {
      try self.init(data)
    } catch {
      throw CompileError("\(path): \(error)")
    }
  }

  package func shape(_ name: String) -> [Int]? { numbers[name].map { pickle.tensors[$0].shape } }

  package func type(_ name: String) -> TensorElement? {
    numbers[name].map { pickle.storages[pickle.tensors[$0].storage].type }
  }

  package func floats(_ name: String) throws(CompileError) -> [Float] {
    guard let number = numbers[name] else { throw missing(name) }
    let tensor = pickle.tensors[number]
    let storage = pickle.storages[tensor.storage]
    let elements = tensor.elementRange
    let width = storage.type.byteWidth
    let used = try bytes(storage).withBytes { raw throws(CompileError) in
      storage.type.floats(
        UnsafeRawBufferPointer(
          rebasing: raw[elements.lowerBound * width..<elements.upperBound * width]))
    }
    return tensor.isContiguous ? used : gathered(used, tensor.shape, tensor.strides)
  }

  package func hasPieces(_ name: String) -> Bool {
    guard let number = numbers[name], pickle.tensors[number].isContiguous else { return false }
    guard case .zip(let zip, let prefix) = storages else { return true }
    let storage = pickle.storages[pickle.tensors[number].storage]
    return zip.entry(prefix + "data/" + storage.key).map { !$0.isDeflated } ?? false
  }

  package func floats(_ name: String, _ range: Range<Int>) throws(CompileError) -> [Float] {
    guard let number = numbers[name], hasPieces(name) else {
      let all = try floats(name)
      return range == 0..<all.count ? all : Array(all[range])
    }
    let tensor = pickle.tensors[number]
    let storage = pickle.storages[tensor.storage]
    let start = tensor.elementRange.lowerBound
    let width = storage.type.byteWidth
    return try bytes(storage, isChecked: range.lowerBound == 0).withUnsafeBytes { raw in
      let part = UnsafeRawBufferPointer(
        rebasing: raw[(start + range.lowerBound) * width..<(start + range.upperBound) * width])
      defer { releasePages(part) }
      return storage.type.floats(part)
    }
  }

  // MARK: Storages

  /// The elements of a storage; its checksum is compared if `isChecked`.
  private func bytes(
    _ storage: PickleStorage, isChecked: Bool = true
  ) throws(CompileError) -> Data {
    switch storages {
    case .zip(let zip, let prefix):
      guard let entry = zip.entry(prefix + "data/" + storage.key) else {
        throw CompileError("storage '\(storage.key)' is missing")
      }
      return try zip.bytes(entry, isChecked: isChecked)
    case .legacy(let data, let ranges):
      guard let range = ranges[storage.key] else {
        throw CompileError("storage '\(storage.key)' is missing")
      }
      return data[data.startIndex + range.lowerBound..<data.startIndex + range.upperBound]
    }
  }

  private func checkSize(_ storage: PickleStorage) throws(CompileError) {
    let found: Int? =
      switch storages {
      case .zip(let zip, let prefix): zip.entry(prefix + "data/" + storage.key)?.byteCount
      case .legacy(_, let ranges): ranges[storage.key]?.count
      }
    guard let found else { throw CompileError("storage '\(storage.key)' is missing") }
    let (expected, overflow) = storage.count.multipliedReportingOverflow(by: storage.type.byteWidth)
    guard !overflow, found == expected else {
      throw CompileError(
        "storage '\(storage.key)' has \(found) bytes, expected \(storage.count) elements of \(storage.type.rawValue)"
      )
    }
  }

  // MARK: Forms

  private static func open(
    _ zip: Zip
  ) throws(CompileError) -> (Pickle, Storages, format: String) {
    guard let entry = zip.entries.first(where: { isTorchIndex($0.name) }) else {
      throw CompileError("no data.pkl inside")
    }
    let prefix = String(entry.name.dropLast("data.pkl".count))
    if let order = zip.entry(prefix + "byteorder"), try zip.bytes(order) != Data("little".utf8) {
      throw CompileError("big-endian elements are not supported")
    }
    let pickle = try zip.bytes(entry).withBytes { raw throws(CompileError) in
      try Unpickler.read(raw)
    }
    // Only archives of programs have constants.
    let isScript = zip.entry(prefix + "constants.pkl") != nil
    return (pickle, .zip(zip, prefix: prefix), isScript ? "TorchScript" : "PyTorch")
  }

  /// Five pickles - magic number, version, system, content, storage keys - and the storages, each after its element count.
  private static func openLegacy(
    _ raw: UnsafeRawBufferPointer, _ data: Data
  ) throws(CompileError) -> (Pickle, Storages) {
    let magic = try Unpickler.read(raw)
    guard
      case .longInteger([0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]) = magic.root
    else { throw CompileError("a pickle, but not one of PyTorch") }
    let version = try Unpickler.read(raw, at: magic.end)
    guard version.root.integer == 1001 else {
      throw CompileError("version \(version.root.integer ?? 0) of PyTorch's format, expected 1001")
    }
    let system = try Unpickler.read(raw, at: version.end)
    for (key, value) in system.members(system.root) ?? [] where key.text == "little_endian" {
      if case .bool(false) = value { throw CompileError("big-endian elements are not supported") }
    }
    let content = try Unpickler.read(raw, at: system.end)
    let keys = try Unpickler.read(raw, at: content.end)
    let widths = Dictionary(content.storages.map { ($0.key, $0.type.byteWidth) }) { first, _ in
      first
    }
    var reader = ByteReader(raw, at: keys.end)
    var ranges: [String: Range<Int>] = [:]
    for key in keys.elements(keys.root) ?? [] {
      guard let key = key.text, let width = widths[key] else {
        throw CompileError("storage '\(key.text ?? key.kind)' belongs to no tensor")
      }
      let count = try reader.readCount(Int64.self)
      let (size, overflow) = count.multipliedReportingOverflow(by: width)
      guard !overflow else { throw CompileError("storage '\(key)' of \(count) elements") }
      let start = reader.position
      _ = try reader.take(size)
      guard ranges.updateValue(start..<reader.position, forKey: key) == nil else {
        throw CompileError("storage '\(key)' is there twice")
      }
    }
    return (content, .legacy(data, ranges))
  }
}

/// How ZIP archives start.
let zipSignature = Data([0x50, 0x4B, 0x03, 0x04])

/// Whether an entry of this name says that a ZIP archive is PyTorch's.
func isTorchIndex(_ name: String) -> Bool { name == "data.pkl" || name.hasSuffix("/data.pkl") }
