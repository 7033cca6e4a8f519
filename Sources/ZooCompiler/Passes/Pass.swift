// The passes, in the order they run.

/// One rewriting of a graph. Passes keep the meaning: outputs change by rounding at most.
package protocol Pass {
  static var name: String { get }
  /// Rewrites `graph`; returns whether anything changed.
  static func run(_ graph: inout Graph) throws(CompileError) -> Bool
}

/// Runs all passes until nothing changes, verifying the graph after each.
package func optimize(_ graph: inout Graph) throws(CompileError) {
  let passes: [any Pass.Type] = [
    FreezeTraining.self, FoldConstants.self, MoveTransposes.self, RemoveIdentities.self,
    FoldBatchNorm.self,
    FoldPadding.self, FuseAddend.self, FuseActivation.self, RemoveDeadCode.self,
  ]
  try graph.sortNodes()
  try graph.verify(after: "import")
  // Each pass only removes nodes or moves them towards an end, so this ends; the bound is a guard.
  for _ in 0..<100 {
    var changed = false
    for pass in passes where try pass.run(&graph) {
      try graph.sortNodes()
      try graph.verify(after: pass.name)
      changed = true
    }
    if !changed { return }
  }
  throw CompileError("passes do not settle; this is a defect of the compiler")
}
