// XXH32 of bytes that come in pieces; `checksum` of the runtime is the same of bytes in one place.

/// XXH32 with seed 0. Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
package struct StreamChecksum {
  private static let primes: [UInt32] = [
    0x9E37_79B1, 0x85EB_CA77, 0xC2B2_AE3D, 0x27D4_EB2F, 0x1656_67B1,
  ]
  private var lanes: (UInt32, UInt32, UInt32, UInt32)
  private var rest: [UInt8] = []
  private var byteCount = 0

  package init() {
    let primes = StreamChecksum.primes
    lanes = (primes[0] &+ primes[1], primes[1], 0, 0 &- primes[0])
  }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    byteCount += bytes.count
    var start = 0
    if !rest.isEmpty {
      start = min(16 - rest.count, bytes.count)
      rest += bytes[..<start]
      guard rest.count == 16 else { return }
      let block = rest
      block.withUnsafeBytes { add($0, 0..<16) }
      rest = []
    }
    let end = start + (bytes.count - start) / 16 * 16
    add(bytes, start..<end)
    rest = Array(bytes[end...])
  }

  package consuming func finish() -> UInt32 {
    let primes = StreamChecksum.primes
    var hash =
      byteCount < 16
      ? primes[4]
      : turned(lanes.0, 1) &+ turned(lanes.1, 7) &+ turned(lanes.2, 12) &+ turned(lanes.3, 18)
    hash = hash &+ UInt32(truncatingIfNeeded: byteCount)
    var tail = rest[...]
    while tail.count >= 4 {
      let word = tail.prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      hash = turned(hash &+ word &* primes[2], 17) &* primes[3]
      tail = tail.dropFirst(4)
    }
    for byte in tail { hash = turned(hash &+ UInt32(byte) &* primes[4], 11) &* primes[0] }
    hash = (hash ^ hash >> 15) &* primes[1]
    hash = (hash ^ hash >> 13) &* primes[2]
    return hash ^ hash >> 16
  }

  private mutating func add(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
    let (first, second) = (StreamChecksum.primes[0], StreamChecksum.primes[1])
    var (a, b, c, d) = lanes
    func round(_ lane: UInt32, _ offset: Int) -> UInt32 {
      let word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      return turned(lane &+ word &* second, 13) &* first
    }
    for offset in stride(from: range.lowerBound, to: range.upperBound, by: 16) {
      a = round(a, offset)
      b = round(b, offset + 4)
      c = round(c, offset + 8)
      d = round(d, offset + 12)
    }
    lanes = (a, b, c, d)
  }
}

@inline(__always)
private func turned(_ word: UInt32, _ bits: UInt32) -> UInt32 { word << bits | word >> (32 - bits) }
