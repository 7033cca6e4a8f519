// Growing byte tables: integers, strings, attributes.
import Zoo

/// Little-endian bytes.
struct ByteWriter {
  var bytes: [UInt8] = []

  mutating func append<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func put<T: FixedWidthInteger>(_ value: T, at offset: Int) {
    withUnsafeBytes(of: value.littleEndian) { raw in
      bytes.replaceSubrange(offset..<offset + raw.count, with: raw)
    }
  }

  mutating func zeros(_ count: Int) { bytes.append(contentsOf: repeatElement(0, count: count)) }

  mutating func align(_ alignment: Int) {
    while bytes.count % alignment != 0 { bytes.append(0) }
  }
}

/// Zero-terminated UTF-8 strings, each stored once; offset 0 is "".
struct StringTable {
  private(set) var bytes: [UInt8] = [0]
  private var offsets: [String: Int] = ["": 0]

  mutating func add(_ text: String) -> Int {
    // A zero byte inside would end the string early.
    let clean = text.replacing("\0", with: " ")
    if let known = offsets[clean] { return known }
    let offset = bytes.count
    bytes += Array(clean.utf8) + [0]
    offsets[clean] = offset
    return offset
  }
}

/// Stores attributes as the words `AttributeReader` reads.
package struct AttributeWriter: Archive {
  package var bytes: [UInt8] = []

  package init() {}

  package mutating func field(_ name: StaticString, _ value: inout Int32) {
    put(UInt32(bitPattern: value))
  }
  package mutating func field(_ name: StaticString, _ value: inout Float) { put(value.bitPattern) }
  package mutating func fail() {}

  private mutating func put(_ word: UInt32) {
    withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
  }
}

/// Lists attributes as names and values, for people.
package struct AttributePrinter: Archive {
  package private(set) var fields: [(name: String, value: String)] = []

  package init() {}

  package mutating func field(_ name: StaticString, _ value: inout Int32) {
    fields.append(("\(name)", String(value)))
  }
  package mutating func field(_ name: StaticString, _ value: inout Float) {
    fields.append(("\(name)", String(value)))
  }
  package mutating func fail() {}
}
