// A cursor over bytes that ends with an error, not with a trap.

/// Reads little-endian numbers and runs of bytes from front to back.
struct ByteReader {
  let bytes: UnsafeRawBufferPointer
  private(set) var position: Int

  /// - Precondition: 0 <= position.
  init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0) {
    self.bytes = bytes
    self.position = Swift.min(position, bytes.count)
  }

  var remaining: Int { bytes.count - position }

  /// The next `count` bytes.
  mutating func take(_ count: Int) throws(CompileError) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= remaining else {
      throw CompileError("cut short: \(count) bytes wanted at byte \(position) of \(bytes.count)")
    }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  mutating func read<T: FixedWidthInteger>(_ type: T.Type) throws(CompileError) -> T {
    T(littleEndian: try take(MemoryLayout<T>.size).loadUnaligned(as: T.self))
  }

  /// A length stored as `type`, which may exceed the address space.
  mutating func readCount<T: FixedWidthInteger>(_ type: T.Type) throws(CompileError) -> Int {
    Int(clamping: try read(type))
  }

  /// The bytes up to the next line feed, which is taken too.
  mutating func readLine(limit: Int = 4096) throws(CompileError) -> UnsafeRawBufferPointer {
    let rest = UnsafeRawBufferPointer(rebasing: bytes[position...].prefix(limit))
    guard let length = rest.firstIndex(of: UInt8(ascii: "\n")) else {
      throw CompileError("a line at byte \(position) does not end within \(limit) bytes")
    }
    position += length + 1
    return UnsafeRawBufferPointer(rebasing: rest[..<length])
  }
}
