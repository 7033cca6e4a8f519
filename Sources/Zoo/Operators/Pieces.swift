// Into how many pieces work is cut, and which piece is which part of a product.

extension Runtime {
  /// Pieces for `work`, of which `least` is just worth a hand-over (2 to 5 us): one if it is less; else as many for every thread, which
  /// owns neighbouring ones: up to eight, so that a thread that is disturbed leaves some to the others, but none of less than
  /// `grain`, or `most` in all.
  @inline(never)
  func pieces(for work: Float, worth least: Float, grain: Float, most: Int) -> Int {
    guard threadCount > 1, work >= least else { return 1 }
    let each = min(8, work / (grain * Float(threadCount)))
    return min(most, threadCount * max(1, Int(each)))
  }

  /// The same for what is counted in whole numbers, with pieces of four times `least`.
  func pieces(for work: Int, worth least: Int, most: Int) -> Int {
    pieces(for: Float(work), worth: Float(least), grain: Float(4 * least), most: most)
  }
}

/// Pieces of `parts` parts, which belong to threads, times `steps` steps, which each thread goes through one after the other with
/// all its parts: so what a step needs stays in the thread's cache.
package struct SteppedPieces {
  /// Threads that own parts: `parts` is a multiple.
  package let owners: Int
  package let parts: Int
  package let steps: Int

  package init(owners: Int, partsEach: Int, steps: Int) {
    self.owners = owners
    parts = owners * partsEach
    self.steps = steps
  }

  package var count: Int { parts * steps }

  package func place(_ index: Int) -> (part: Int, step: Int) {
    let each = parts / owners
    let own = index % (each * steps)
    return (index / (each * steps) * each + own % each, own / each)
  }

  /// Part `index` of 0..<`total`. The share of an owner is cut into parts of which the first is the largest: others take the last ones of an owner
  /// that is not done, and then there is little left to wait for.
  package func part(_ index: Int, _ total: Int) -> Range<Int> {
    guard owners > 1 else { return piece(index, of: parts, total) }
    let each = parts / owners
    let share = piece(index / each, of: owners, total)
    // As each, each - 1, ... 1: those before part k have the sum of k of these numbers.
    let start = { (k: Int) in
      share.lowerBound + share.count * (k * (2 * each + 1 - k)) / (each * (each + 1))
    }
    return start(index % each)..<start(index % each + 1)
  }
}

/// Part `index` of `count` parts of 0..<`total`, as equal as can be.
package func piece(_ index: Int, of count: Int, _ total: Int) -> Range<Int> {
  let size = total / count
  let rest = total % count
  let start = index * size + min(index, rest)
  return start..<start + size + (index < rest ? 1 : 0)
}
