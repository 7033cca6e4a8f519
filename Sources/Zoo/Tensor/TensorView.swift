// Reading a zoo_tensor as Swift code likes to: shape, typed pointers, rows.
package import CZoo

extension zoo_tensor {
  /// The shape as a value.
  package var extent: Shape { Shape(self) }

  /// Height of an NHWC image.
  var height: Int { Int(shape.1) }
  /// Width of an NHWC image.
  var width: Int { Int(shape.2) }
  /// Channels of an NHWC image.
  var channels: Int { Int(shape.3) }

  /// Elements from one innermost vector to the next.
  var rowStride: Int { Int(row_stride) }

  /// Whether rows follow each other without gaps.
  package var isDense: Bool { rowStride == extent.last }

  /// The elements as floats. Only for tensors whose type and presence `prepare` checked.
  package var floats: UnsafeMutablePointer<Float> {
    data.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
  }

  /// The elements if they are bf16, as a session keeps some tensors (`RoundedTensors`); nil otherwise.
  var rounded: UnsafeMutablePointer<UInt16>? {
    type == ZOO_BF16 ? data?.assumingMemoryBound(to: UInt16.self) : nil
  }

  /// The elements as floats, or nil for an absent optional operand.
  var optionalFloats: UnsafeMutablePointer<Float>? { data?.assumingMemoryBound(to: Float.self) }

  /// Whether an optional operand is there. Absent operands have rank 0 and size 0.
  var isPresent: Bool { size > 0 }

  /// Bytes from the first element to the end of the last, for a type, shape and row stride.
  ///
  /// - Returns: nil if an extent is below 1, the stride is shorter than a row, or the result does not fit an Int.
  package static func byteCount(_ type: zoo_type, _ shape: Shape, rowStride: Int) -> Int? {
    guard shape.checkedElementCount != nil, rowStride >= shape.last, type.byteWidth > 0,
      let rows = (shape.rowCount - 1).times(rowStride)
    else { return nil }
    let (elements, overflow) = rows.addingReportingOverflow(shape.last)
    return overflow ? nil : elements.times(type.byteWidth)
  }

  /// A dense tensor without memory, for shape inference.
  package init(_ type: zoo_type, _ shape: Shape) {
    self.init()
    self.type = type
    rank = UInt32(shape.rank)
    self.shape = (
      Int32(shape[0]), Int32(shape[1]), Int32(shape[2]), Int32(shape[3]), Int32(shape[4]),
      Int32(shape[5])
    )
    row_stride = Int32(shape.last)
    size = zoo_tensor.byteCount(type, shape, rowStride: shape.last) ?? 0
  }
}

/// The input tensors of a node; absent optional ones count.
package struct Operands {
  private let base: UnsafePointer<zoo_tensor>?
  package let count: Int

  package init(_ base: UnsafePointer<zoo_tensor>?, count: Int) {
    self.base = base
    self.count = count
  }

  /// The tensor at `index`, which must be below `count`.
  package subscript(index: Int) -> zoo_tensor {
    base.unsafelyUnwrapped[index]
  }

  /// Whether operand `index` was given.
  package func isPresent(_ index: Int) -> Bool {
    index < count && self[index].isPresent
  }
}
