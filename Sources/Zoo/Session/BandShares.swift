// Which thread makes which bands of a chain.
import CZooKernels

/// Bands 0..<n shared among threads, each of which goes through neighbouring ones and then takes over half of what another has left: a
/// thread that lost its CPU holds up one band.
package struct BandShares {
  /// Threads beyond these are not worth the room.
  package static let most = 64

  let spans: UnsafeMutablePointer<UInt32>
  let bands: Int
  /// Threads, at most as many as there are bands.
  let count: Int

  /// Calls `body` with `bands` bands for `count` threads; fewer than `ZOO_SPAN_END` if these are several.
  package static func run(_ bands: Int, _ count: Int, _ body: (BandShares) -> Void) {
    var spans = InlineArray<64, UInt32>(repeating: 0)
    if count > 1 {
      for share in 0..<count {
        let own = piece(share, of: count, bands)
        spans[share] = zoo_span(UInt32(own.lowerBound), UInt32(own.upperBound))
      }
    }
    var span = spans.mutableSpan
    span.withUnsafeMutableBufferPointer { words in
      guard let words = words.baseAddress else { return }
      body(BandShares(spans: words, bands: bands, count: count))
    }
  }

  /// A band for share `share`, if possible `following`; nil when all bands are taken.
  package func next(_ share: Int, _ following: Int) -> Int? {
    guard count > 1 else { return following < bands ? following : nil }
    var band: UInt32 = 0
    while !zoo_span_take_first(spans + share, &band) {
      guard takeOver(share) else { return nil }
    }
    return Int(band)
  }

  /// Takes half of what the thread that has most left has, for share `share`, which has none; false if none has any.
  private func takeOver(_ share: Int) -> Bool {
    while true {
      var (richest, left): (Int, UInt32) = (share, 0)
      for other in 0..<count {
        let bands = zoo_span_count_for_others(spans + other)
        if bands > left { (richest, left) = (other, bands) }
      }
      guard left > 0 else { return false }
      var half: UInt32 = 0
      if zoo_span_take_half(spans + richest, &half) {
        zoo_span_fill(spans + share, half)
        return true
      }
    }
  }
}
