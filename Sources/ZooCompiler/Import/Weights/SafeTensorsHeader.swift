// The header of a safetensors file: a JSON object of a fixed form.

/// Reads `{"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {"key": "text"}}`.
///
/// A parser of its own, because general ones drop duplicate names silently and guess at numbers. It knows no
/// more of JSON than the form above needs, so that nothing can nest.
struct SafeTensorsHeader {
  /// A tensor and its place in the data, in bytes from the end of the header.
  struct Entry {
    let name: String
    let type: TensorElement
    let shape: [Int]
    let begin: Int
    let end: Int
  }

  private(set) var entries: [Entry] = []
  private(set) var metadata: [String: String] = [:]
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  /// - Throws: `CompileError` with the byte of the header where the form is left.
  init(_ bytes: UnsafeRawBufferPointer) throws(CompileError) {
    self.bytes = bytes
    var names: Set<String> = []
    try readObject { header, name throws(CompileError) in
      guard names.insert(name).inserted else { throw CompileError("'\(name)' is there twice") }
      if name == "__metadata__" {
        try header.readMetadata()
      } else {
        try header.readEntry(name)
      }
    }
    while position < bytes.count, isSpace(bytes[position]) { position += 1 }
    guard position == bytes.count else { throw failure("something follows the header's object") }
  }

  private mutating func readMetadata() throws(CompileError) {
    try readObject { header, key throws(CompileError) in
      let value = try header.readString()
      guard header.metadata.updateValue(value, forKey: key) == nil else {
        throw CompileError("metadata '\(key)' is there twice")
      }
    }
  }

  private mutating func readEntry(_ name: String) throws(CompileError) {
    var type: String?
    var shape: [Int]?
    var offsets: [Int]?
    try readObject { header, field throws(CompileError) in
      switch field {
      case "dtype" where type == nil: type = try header.readString()
      case "shape" where shape == nil: shape = try header.readIntegers()
      case "data_offsets" where offsets == nil: offsets = try header.readIntegers()
      case "dtype", "shape", "data_offsets":
        throw CompileError("tensor '\(name)': '\(field)' is there twice")
      default: throw CompileError("tensor '\(name)': unknown field '\(field)'")
      }
    }
    guard let type, let shape, let offsets, offsets.count == 2 else {
      throw CompileError("tensor '\(name)' needs 'dtype', 'shape' and two 'data_offsets'")
    }
    guard let element = TensorElement(rawValue: type) else {
      let known = TensorElement.allCases.map(\.rawValue).joined(separator: ", ")
      throw CompileError("tensor '\(name)': dtype '\(type)' is not supported, expected \(known)")
    }
    entries.append(
      Entry(name: name, type: element, shape: shape, begin: offsets[0], end: offsets[1]))
  }

  // MARK: JSON

  private func failure(_ what: String) -> CompileError {
    CompileError("header, byte \(position): \(what)")
  }

  private func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  /// The next byte that is not white space, without taking it.
  private mutating func peek() throws(CompileError) -> UInt8 {
    while position < bytes.count, isSpace(bytes[position]) { position += 1 }
    guard position < bytes.count else { throw failure("cut short") }
    return bytes[position]
  }

  private mutating func take(_ byte: Unicode.Scalar) throws(CompileError) {
    let next = try peek()
    guard next == UInt8(ascii: byte) else {
      throw failure("expected '\(byte)', got '\(Unicode.Scalar(next))'")
    }
    position += 1
  }

  /// Members of an object: `member` reads the value that follows each key.
  private mutating func readObject(
    _ member: (inout SafeTensorsHeader, String) throws(CompileError) -> Void
  ) throws(CompileError) {
    try take("{")
    if try peek() != UInt8(ascii: "}") {
      while true {
        let key = try readString()
        try take(":")
        try member(&self, key)
        guard try peek() == UInt8(ascii: ",") else { break }
        position += 1
      }
    }
    try take("}")
  }

  private mutating func readIntegers() throws(CompileError) -> [Int] {
    var result: [Int] = []
    try take("[")
    if try peek() != UInt8(ascii: "]") {
      while true {
        result.append(try readInteger())
        guard try peek() == UInt8(ascii: ",") else { break }
        position += 1
      }
    }
    try take("]")
    return result
  }

  private mutating func readInteger() throws(CompileError) -> Int {
    guard try peek() != UInt8(ascii: "-") else { throw failure("a negative number") }
    let start = position
    var value = 0
    while position < bytes.count, case let digit = Int(bytes[position]) - 48, 0...9 ~= digit {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = tens.addingReportingOverflow(digit)
      guard !overflow, !carry else { throw failure("the number is too large") }
      value = sum
      position += 1
    }
    guard position > start else { throw failure("expected a number") }
    return value
  }

  private mutating func readString() throws(CompileError) -> String {
    try take("\"")
    var text: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let result = String(validating: text, as: UTF8.self) else {
          throw failure("a name is not UTF-8")
        }
        return result
      case UInt8(ascii: "\\"): text += try readEscape().utf8
      case 0..<0x20: throw failure("a control character in a name")
      default: text.append(byte)
      }
    }
    throw failure("cut short in a name")
  }

  /// What follows a backslash.
  private mutating func readEscape() throws(CompileError) -> String {
    guard position < bytes.count else { throw failure("cut short in a name") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
      return String(Unicode.Scalar(byte))
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      var units = [try readUnit()]
      if 0xD800..<0xDC00 ~= units[0], position + 1 < bytes.count,
        bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
      {
        position += 2
        units.append(try readUnit())
      }
      guard let text = String(validating: units, as: UTF16.self) else {
        throw failure("half a character in a name")
      }
      return text
    default: throw failure("unknown escape '\\\(Unicode.Scalar(byte))'")
    }
  }

  /// Four hexadecimal digits.
  private mutating func readUnit() throws(CompileError) -> UInt16 {
    guard position + 4 <= bytes.count,
      let text = String(validating: bytes[position..<position + 4], as: UTF8.self),
      text.allSatisfy(\.isHexDigit), let unit = UInt16(text, radix: 16)
    else { throw failure("expected four hexadecimal digits") }
    position += 4
    return unit
  }
}
