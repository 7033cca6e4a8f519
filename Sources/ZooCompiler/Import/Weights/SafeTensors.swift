// safetensors files: a JSON header, then the bytes of all tensors.
package import Foundation

/// A safetensors file. Every byte of its data belongs to exactly one tensor.
///
/// Source: https://github.com/huggingface/safetensors (u64 header length, header, data; all little-endian).
package struct SafeTensors: TensorFile {
  package let format = "safetensors"
  package let names: [String]
  package let metadata: [String: String]
  private let data: Data
  private let dataStart: Int
  private let entries: [String: SafeTensorsHeader.Entry]

  /// The longest header that is read, in bytes; the reference implementation has the same limit.
  package static let maximumHeaderByteCount = 100_000_000

  /// Reads and checks the header; `data` should be mapped.
  ///
  /// - Throws: `CompileError` for headers that are damaged or too long, for tensors that overlap, leave the file or leave
  ///   gaps, and for shapes that do not fit their bytes.
  package init(_ data: Data) throws(CompileError) {
    let (header, start) = try data.withBytes(readHeader)
    self.data = data
    dataStart = start
    metadata = header.metadata
    names = header.entries.map(\.name)
    // Names are unique: the header was checked for it.
    entries = Dictionary(header.entries.map { ($0.name, $0) }) { first, _ in first }
  }

  package init(path: String) throws(CompileError) {
    let data = try mapFile(path)
    do throws(CompileError) {
      try self.init(data)
    } catch {
      throw CompileError("\(path): \(error)")
    }
  }

  package func shape(_ name: String) -> [Int]? { entries[name]?.shape }

  package func type(_ name: String) -> TensorElement? { entries[name]?.type }

  package func floats(_ name: String) throws(CompileError) -> [Float] {
    let entry = try entry(name)
    return withBytes(entry) { entry.type.floats($0) }
  }

  package func hasPieces(_ name: String) -> Bool { entries[name] != nil }

  package func floats(_ name: String, _ range: Range<Int>) throws(CompileError) -> [Float] {
    let entry = try entry(name)
    let width = entry.type.byteWidth
    return withBytes(entry) { bytes in
      let part = UnsafeRawBufferPointer(
        rebasing: bytes[range.lowerBound * width..<range.upperBound * width])
      defer { releasePages(part) }
      return entry.type.floats(part)
    }
  }

  /// The stored bytes of a tensor, whatever its type.
  package func bytes(_ name: String) throws(CompileError) -> [UInt8] {
    withBytes(try entry(name)) { Array($0) }
  }

  private func entry(_ name: String) throws(CompileError) -> SafeTensorsHeader.Entry {
    guard let entry = entries[name] else { throw missing(name) }
    return entry
  }

  private func withBytes<R>(
    _ entry: SafeTensorsHeader.Entry, _ body: (UnsafeRawBufferPointer) -> R
  ) -> R {
    data.withUnsafeBytes {
      body(UnsafeRawBufferPointer(rebasing: $0[dataStart + entry.begin..<dataStart + entry.end]))
    }
  }
}

/// The checked header of `file` and where its data starts.
private func readHeader(
  _ file: UnsafeRawBufferPointer
) throws(CompileError) -> (SafeTensorsHeader, start: Int) {
  guard file.count >= 8 else {
    throw CompileError("not a safetensors file: \(file.count) bytes, expected at least 8")
  }
  let length = UInt64(littleEndian: file.loadUnaligned(as: UInt64.self))
  guard length <= SafeTensors.maximumHeaderByteCount else {
    throw CompileError(
      "header of \(length) bytes, expected at most \(SafeTensors.maximumHeaderByteCount)")
  }
  let start = 8 + Int(length)
  guard start <= file.count else {
    throw CompileError("cut short: header of \(length) bytes in a file of \(file.count)")
  }
  guard length > 0, file[8] == UInt8(ascii: "{") else {
    throw CompileError("not a safetensors file: the header does not start with '{'")
  }
  let header = try SafeTensorsHeader(UnsafeRawBufferPointer(rebasing: file[8..<start]))
  try check(header.entries, dataByteCount: file.count - start)
  return (header, start)
}

/// Throws unless the tensors fit their shapes and fill the data one after the other.
private func check(
  _ entries: [SafeTensorsHeader.Entry], dataByteCount: Int
) throws(CompileError) {
  for entry in entries {
    func fail(_ what: String) -> CompileError { CompileError("tensor '\(entry.name)': \(what)") }
    guard entry.begin <= entry.end, entry.end <= dataByteCount else {
      throw fail(
        "data_offsets \(entry.begin) to \(entry.end) leave the data of \(dataByteCount) bytes")
    }
    guard let count = elementCount(of: entry.shape) else {
      throw fail("shape \(entry.shape) is too large")
    }
    guard count * entry.type.byteWidth == entry.end - entry.begin else {
      throw fail(
        "\(entry.end - entry.begin) bytes for \(entry.type.rawValue) of shape \(entry.shape), "
          + "expected \(count * entry.type.byteWidth)")
    }
  }
  var end = 0
  var previous = ""
  for entry in entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
    guard entry.begin >= end else {
      throw CompileError("tensors '\(previous)' and '\(entry.name)' overlap")
    }
    guard entry.begin == end else {
      throw CompileError("bytes \(end) to \(entry.begin) of the data belong to no tensor")
    }
    (end, previous) = (entry.end, entry.name)
  }
  guard end == dataByteCount else {
    throw CompileError("bytes \(end) to \(dataByteCount) of the data belong to no tensor")
  }
}
