// Strided views as row-major arrays.

extension PickleTensor {
  /// The elements of the storage from the first to the last that the tensor reads.
  var elementRange: Range<Int> {
    if shape.contains(0) { return 0..<0 }
    return offset..<offset + zip(shape, strides).reduce(1) { $0 + ($1.0 - 1) * $1.1 }
  }

  /// Whether the elements follow each other in row-major order.
  var isContiguous: Bool {
    if shape.contains(0) { return true }
    var expected = 1
    for (extent, stride) in zip(shape, strides).reversed() where extent > 1 {
      guard stride == expected else { return false }
      expected *= extent
    }
    return true
  }
}

/// The elements of a view of `source` in row-major order.
///
/// - Precondition: Extents are above 0, strides not below 0, and the last element lies in `source`.
func gathered<Element: BitwiseCopyable>(
  _ source: [Element], _ shape: [Int], _ strides: [Int]
) -> [Element] {
  let count = shape.reduce(1, *)
  guard count > 0, let length = shape.last, let step = strides.last else { return source }
  return [Element](unsafeUninitializedCapacity: count) { result, initialized in
    source.withUnsafeBufferPointer { source in
      var index = [Int](repeating: 0, count: shape.count - 1)
      var position = 0
      for row in 0..<count / length {
        for k in 0..<length { result[row * length + k] = source[position + k * step] }
        // Like a mileage counter: the last axis that does not wrap around goes on by one.
        for axis in index.indices.reversed() {
          index[axis] += 1
          position += strides[axis]
          if index[axis] < shape[axis] { break }
          position -= strides[axis] * shape[axis]
          index[axis] = 0
        }
      }
    }
    initialized = count
  }
}
