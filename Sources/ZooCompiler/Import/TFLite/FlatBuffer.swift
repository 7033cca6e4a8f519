// A bounds-checked reader of FlatBuffers: every offset of the file is met with suspicion.

/// The bytes of a FlatBuffer. Reads outside them throw.
///
/// Source: https://flatbuffers.dev/internals/ (tables with vtables, vectors and strings with a u32 count).
struct FlatBuffer {
  let bytes: [UInt8]

  func failure(_ position: Int) -> CompileError {
    CompileError("damaged: an offset leaves the file at byte \(position)")
  }

  func load<T: FixedWidthInteger>(_ type: T.Type, _ position: Int) throws(CompileError) -> T {
    let size = MemoryLayout<T>.size
    guard position >= 0, position <= bytes.count - size else { throw failure(position) }
    var value: T = 0
    for index in (0..<size).reversed() {
      value = value << 8 | T(truncatingIfNeeded: bytes[position + index])
    }
    return value
  }

  /// Where the offset stored at `position` leads.
  func follow(_ position: Int) throws(CompileError) -> Int {
    let target = position + Int(try load(UInt32.self, position))
    guard target < bytes.count else { throw failure(position) }
    return target
  }

  var root: Table {
    get throws(CompileError) { Table(buffer: self, position: try follow(0)) }
  }

  /// A table: fields by their number in the schema, absent ones have defaults.
  struct Table {
    let buffer: FlatBuffer
    let position: Int

    /// Where field `index` is stored, or nil if it is absent.
    func place(_ index: Int) throws(CompileError) -> Int? {
      let vtable = position - Int(try buffer.load(Int32.self, position))
      let size = Int(try buffer.load(UInt16.self, vtable))
      guard 4 + index * 2 + 2 <= size else { return nil }
      let offset = Int(try buffer.load(UInt16.self, vtable + 4 + index * 2))
      return offset == 0 ? nil : position + offset
    }

    func int<T: FixedWidthInteger>(
      _ index: Int, _ type: T.Type, _ fallback: Int = 0
    ) throws(CompileError) -> Int {
      guard let place = try place(index) else { return fallback }
      return Int(truncatingIfNeeded: try buffer.load(type, place))
    }

    func float(_ index: Int, _ fallback: Float = 0) throws(CompileError) -> Float {
      guard let place = try place(index) else { return fallback }
      return Float(bitPattern: try buffer.load(UInt32.self, place))
    }

    func bool(_ index: Int) throws(CompileError) -> Bool { try int(index, UInt8.self) != 0 }

    func table(_ index: Int) throws(CompileError) -> Table? {
      guard let place = try place(index) else { return nil }
      return Table(buffer: buffer, position: try buffer.follow(place))
    }

    /// Start and count of a vector of elements of `width` bytes.
    private func vector(_ index: Int, width: Int) throws(CompileError) -> (start: Int, count: Int) {
      guard let place = try place(index) else { return (0, 0) }
      let at = try buffer.follow(place)
      let count = Int(try buffer.load(UInt32.self, at))
      guard count <= (buffer.bytes.count - at - 4) / width else { throw buffer.failure(at) }
      return (at + 4, count)
    }

    func tables(_ index: Int) throws(CompileError) -> [Table] {
      let (start, count) = try vector(index, width: 4)
      var result: [Table] = []
      for element in 0..<count {
        result.append(Table(buffer: buffer, position: try buffer.follow(start + element * 4)))
      }
      return result
    }

    func ints<T: FixedWidthInteger>(_ index: Int, _ type: T.Type) throws(CompileError) -> [Int] {
      let width = MemoryLayout<T>.size
      let (start, count) = try vector(index, width: width)
      var result: [Int] = []
      for element in 0..<count {
        result.append(Int(truncatingIfNeeded: try buffer.load(type, start + element * width)))
      }
      return result
    }

    func floats(_ index: Int) throws(CompileError) -> [Float] {
      try ints(index, UInt32.self).map { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }
    }

    func bytes(_ index: Int) throws(CompileError) -> ArraySlice<UInt8> {
      let (start, count) = try vector(index, width: 1)
      return buffer.bytes[start..<start + count]
    }

    func string(_ index: Int) throws(CompileError) -> String {
      String(decoding: try bytes(index), as: UTF8.self)
    }
  }
}
