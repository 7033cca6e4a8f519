// Integer conversions that neither trap nor allocate.
//
// On 32-bit targets everything that widens to 64 bits (UInt64(x), also with truncatingIfNeeded), compares integers of
// different widths, or uses the smart shifts << and >> on them, goes through collections of words, which need the heap; so
// does Float(x) for an Int32. The core therefore narrows 64-bit fields as it reads them and computes in Int,
// with overflow checks where numbers are not yet trusted. tools/check-embedded holds it to that.

extension Int {
  /// `value`, or `Int.max` where it does not fit.
  package init(capped value: UInt64) {
    let narrow = Int(truncatingIfNeeded: value)
    let high = UInt32(truncatingIfNeeded: value &>> 32)
    self = narrow < 0 || (Int.bitWidth == 32 && high != 0) ? .max : narrow
  }

  /// `value`, or `Int.max` where it does not fit.
  package init(capped value: UInt32) {
    let narrow = Int(truncatingIfNeeded: value)
    self = narrow < 0 ? .max : narrow
  }

  /// The product, or nil where it overflows.
  func times(_ other: Int) -> Int? {
    let (product, overflow) = multipliedReportingOverflow(by: other)
    return overflow ? nil : product
  }
}

extension UnsafeRawPointer {
  /// A little-endian integer at any byte offset.
  func loadLE<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at offset: Int) -> T {
    T(littleEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  /// A 64-bit size or offset; `Int.max` where it does not fit, which no bound admits.
  func loadSize(at offset: Int) -> Int { Int(capped: loadLE(UInt64.self, at: offset)) }
}
