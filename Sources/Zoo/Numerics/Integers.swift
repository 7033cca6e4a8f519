// Integer conversions that neither trap nor allocate.

extension Int {
  /// `value`, or `Int.max` where it does not fit.
  ///
  /// The standard `Int(capped:)` goes through word collections on 32-bit targets, which need the heap.
  package init(capped value: UInt64) {
    self = value > UInt64(Int.max) ? .max : Int(truncatingIfNeeded: value)
  }

  /// `value`, or `Int.max` where it does not fit.
  package init(capped value: UInt32) { self.init(capped: UInt64(value)) }
}
