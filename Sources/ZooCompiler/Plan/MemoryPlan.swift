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

  /// Plans with and without concatenations in place, and keeps the smaller.
  ///
  /// Chains of nodes in bands get room for several threads while the arena stays below two fifths of what it would be without
  /// bands, or grows by less than a fortieth. Bands that do not pay are left out.
  package init(_ graph: Graph, bands policy: BandPolicy = .cache) {
    var best = MemoryPlan(graph, Bands(graph, policy, workers: 1))
    if !best.bands.groups.isEmpty {
      let plain = MemoryPlan(graph, Bands(graph, .off, workers: 1))
      let limit = max(plain.byteCount * 2 / 5, best.byteCount + best.byteCount / 40)
      for workers in (2...MemoryPlan.mostWorkers).reversed() {
        let plan = MemoryPlan(graph, Bands(graph, policy, workers: workers))
        guard plan.byteCount <= limit else { continue }
        best = plan
        break
      }
      if plain.byteCount < best.byteCount { best = plain }
    }
    self = best
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
