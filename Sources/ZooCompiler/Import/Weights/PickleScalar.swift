// Numbers and texts in pickles.

extension ByteReader {
  /// The number, text or constant that `opcode` pushes; nil if it does something else.
  mutating func readPickleScalar(_ opcode: UInt8) throws(CompileError) -> PickleValue? {
    switch Unicode.Scalar(opcode) {
    case "N": return PickleValue.none
    case "\u{88}": return .bool(true)
    case "\u{89}": return .bool(false)
    case "J": return .integer(Int(try read(Int32.self)))
    case "K": return .integer(Int(try read(UInt8.self)))
    case "M": return .integer(Int(try read(UInt16.self)))
    case "\u{8A}": return integer(try take(try readCount(UInt8.self)))
    case "\u{8B}": return integer(try take(try readCount(Int32.self)))
    case "G": return .float(Double(bitPattern: try read(UInt64.self).byteSwapped))
    case "X": return try text(try readCount(UInt32.self))
    case "\u{8C}": return try text(try readCount(UInt8.self))
    case "\u{8D}": return try text(try readCount(UInt64.self))
    // Strings of Python 2 are bytes, but names in practice.
    case "U": return try text(try readCount(UInt8.self))
    case "T": return try text(try readCount(Int32.self))
    case "C": return .bytes(Array(try take(try readCount(UInt8.self))))
    case "B": return .bytes(Array(try take(try readCount(UInt32.self))))
    case "\u{8E}": return .bytes(Array(try take(try readCount(UInt64.self))))
    case "I", "L", "F", "V", "S": return try readPickleLine(opcode)
    default: return nil
    }
  }

  /// A decimal number that fills a line.
  mutating func readDecimal() throws(CompileError) -> Int {
    let line = String(decoding: try readLine(), as: UTF8.self)
    guard let number = Int(line) else { throw CompileError("'\(line)' is not a number") }
    return number
  }

  /// The forms of protocol 0, which are lines.
  private mutating func readPickleLine(_ opcode: UInt8) throws(CompileError) -> PickleValue {
    var line = String(decoding: try readLine(limit: 1 << 16), as: UTF8.self)
    switch Unicode.Scalar(opcode) {
    case "I" where line == "00" || line == "01": return .bool(line == "01")
    case "I", "L":
      if line.last == "L" { line.removeLast() }
      if let number = Int(line) { return .integer(number) }
    case "F":
      if let number = Double(line) { return .float(number) }
    case "V" where !line.contains("\\"): return .text(line)
    case "S" where !line.contains("\\") && line.count >= 2 && line.first == line.last:
      return .text(String(line.dropFirst().dropLast()))
    default: break
    }
    throw CompileError("'\(line.prefix(40))' is not understood; save with protocol 2")
  }

  private mutating func text(_ count: Int) throws(CompileError) -> PickleValue {
    guard let text = String(validating: try take(count), as: UTF8.self) else {
      throw CompileError("a text is not UTF-8")
    }
    return .text(text)
  }

  /// Two's complement of any length, little-endian.
  private func integer(_ bytes: UnsafeRawBufferPointer) -> PickleValue {
    guard bytes.count <= 8 else { return .longInteger(Array(bytes)) }
    var value = bytes.last.map { $0 >= 0x80 ? -1 : 0 } ?? 0
    for byte in bytes.reversed() { value = value << 8 | Int(byte) }
    return .integer(value)
  }
}
