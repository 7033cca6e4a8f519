// Offsets for buffers with lifetimes, so that those alive together never overlap.
import Zoo

/// Offsets in one block, and how good they are.
package struct Packing: Sendable {
  package var offsets: [Int]
  package var byteCount: Int
}

/// The most bytes alive at one step: no packing can be smaller.
package func lowerBound(_ buffers: [Buffer]) -> Int {
  let steps = Set(buffers.map(\.first))
  return steps.map { step in
    buffers.reduce(0) { $0 + ($1.first <= step && step <= $1.last ? $1.byteCount : 0) }
  }.max() ?? 0
}

/// Packs buffers into one block.
///
/// Each buffer, in some order, goes to the lowest gap it fits between the buffers placed before it whose lifetimes
/// touch its own. Orders tried: by size, by size times duration, by duration, by birth; then random exchanges
/// of the best order, seeded, until the lower bound is met or the budget is spent.
/// Source: Pisarchyk and Lee, "Efficient memory management for deep neural net inference", arXiv:2001.03288 (greedy by
/// size); the exchanges are ordinary local search.
package func pack(_ buffers: [Buffer], searchBudget: Int = 2000) -> Packing {
  let bound = lowerBound(buffers)
  func duration(_ index: Int) -> Int { buffers[index].last - buffers[index].first + 1 }
  let indices = Array(buffers.indices)
  func order(_ key: (Int) -> (Int, Int)) -> [Int] {
    indices.sorted { a, b in
      let (x, y) = (key(a), key(b))
      return x != y ? x > y : a < b
    }
  }
  let orders = [
    order { (buffers[$0].byteCount, duration($0)) },
    order { (buffers[$0].byteCount * duration($0), 0) },
    order { (duration($0), buffers[$0].byteCount) },
    order { (-buffers[$0].first, buffers[$0].byteCount) },
  ]
  var best = Packing(offsets: [], byteCount: Int.max)
  var bestOrder = indices
  for order in orders {
    let packing = place(buffers, order)
    if packing.byteCount < best.byteCount {
      best = packing
      bestOrder = order
    }
  }
  var generator = SplitMix64(state: 1)
  var tries = 0
  while best.byteCount > padded(bound) && tries < searchBudget && buffers.count > 2 {
    tries += 1
    var order = bestOrder
    for _ in 0...Int(generator.next() % 3) {
      order.swapAt(
        Int(generator.next() % UInt64(order.count)), Int(generator.next() % UInt64(order.count)))
    }
    let packing = place(buffers, order)
    if packing.byteCount <= best.byteCount {
      best = packing
      bestOrder = order
    }
  }
  return best
}

/// Large buffers start at cache lines, small ones at 16 bytes.
private func alignment(_ byteCount: Int) -> Int {
  byteCount >= 4096 ? ModelFormat.alignment : ModelFormat.minimumAlignment
}

private func padded(_ byteCount: Int) -> Int { (byteCount + 15) / 16 * 16 }

private func place(_ buffers: [Buffer], _ order: [Int]) -> Packing {
  var offsets = [Int](repeating: 0, count: buffers.count)
  var placed: [Int] = []  // sorted by offset
  var end = 0
  for index in order {
    let buffer = buffers[index]
    let step = alignment(buffer.byteCount)
    var candidate = 0
    var bestOffset: Int?
    var bestGap = Int.max
    for other in placed {
      let neighbour = buffers[other]
      guard neighbour.first <= buffer.last && buffer.first <= neighbour.last else { continue }
      let gap = offsets[other] - candidate
      if gap >= buffer.byteCount && gap < bestGap {
        bestGap = gap
        bestOffset = candidate
      }
      let after = offsets[other] + neighbour.byteCount
      candidate = max(candidate, (after + step - 1) / step * step)
    }
    let offset = bestOffset ?? candidate
    offsets[index] = offset
    let position = placed.firstIndex { offsets[$0] > offset } ?? placed.count
    placed.insert(index, at: position)
    end = max(end, offset + buffer.byteCount)
  }
  return Packing(offsets: offsets, byteCount: padded(end))
}

/// SplitMix64: a small seeded generator, the same on every machine.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
package struct SplitMix64: RandomNumberGenerator {
  package var state: UInt64

  package init(state: UInt64) { self.state = state }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
