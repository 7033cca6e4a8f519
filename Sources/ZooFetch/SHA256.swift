// SHA-256 of files, to tell whether a download is what it should be.
import Foundation

/// The hash of FIPS 180-4, section 6.2.
package struct SHA256 {
  private var state: [UInt32] = [
    0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB,
    0x5BE0_CD19,
  ]
  private var rest: [UInt8] = []
  private var byteCount: UInt64 = 0

  package init() {}

  /// Appends bytes of the message.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    byteCount += UInt64(bytes.count)
    var bytes = bytes[...]
    if !rest.isEmpty {
      let part = bytes.prefix(64 - rest.count)
      rest += part
      bytes = bytes.dropFirst(part.count)
      guard rest.count == 64 else { return }
      let block = rest
      block.withUnsafeBytes { compress($0) }
      rest = []
    }
    while bytes.count >= 64 {
      compress(UnsafeRawBufferPointer(rebasing: bytes.prefix(64)))
      bytes = bytes.dropFirst(64)
    }
    rest = Array(bytes)
  }

  /// The hash as 64 hexadecimal digits.
  package consuming func finish() -> String {
    let bitCount = byteCount * 8
    var tail: [UInt8] = [0x80]
    while (rest.count + tail.count) % 64 != 56 { tail.append(0) }
    for shift in stride(from: 56, through: 0, by: -8) {
      tail.append(UInt8(truncatingIfNeeded: bitCount >> UInt64(shift)))
    }
    tail.withUnsafeBytes { update($0) }
    return state.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }.joined()
  }

  /// The hash of the file at `path`, read in pieces.
  ///
  /// - Throws: `FetchError` if it cannot be read.
  package static func hash(ofFile path: String) throws(FetchError) -> String {
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw FetchError("\(path): cannot read it again")
    }
    defer { try? file.close() }
    var hash = SHA256()
    do {
      while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty {
        piece.withUnsafeBytes { hash.update($0) }
      }
    } catch { throw FetchError("\(path): cannot read it again: \(error.localizedDescription)") }
    return hash.finish()
  }

  private mutating func compress(_ block: UnsafeRawBufferPointer) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { w in
      for t in 0..<16 {
        w[t] = UInt32(bigEndian: block.loadUnaligned(fromByteOffset: t * 4, as: UInt32.self))
      }
      for t in 16..<64 {
        let (a, b) = (w[t - 15], w[t - 2])
        w[t] =
          w[t - 16] &+ (turn(a, 7) ^ turn(a, 18) ^ a >> 3) &+ w[t - 7]
          &+ (turn(b, 17) ^ turn(b, 19) ^ b >> 10)
      }
      var (a, b, c, d) = (state[0], state[1], state[2], state[3])
      var (e, f, g, h) = (state[4], state[5], state[6], state[7])
      for t in 0..<64 {
        let first =
          h &+ (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) &+ (e & f ^ ~e & g) &+ constants[t] &+ w[t]
        let second = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) &+ (a & b ^ a & c ^ b & c)
        (h, g, f, e, d, c, b, a) = (g, f, e, d &+ first, c, b, a, first &+ second)
      }
      for (index, word) in [a, b, c, d, e, f, g, h].enumerated() { state[index] &+= word }
    }
  }
}

@inline(__always)
private func turn(_ word: UInt32, _ bits: UInt32) -> UInt32 { word >> bits | word << (32 - bits) }

/// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
private let constants: [UInt32] = {
  var primes: [Int] = []
  var candidate = 2
  while primes.count < 64 {
    if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
    candidate += 1
  }
  return primes.map { prime in
    // Newton's method on x^3 = prime 2^96 in whole numbers: x = 2^32 times the root, rounded down.
    var low: UInt64 = 0
    var high: UInt64 = 8 << 32
    while high - low > 1 {
      let middle = (low + high) / 2
      if cubeIsAtMost(middle, UInt64(prime)) { low = middle } else { high = middle }
    }
    return UInt32(truncatingIfNeeded: low)
  }
}()

/// Whether x^3 <= prime 2^96, for x below 2^35.
private func cubeIsAtMost(_ x: UInt64, _ prime: UInt64) -> Bool {
  let square = x.multipliedFullWidth(by: x)
  let low = square.low.multipliedFullWidth(by: x)
  let top = square.high * x + low.high
  // The right side has nothing below bit 96.
  return top < prime << 32 || top == prime << 32 && low.low == 0
}
