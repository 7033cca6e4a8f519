// Attributes of operators: one description that both reads and writes them.

/// Visits the attributes of an operator in their order in the file.
///
/// An operator lists its fields once, in `Operation.archive`; a reader fills them, a writer stores them, a
/// printer names them. Every field is one little-endian 32-bit word.
package protocol Archive {
  mutating func field(_ name: StaticString, _ value: inout Int32)
  mutating func field(_ name: StaticString, _ value: inout Float)
  /// Notes that a field holds a value outside its type.
  mutating func fail()
}

extension Archive {
  /// A field that is one of a closed list of values.
  package mutating func field<E: RawRepresentable<Int32>>(_ name: StaticString, _ value: inout E) {
    var raw = value.rawValue
    field(name, &raw)
    if let valid = E(rawValue: raw) { value = valid } else { fail() }
  }

  /// A yes or no, stored as 1 or 0.
  package mutating func field(_ name: StaticString, _ value: inout Bool) {
    var raw: Int32 = value ? 1 : 0
    field(name, &raw)
    if raw == 0 || raw == 1 { value = raw == 1 } else { fail() }
  }
}

/// Reads attributes from a model.
///
/// Words that are missing at the end keep their defaults, so that files from before a field was added still
/// read as they did.
package struct AttributeReader: Archive {
  private let words: UnsafeRawPointer?
  private let wordCount: Int
  private var position = 0
  package private(set) var isValid = true

  package init(_ words: UnsafeRawPointer?, byteCount: Int) {
    self.words = words
    wordCount = words == nil ? 0 : byteCount / 4
  }

  private mutating func next() -> UInt32? {
    guard let words, position < wordCount else { return nil }
    defer { position &+= 1 }
    return UInt32(littleEndian: words.loadUnaligned(fromByteOffset: position &* 4, as: UInt32.self))
  }

  package mutating func field(_ name: StaticString, _ value: inout Int32) {
    if let word = next() { value = Int32(bitPattern: word) }
  }

  package mutating func field(_ name: StaticString, _ value: inout Float) {
    if let word = next() { value = Float(bitPattern: word) }
  }

  package mutating func fail() { isValid = false }
}
