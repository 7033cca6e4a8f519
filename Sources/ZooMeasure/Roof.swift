// Which limit of the machine a piece of work runs into, and how close it comes.

/// The roof over a piece of work: computing or memory, whichever takes longer at best.
///
/// Source: Williams, Waterman, Patterson, "Roofline: an insightful visual performance model", CACM 52 (2009).
package struct Roof: Sendable {
  package enum Limit: String, Sendable, Encodable {
    case compute
    case memory
  }

  package let limit: Limit
  /// The least time that the machine needs for the work, in seconds.
  package let seconds: Double

  /// - Parameters:
  ///   - operations: 2 for each multiply-add.
  ///   - byteCount: bytes read and written.
  package init(
    operations: Double, arithmetic: Arithmetic, byteCount: Int, _ machine: Machine
  ) {
    let computing = operations > 0 ? operations / machine.peak(arithmetic) : 0
    let moving = Double(byteCount) / machine.bandwidth(byteCount: byteCount)
    limit = computing > moving ? .compute : .memory
    seconds = max(computing, moving)
  }
}
