// The core's own exp, tanh and logarithm against the C library in Double.
import Foundation
import Testing
import Zoo

struct NumericsTests {
  /// Every 4099th float of a range, so that all exponents and many fractions are met.
  private func sample(_ range: ClosedRange<Float>, _ body: (Float) -> Void) {
    var bits: UInt32 = 0
    while bits < 0x7F80_0000 {
      let value = Float(bitPattern: bits)
      if range.contains(value) { body(value) }
      if range.contains(-value) { body(-value) }
      bits += 4099
    }
  }

  @Test func exponentialIsWithinItsBound() {
    var worst = 0.0
    sample(-87...88) { x in
      let want = Foundation.exp(Double(x))
      let ulp = Double(Float(want).ulp)
      worst = max(worst, abs(Double(exponential(x)) - want) / ulp)
    }
    #expect(worst <= 1.5, "worst \(worst) ulp")
    #expect(exponential(-.infinity) == 0 && exponential(.infinity) == .infinity)
    #expect(exponential(.nan).isNaN && exponential(0) == 1)
  }

  @Test func tangentAndSigmoidAreWithinTheirBounds() {
    var tanhWorst = 0.0
    var sigmoidWorst = 0.0
    sample(-30...30) { x in
      let tanh = Foundation.tanh(Double(x))
      if tanh != 0 {
        tanhWorst = max(tanhWorst, abs(Double(hyperbolicTangent(x)) - tanh) / abs(tanh))
      }
      sigmoidWorst = max(
        sigmoidWorst, abs(Double(sigmoid(x)) - 1 / (1 + Foundation.exp(-Double(x)))))
    }
    #expect(tanhWorst <= 5e-7, "tanh \(tanhWorst)")
    #expect(sigmoidWorst <= 1e-7, "sigmoid \(sigmoidWorst)")
    #expect(hyperbolicTangent(.infinity) == 1 && hyperbolicTangent(-.infinity) == -1)
  }

  @Test func logarithmIsWithinItsBound() {
    var worst = 0.0
    sample(1e-37...1e38) { x in
      let want = Foundation.log(Double(x))
      worst = max(worst, abs(Double(logarithm(x)) - want) / max(abs(want), 1))
    }
    #expect(worst <= 5e-7, "worst \(worst)")
    #expect(logarithm(-1).isNaN && logarithm(0) == -.infinity)
  }

  @Test func checksumMatchesThePublishedVectors() {
    // XXH32 of nothing and of "Nobody inspects the spammish repetition", seed 0.
    #expect(checksum([0], count: 0) == 0x02CC_5D05)
    let text = Array("Nobody inspects the spammish repetition".utf8)
    #expect(checksum(text, count: text.count) == 0xE229_3B2F)
  }

  /// Against the definition, and what must change it.
  @Test func laneSumsAreThoseOfTheFormat() {
    for count in [0, 1, 63, 64, 200, 1000] {
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* $0 &+ 3) }
      var sums = [UInt32](repeating: 0, count: 32)
      for word in 0..<(count + 63) / 64 * 16 {
        let value = (0..<4).reduce(UInt32(0)) {
          $0 | (4 * word + $1 < count ? UInt32(bytes[4 * word + $1]) << (8 * $1) : 0)
        }
        sums[word % 16] &+= value
        sums[16 + word % 16] &+= sums[word % 16]
      }
      #expect(
        sum(bytes)
          == sums.withUnsafeBytes { raw in raw.baseAddress.map { checksum($0, count: raw.count) } })
      for index in bytes.indices {
        var changed = bytes
        changed[index] ^= 0x40
        #expect(sum(changed) != sum(bytes))
        guard index >= 64, bytes[index] != bytes[index - 64] else { continue }
        changed = bytes
        changed.swapAt(index, index - 64)  // the same lane
        #expect(sum(changed) != sum(bytes))
      }
    }
  }

  private func sum(_ bytes: [UInt8]) -> UInt32 { laneChecksum(bytes, count: bytes.count) }
}
