// A reader of ZIP archives that believes nothing.
import CZlib
import Foundation

/// A ZIP archive: PyTorch and NumPy keep their arrays in such files.
///
/// Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (end record 4.3.16, central directory 4.3.12, local
/// header 4.3.7, ZIP64 4.5.3). Entries are stored or deflated; encrypted and split archives are refused.
struct Zip {
  struct Entry {
    let name: String
    let isDeflated: Bool
    let crc: UInt32
    let byteCount: Int
    /// Where the bytes are stored.
    fileprivate let range: Range<Int>
  }

  /// In the order of the central directory; names are unique.
  let entries: [Entry]
  private let data: Data
  private let numbers: [String: Int]

  /// The most bytes that all deflated entries may unpack to. Stored ones cannot exceed the file.
  static let maximumInflatedByteCount = 1 << 30

  /// Reads and checks the central directory of `data`. Other bytes may be in front of the archive.
  ///
  /// - Throws: `CompileError` for damage, for entries that overlap and for sizes that deflate cannot reach.
  init(_ data: Data) throws(CompileError) {
    let entries = try data.withBytes { raw throws(CompileError) in try readEntries(raw) }
    var numbers: [String: Int] = [:]
    for (number, entry) in entries.enumerated() {
      guard numbers.updateValue(number, forKey: entry.name) == nil else {
        throw CompileError("ZIP: '\(entry.name)' is there twice")
      }
    }
    self.entries = entries
    self.data = data
    self.numbers = numbers
  }

  func entry(_ name: String) -> Entry? { numbers[name].map { entries[$0] } }

  /// The unpacked bytes of an entry; without a copy if it is stored.
  ///
  /// - Throws: `CompileError` if they do not have the size and, where `isChecked`, the checksum that the directory says.
  func bytes(_ entry: Entry, isChecked: Bool = true) throws(CompileError) -> Data {
    let start = data.startIndex
    var result = data[start + entry.range.lowerBound..<start + entry.range.upperBound]
    if entry.isDeflated { result = try inflated(result, to: entry.byteCount, entry.name) }
    if isChecked && checksum(result) != entry.crc {
      throw CompileError("ZIP: '\(entry.name)' is damaged: its checksum does not match")
    }
    return result
  }

  /// The CRC-32 of `bytes`, of which only a part is in memory at any time if they are mapped.
  private func checksum(_ bytes: Data) -> UInt32 {
    bytes.withUnsafeBytes { raw in
      var crc: UInt = 0
      for start in stride(from: 0, to: raw.count, by: 1 << 24) {
        let part = UnsafeRawBufferPointer(rebasing: raw[start..<min(start + (1 << 24), raw.count)])
        crc = crc32_z(crc, part.bindMemory(to: UInt8.self).baseAddress, part.count)
        releasePages(part)
      }
      return UInt32(truncatingIfNeeded: crc)
    }
  }
}

/// Unpacks a deflate stream of exactly `byteCount` bytes.
private func inflated(
  _ packed: Data, to byteCount: Int, _ name: String
) throws(CompileError) -> Data {
  var stream = z_stream()
  // Negative: no zlib header around the stream.
  guard
    inflateInit2_(&stream, -MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
  else { throw CompileError("ZIP: no memory to unpack '\(name)'") }
  defer { inflateEnd(&stream) }
  // One byte more than promised, to notice a stream that goes on.
  var result = Data(count: byteCount + 1)
  let status = packed.withUnsafeBytes { source in
    result.withUnsafeMutableBytes { target in
      step(&stream, source, target)
    }
  }
  guard status == Z_STREAM_END, Int(stream.total_out) == byteCount else {
    throw CompileError(
      "ZIP: '\(name)' is damaged: it does not unpack to the \(byteCount) bytes that the directory says"
    )
  }
  result.removeLast()
  return result
}

/// Runs inflate until it ends, fails or `target` is full. zlib counts in 32 bits, hence pieces.
private func step(
  _ stream: inout z_stream, _ source: UnsafeRawBufferPointer,
  _ target: UnsafeMutableRawBufferPointer
) -> Int32 {
  let piece = 1 << 30
  stream.next_in = UnsafeMutablePointer(
    mutating: source.bindMemory(to: UInt8.self).baseAddress)
  stream.next_out = target.bindMemory(to: UInt8.self).baseAddress
  var status = Z_OK
  while status == Z_OK {
    let read = Int(stream.total_in)
    let written = Int(stream.total_out)
    stream.avail_in = UInt32(min(piece, source.count - read))
    stream.avail_out = UInt32(min(piece, target.count - written))
    status = inflate(&stream, Z_NO_FLUSH)
  }
  return status
}

// MARK: Directory

/// A central directory: where it starts and how many entries it has.
private struct Directory {
  var start: Int
  var byteCount: Int
  var entryCount: Int
  /// Where its end record starts.
  var end: Int
}

private func readEntries(_ file: UnsafeRawBufferPointer) throws(CompileError) -> [Zip.Entry] {
  let directory = try findDirectory(file)
  guard directory.byteCount <= directory.end,
    directory.start <= directory.end - directory.byteCount,
    directory.entryCount <= directory.byteCount / 46
  else { throw CompileError("ZIP: the directory lies outside the file") }
  // The directory ends where the end record starts; what is in front of the archive shifts all offsets.
  let start = directory.end - directory.byteCount
  var reader = ByteReader(file, at: start)
  var entries: [Zip.Entry] = []
  for _ in 0..<directory.entryCount {
    entries.append(try readEntry(&reader, file, base: start - directory.start, limit: start))
  }
  var inflated = 0
  var end = 0
  for entry in entries.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
    guard entry.range.lowerBound >= end else {
      throw CompileError("ZIP: '\(entry.name)' overlaps another entry")
    }
    end = entry.range.upperBound
    guard entry.isDeflated else { continue }
    inflated += entry.byteCount
    guard inflated <= Zip.maximumInflatedByteCount else {
      throw CompileError(
        "ZIP: unpacks to more than \(Zip.maximumInflatedByteCount) bytes")
    }
  }
  return entries
}

private func findDirectory(_ file: UnsafeRawBufferPointer) throws(CompileError) -> Directory {
  // The end record has 22 bytes and a comment of up to 65535 after it.
  let lowest = max(0, file.count - 22 - 0xFFFF)
  var end = file.count - 22
  while end >= lowest, !has(0x0605_4B50, file, end) { end -= 1 }
  guard end >= lowest else { throw CompileError("ZIP: no directory; the file may be cut short") }
  var reader = ByteReader(file, at: end + 4)
  let disks = [try reader.read(UInt16.self), try reader.read(UInt16.self)]
  _ = try reader.take(2)
  var directory = Directory(start: 0, byteCount: 0, entryCount: 0, end: end)
  directory.entryCount = try reader.readCount(UInt16.self)
  directory.byteCount = try reader.readCount(UInt32.self)
  directory.start = try reader.readCount(UInt32.self)
  if end >= 20, has(0x0706_4B50, file, end - 20) {
    reader = ByteReader(file, at: end - 20 + 8)
    let at = try reader.readCount(UInt64.self)
    guard at <= end, has(0x0606_4B50, file, at) else {
      throw CompileError("ZIP: the ZIP64 end record is missing")
    }
    reader = ByteReader(file, at: at + 32)
    directory.entryCount = try reader.readCount(UInt64.self)
    directory.byteCount = try reader.readCount(UInt64.self)
    directory.start = try reader.readCount(UInt64.self)
    directory.end = at
  } else if disks != [0, 0] {
    throw CompileError("ZIP: archives in several parts are not supported")
  }
  return directory
}

private func has(_ signature: UInt32, _ file: UnsafeRawBufferPointer, _ position: Int) -> Bool {
  var reader = ByteReader(file, at: position)
  return (try? reader.read(UInt32.self)) == signature
}

/// Reads one entry of the directory, whose offset counts from `base`; its bytes must lie before `limit`.
private func readEntry(
  _ reader: inout ByteReader, _ file: UnsafeRawBufferPointer, base: Int, limit: Int
) throws(CompileError) -> Zip.Entry {
  guard try reader.read(UInt32.self) == 0x0201_4B50 else {
    throw CompileError("ZIP: the directory is damaged at byte \(reader.position)")
  }
  _ = try reader.take(4)
  let flags = try reader.read(UInt16.self)
  let method = try reader.read(UInt16.self)
  _ = try reader.take(4)
  let crc = try reader.read(UInt32.self)
  var packed = try reader.readCount(UInt32.self)
  var unpacked = try reader.readCount(UInt32.self)
  let nameLength = try reader.readCount(UInt16.self)
  let extraLength = try reader.readCount(UInt16.self)
  let commentLength = try reader.readCount(UInt16.self)
  _ = try reader.take(8)
  var local = try reader.readCount(UInt32.self)
  let name = String(decoding: try reader.take(nameLength), as: UTF8.self)
  try readZip64(try reader.take(extraLength), &unpacked, &packed, &local)
  _ = try reader.take(commentLength)

  func fail(_ what: String) -> CompileError { CompileError("ZIP: '\(name)' \(what)") }
  guard flags & 1 == 0 else { throw fail("is encrypted") }
  guard method == 0 || method == 8 else {
    throw fail("is packed by method \(method), expected 0 (stored) or 8 (deflated)")
  }
  guard local < limit - base, has(0x0403_4B50, file, base + local) else {
    throw fail("has no local header")
  }
  // Name and extra field are stored again in front of the bytes, with lengths of their own.
  var header = ByteReader(file, at: base + local + 26)
  let skipped = try header.readCount(UInt16.self) + header.readCount(UInt16.self)
  _ = try header.take(skipped)
  guard header.position <= limit, packed <= limit - header.position else {
    throw fail("leaves the file: \(packed) bytes at byte \(header.position)")
  }
  guard method == 8 || packed == unpacked else { throw fail("has two sizes") }
  // One bit of a deflate stream stands for at most 258 bytes in a match of two bits: a factor of 1032.
  guard method == 0 || unpacked / 1032 <= packed else {
    throw fail("claims to unpack \(packed) bytes to \(unpacked), which deflate cannot")
  }
  return Zip.Entry(
    name: name, isDeflated: method == 8, crc: crc, byteCount: unpacked,
    range: header.position..<header.position + packed)
}

/// Replaces sizes and offset that are all ones by those of the ZIP64 extra field.
private func readZip64(
  _ extra: UnsafeRawBufferPointer, _ unpacked: inout Int, _ packed: inout Int, _ local: inout Int
) throws(CompileError) {
  var reader = ByteReader(extra)
  while reader.remaining >= 4 {
    let id = try reader.read(UInt16.self)
    var field = ByteReader(try reader.take(try reader.readCount(UInt16.self)))
    guard id == 1 else { continue }
    if unpacked == 0xFFFF_FFFF { unpacked = try field.readCount(UInt64.self) }
    if packed == 0xFFFF_FFFF { packed = try field.readCount(UInt64.self) }
    if local == 0xFFFF_FFFF { local = try field.readCount(UInt64.self) }
  }
}
