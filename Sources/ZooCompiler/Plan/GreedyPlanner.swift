// Offsets for buffers with lifetimes, so that those alive together never overlap.
import Zoo

/// Offsets in one block, and how good they are.
package struct Packing: Sendable {
  package var offsets: [Int]
  package var byteCount: Int
}

/// The most bytes alive at one step: no packing can be smaller.
package func lowerBound(_ buffers: [Buffer]) -> Int { alive(buffers, fullestStep(buffers)) }

/// The first step with the most bytes alive.
func fullestStep(_ buffers: [Buffer]) -> Int {
  let steps = Set(buffers.map(\.first)).sorted()
  return steps.max { (alive(buffers, $0), $1) < (alive(buffers, $1), $0) } ?? 0
}

private func alive(_ buffers: [Buffer], _ step: Int) -> Int {
  func isAlive(_ buffer: Buffer) -> Bool { buffer.first <= step && step <= buffer.last }
  var bytes = 0
  for buffer in buffers where isAlive(buffer) {
    bytes += buffer.byteCount
    if let over = buffer.over, isAlive(buffers[over.buffer]) {
      bytes -= min(
        buffer.byteCount - min(buffer.byteCount, over.lead), buffers[over.buffer].byteCount)
    }
  }
  return bytes
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
  // Buffers begin at multiples of 16, which may cost as much as that.
  while best.byteCount >= bound + ModelFormat.minimumAlignment && tries < searchBudget
    && buffers.count > 2
  {
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

private func place(_ buffers: [Buffer], _ order: [Int]) -> Packing {
  var offsets = [Int](repeating: 0, count: buffers.count)
  var placed: [Int] = []
  var end = 0
  for index in order {
    let buffer = buffers[index]
    let step = alignment(buffer.byteCount)
    // Where the buffer cannot begin: from above `low` to below `high`.
    var taken: [(low: Int, high: Int)] = []
    for other in placed where buffers[other].isTogether(with: buffer) {
      taken.append(
        (
          offsets[other] - buffer.room(before: other),
          offsets[other] + buffers[other].room(before: index)
        ))
    }
    taken.sort { $0.low < $1.low }
    var candidate = 0
    var best: (offset: Int, slack: Int)?
    for (low, high) in taken {
      let slack = low - candidate
      if slack >= 0 && slack < best?.slack ?? Int.max { best = (candidate, slack) }
      candidate = max(candidate, (high + step - 1) / step * step)
    }
    offsets[index] = best?.offset ?? candidate
    placed.append(index)
    end = max(end, offsets[index] + buffer.byteCount)
  }
  return Packing(offsets: offsets, byteCount: end)
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
