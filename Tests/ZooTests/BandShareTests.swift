// Bands shared among threads: every one is made once, whoever is slow.
import Dispatch
import Foundation
import Synchronization
import Testing
import Zoo

struct BandShareTests {
  /// The bands that share `share` gets when it goes on until there are none.
  private func all(_ shares: BandShares, _ share: Int) -> [Int] {
    var result: [Int] = []
    while let band = shares.next(share, (result.last ?? -1) + 1) { result.append(band) }
    return result
  }

  @Test func oneThreadGoesThroughAll() {
    BandShares.run(100_000, 1) { #expect(all($0, 0) == Array(0..<100_000)) }
  }

  @Test func neighboursFirstThenLaterHalvesOfOthers() {
    BandShares.run(12, 3) { shares in
      #expect(shares.next(1, 0) == 4)
      // Of two that have four left, the first one's later half; then of the other one; and so on.
      #expect(all(shares, 0).prefix(4) == [0, 1, 2, 3])
      #expect(all(shares, 1).isEmpty && all(shares, 2).isEmpty)
    }
    BandShares.run(12, 2) { shares in
      #expect(all(shares, 1) == [6, 7, 8, 9, 10, 11, 3, 4, 5, 1, 2, 0])
      #expect(all(shares, 0).isEmpty)
    }
  }

  /// Some threads sleep in their bands, as if they had lost their CPU.
  @Test(arguments: [2, 3, 8], [8, 61, 1000])
  func everyBandIsMadeOnce(_ threads: Int, _ bands: Int) {
    let counts = (0..<bands).map { _ in Counter() }
    BandShares.run(bands, threads) { shares in
      let shared = Shared(shares)
      DispatchQueue.concurrentPerform(iterations: threads) { share in
        var following = 0
        while let band = shared.shares.next(share, following) {
          following = band + 1
          counts[band].value.add(1, ordering: .relaxed)
          if share == 0, band % 7 == 0 { usleep(200) }
        }
      }
    }
    #expect(counts.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
  }
}

private final class Counter: Sendable {
  let value = Atomic(0)
}

/// Shares handed to other threads, which is what they are for.
private final class Shared: @unchecked Sendable {
  let shares: BandShares

  init(_ shares: BandShares) { self.shares = shares }
}
