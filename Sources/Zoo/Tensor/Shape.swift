// The extents of a tensor: up to six, outermost first.
package import CZoo

/// A shape of rank 0 to 6 with extents of at least 1. A value; no heap.
package struct Shape: Equatable {
  package private(set) var rank: Int
  private var extents: Axes

  package static let maximumRank = Int(ZOO_MAX_RANK)

  /// A scalar: rank 0, one element.
  package init() {
    rank = 0
    extents = Axes(repeating: 1)
  }

  /// Rank `rank` with all extents 1.
  ///
  /// - Throws: `ZOO_INVALID_SHAPE` if the rank is not in 0...6.
  package init(rank: Int) throws(ZooError) {
    guard rank >= 0 && rank <= Shape.maximumRank else {
      throw .shape("rank out of range", expected: Shape.maximumRank, got: rank)
    }
    self.init()
    self.rank = rank
  }

  /// An image: [n, h, w, c].
  package init(n: Int, h: Int, w: Int, c: Int) {
    self.init()
    rank = 4
    self[0] = n
    self[1] = h
    self[2] = w
    self[3] = c
  }

  package init(_ tensor: borrowing zoo_tensor) {
    rank = Int(tensor.rank)
    extents = Axes(tensor.shape)
  }

  /// The extent of one axis; axes at or past the rank are 1.
  package subscript(axis: Int) -> Int {
    get { extents[axis] }
    set { extents[axis] = newValue }
  }

  /// The innermost extent; 1 for a scalar.
  package var last: Int { rank == 0 ? 1 : self[rank - 1] }

  /// Number of elements. Call only on shapes that `checkedElementCount` accepted.
  package var elementCount: Int {
    var product = 1
    for axis in 0..<rank { product &*= self[axis] }
    return product
  }

  /// Number of innermost vectors: the product of all extents but the last.
  package var rowCount: Int {
    var product = 1
    for axis in 0..<max(rank - 1, 0) { product &*= self[axis] }
    return product
  }

  /// Number of elements, or nil if an extent is below 1 or the product reaches 2^29.
  ///
  /// The bound keeps every later product of an element count and a byte width in range, also on 32-bit targets.
  package var checkedElementCount: Int? {
    var product = 1
    for axis in 0..<rank {
      let extent = self[axis]
      guard extent >= 1 else { return nil }
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard !overflow && next < 1 << 29 else { return nil }
      product = next
    }
    return product
  }

  package static func == (a: Shape, b: Shape) -> Bool {
    guard a.rank == b.rank else { return false }
    for axis in 0..<a.rank where a[axis] != b[axis] { return false }
    return true
  }

  /// Sets `extent` for `axis` after checking that it is in 1...2^31-1.
  package mutating func set(_ axis: Int, to extent: Int) throws(ZooError) {
    guard extent >= 1 && extent <= Int(Int32.max) else {
      throw .shape("extent out of range", expected: 1, got: extent)
    }
    self[axis] = extent
  }

  /// This shape aligned right to `rank`, filled with ones on the left, as broadcasting does.
  package func expanded(to rank: Int) -> Shape {
    guard rank > self.rank && rank <= Shape.maximumRank else { return self }
    var result = Shape()
    result.rank = rank
    for axis in 0..<self.rank { result[rank - self.rank + axis] = self[axis] }
    return result
  }
}
