// Integer conversions that neither trap nor allocate.
//
// On 32-bit targets the checked conversions between Int and UInt64 go through collections of words, which need the
// heap; the core therefore converts with `truncatingIfNeeded` after a range check, and with these.

extension Int {
  /// `value`, or `Int.max` where it does not fit.
  package init(capped value: UInt64) {
    let largest = UInt64(truncatingIfNeeded: Int.max)
    self = value > largest ? .max : Int(truncatingIfNeeded: value)
  }

  /// `value`, or `Int.max` where it does not fit.
  package init(capped value: UInt32) { self.init(capped: UInt64(truncatingIfNeeded: value)) }
}
