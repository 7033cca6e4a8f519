// The memory plan of a graph: places of all values in one arena.
import Zoo

/// Where every value lives, and how the arena compares with what is unavoidable.
package struct MemoryPlan {
  package let placement: Placement
  package let packing: Packing
  /// Most bytes alive at one step.
  package let lowerBound: Int

  package var byteCount: Int { packing.byteCount }

  /// Plans with and without concatenations in place, and keeps the smaller.
  package init(_ graph: Graph) {
    let candidates = [true, false].map { aliases in
      let placement = Placement(graph, aliasesConcatenations: aliases)
      return (placement, pack(placement.buffers))
    }
    let best = candidates[1].1.byteCount < candidates[0].1.byteCount ? candidates[1] : candidates[0]
    placement = best.0
    packing = best.1
    lowerBound = ZooCompiler.lowerBound(best.0.buffers)
  }

  /// Byte offset in the arena of a value.
  package func offset(_ id: ValueID) -> Int? {
    placement.places[id].map { packing.offsets[$0.buffer] + $0.byteOffset }
  }
}
