// The memory plan of a graph: places of all values in one arena.
import Zoo

/// Where every value lives, and how the arena compares with what is unavoidable.
package struct MemoryPlan {
  package let placement: Placement
  /// Chains of nodes that run band by band.
  package let bands: Bands
  package let packing: Packing
  /// Most bytes alive at one step.
  package let lowerBound: Int

  package var byteCount: Int { packing.byteCount }

  /// Threads that a chain may have room for.
  private static let mostWorkers = 4

  /// Plans with the chains that `policy` asks for; those that do not pay are left out.
  package init(_ graph: Graph, bands policy: BandPolicy = .cache) {
    let plain = MemoryPlan(graph, Bands(graph))
    let choice = BandChoice(graph)
    switch policy {
    case .off: self = plain
    case .cache:
      let banded = MemoryPlan.forCache(graph, choice, plain)
      self = (plain.byteCount < banded.byteCount ? plain : banded).halvingPoolings(graph, choice)
    case .memory:
      let smallest = MemoryPlan(graph, Bands(graph, choice.smallest()))
      let cached = MemoryPlan(graph, Bands(graph, choice.forCache(workers: 1)))
      self = [smallest, cached, plain].min { $0.byteCount < $1.byteCount } ?? plain
    }
  }

  /// Chains for the cache, with room for several threads and for more rows while the arena stays below two fifths of what it would be
  /// without bands, or grows by less than a fortieth.
  private static func forCache(_ graph: Graph, _ choice: BandChoice, _ plain: MemoryPlan)
    -> MemoryPlan
  {
    func plan(_ workers: Int, _ keptBytes: Int) -> MemoryPlan? {
      let groups = choice.forCache(workers: workers, keptBytes: keptBytes)
      return groups.isEmpty ? nil : MemoryPlan(graph, Bands(graph, groups))
    }
    guard let least = plan(1, BandChoice.keptBytes) else { return plain }
    let limit = max(plain.byteCount * 2 / 5, least.byteCount + least.byteCount / 40)
    for workers in (1...mostWorkers).reversed() {
      for keptBytes in [BandChoice.mostKeptBytes, BandChoice.keptBytes] {
        if let plan = plan(workers, keptBytes), plan.byteCount <= limit { return plan }
      }
    }
    return least
  }

  /// While the arena is fullest at a pooling and what it pools, runs these two in two bands.
  private func halvingPoolings(_ graph: Graph, _ choice: BandChoice) -> MemoryPlan {
    var best = self
    while let group = choice.halves(at: fullestStep(best.placement.buffers), best.bands) {
      let plan = MemoryPlan(graph, Bands(graph, best.bands.groups + [group]))
      guard plan.byteCount < best.byteCount else { break }
      best = plan
    }
    return best
  }

  private init(_ graph: Graph, _ bands: Bands) {
    let candidates = [true, false].map { aliases in
      let placement = Placement(graph, bands, aliasesConcatenations: aliases)
      return (placement, pack(placement.buffers))
    }
    let best = candidates[1].1.byteCount < candidates[0].1.byteCount ? candidates[1] : candidates[0]
    placement = best.0
    packing = best.1
    lowerBound = ZooCompiler.lowerBound(best.0.buffers)
    self.bands = bands
  }

  /// Byte offset in the arena of a value.
  package func offset(_ id: ValueID) -> Int? {
    placement.places[id].map { packing.offsets[$0.buffer] + $0.byteOffset }
  }
}
