// A small model cut short at every byte and changed at every byte: an error, or a harmless session.
import CTinyModel
import CZoo
import Testing

/// A model in 64-byte aligned memory of exactly its size, so that a sanitizer sees any read past it.
private final class ModelBytes {
  let bytes: UnsafeMutableRawBufferPointer

  init(_ kind: tiny_kind) {
    let whole = UnsafeMutableRawBufferPointer.allocate(
      byteCount: Int(TINY_MODEL_CAPACITY), alignment: 64)
    defer { whole.deallocate() }
    let size = tiny_model_build(kind, whole.baseAddress?.assumingMemoryBound(to: UInt8.self))
    bytes = .allocate(byteCount: size, alignment: 64)
    bytes.copyBytes(from: whole.prefix(size))
  }

  init(prefix count: Int, of other: ModelBytes) {
    bytes = .allocate(byteCount: max(count, 1), alignment: 64)
    bytes.copyBytes(from: other.bytes.prefix(count))
  }

  deinit { bytes.deallocate() }

  /// Makes both checksums right again, so that the checks behind them are reached.
  func seal() {
    tiny_model_seal(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
  }
}

@Suite struct DamagedModelTests {
  static let kinds = (0..<TINY_KIND_COUNT.rawValue).map { tiny_kind(rawValue: $0) }
  /// Larger arenas are not tried: a damaged size may be anything.
  static let mostArenaBytes = 1 << 20

  /// Makes and runs a session; true if that worked. Guard bytes around the arena must survive.
  private func runs(_ model: UnsafeMutableRawBufferPointer) -> Bool {
    var size = 0
    guard zoo_session_arena_size(model.baseAddress, model.count, nil, &size, nil) == ZOO_OK,
      size <= Self.mostArenaBytes
    else { return false }
    let block = UnsafeMutableRawBufferPointer.allocate(byteCount: size + 128, alignment: 64)
    defer { block.deallocate() }
    block.initializeMemory(as: UInt8.self, repeating: 0xA5)
    var session: OpaquePointer?
    let arena = block.baseAddress.map { $0 + 64 }
    var options = zoo_options()
    options.struct_size = UInt32(MemoryLayout<zoo_options>.size)
    let status = zoo_session_init(
      model.baseAddress, model.count, arena, size, &options, &session, nil)
    if status == ZOO_OK {
      for index in 0..<zoo_input_count(session) {
        guard let input = zoo_input(session, index)?.pointee else { continue }
        UnsafeMutableRawBufferPointer(start: input.data, count: input.size)
          .initializeMemory(as: UInt8.self, repeating: 0x3C)
      }
      #expect(zoo_run(session, nil) == ZOO_OK)
      var top = [zoo_prediction](repeating: zoo_prediction(), count: 3)
      var count = 3
      _ = zoo_top(session, &top, &count, nil)
      _ = zoo_argmax(zoo_output(session, 0))
    } else {
      #expect(session == nil)
    }
    #expect(block.prefix(64).allSatisfy { $0 == 0xA5 })
    #expect(block.suffix(64).allSatisfy { $0 == 0xA5 })
    return status == ZOO_OK
  }

  @Test(arguments: kinds)
  func wholeModelsAreAccepted(kind: tiny_kind) {
    let model = ModelBytes(kind)
    #expect(zoo_model_check(model.bytes.baseAddress, model.bytes.count, nil) == ZOO_OK)
    #expect(runs(model.bytes) == (kind != TINY_CUSTOM))
  }

  @Test(arguments: kinds)
  func everyTruncationIsAnError(kind: tiny_kind) {
    let model = ModelBytes(kind)
    for count in 0..<model.bytes.count {
      let short = ModelBytes(prefix: count, of: model)
      #expect(zoo_model_check(short.bytes.baseAddress, count, nil) != ZOO_OK)
      short.seal()
      #expect(zoo_model_check(short.bytes.baseAddress, count, nil) != ZOO_OK)
    }
  }

  /// Bytes 10 and 11 are the minor version, which any reader accepts; a checksum covers all others.
  @Test(arguments: kinds)
  func everyChangedByteIsNoticed(kind: tiny_kind) {
    let model = ModelBytes(kind)
    for index in 0..<model.bytes.count {
      for mask in [0x01, 0x80, 0xFF] as [UInt8] {
        model.bytes[index] ^= mask
        let status = zoo_model_check(model.bytes.baseAddress, model.bytes.count, nil)
        #expect((status == ZOO_OK) == (index == 10 || index == 11), "byte \(index)")
        model.bytes[index] ^= mask
      }
    }
  }

  /// With the checksums made right, what is left is an error or a session that keeps to its memory.
  @Test(arguments: kinds)
  func everySealedChangeIsHarmless(kind: tiny_kind) {
    let original = ModelBytes(kind)
    for index in 0..<original.bytes.count {
      for mask in [0x01, 0x02, 0x10, 0x80, 0xFF] as [UInt8] {
        let model = ModelBytes(prefix: original.bytes.count, of: original)
        model.bytes[index] ^= mask
        model.seal()
        _ = runs(model.bytes)
      }
    }
  }
}
