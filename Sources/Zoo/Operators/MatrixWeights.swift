// The right matrix of a product: panels of floats, of half precision, of bf16, or of 8 bits with a scale for each column.
package import CZoo
import CZooKernels

/// Weights of a convolution or dense layer in panels of 16 columns.
package struct MatrixWeights {
  let base: UnsafeRawPointer
  let type: zoo_type
  /// Of i8 only: one for each column.
  let scales: UnsafePointer<Float>?

  /// Panels of `type`, f32 or bf16.
  package init(_ base: UnsafeRawPointer, _ type: zoo_type) {
    self.base = base
    self.type = type
    scales = nil
  }

  /// `tensor` from element `offset` and column `column` on.
  init(_ tensor: zoo_tensor, offset: Int, column: Int) {
    base = UnsafeRawPointer(tensor.data.unsafelyUnwrapped) + offset * tensor.type.byteWidth
    type = tensor.type
    scales = tensor.type == ZOO_I8 ? tensor.scales + column : nil
  }

  /// Where the panel of column `column`, a multiple of 16, starts.
  func panel(_ column: Int, depth: Int) -> UnsafeRawPointer {
    base + column * depth * type.byteWidth
  }

  /// Element `index` in the order of memory, without its scale.
  subscript(index: Int) -> Float {
    switch type {
    case ZOO_I8: Float(Int(base.assumingMemoryBound(to: Int8.self)[index]))
    case ZOO_F16: halfPrecision(base.assumingMemoryBound(to: UInt16.self)[index])
    case ZOO_BF16:
      Float(bitPattern: UInt32(base.assumingMemoryBound(to: UInt16.self)[index]) &<< 16)
    default: base.assumingMemoryBound(to: Float.self)[index]
    }
  }

  /// Where row `row` of a panel of `columns` columns starts among its elements, and how far apart they are: bf16 lies in pairs of rows, but
  /// a last odd one.
  func place(row: Int, of depth: Int, columns: Int) -> (start: Int, step: Int) {
    type == ZOO_BF16 && (row % 2 == 1 || row + 1 < depth)
      ? (row / 2 * 2 * columns + row % 2, 2) : (row * columns, 1)
  }

  /// The kernel for this kind of weights.
  func kernel(_ kernels: zoo_kernels) -> zoo_f32_igemm_kernel {
    switch type {
    case ZOO_I8: kernels.i8w_igemm
    case ZOO_F16: kernels.f16w_igemm
    case ZOO_BF16: kernels.bf16w_igemm
    default: kernels.f32_igemm
    }
  }
}

/// The number whose IEEE half-precision bits are `bits`, exactly.
func halfPrecision(_ bits: UInt16) -> Float {
  let sign = UInt32(bits & 0x8000) &<< 16
  let rest = UInt32(bits & 0x7FFF)
  // Exponents of 31 stay the highest; the others move by 127 - 15. A multiplication normalises subnormals.
  if rest >= 0x7C00 { return Float(bitPattern: sign | 0x7F80_0000 | (rest & 0x3FF) &<< 13) }
  let magnitude = Float(bitPattern: rest &<< 13) * Float(bitPattern: (254 - 15) &<< 23)
  return Float(bitPattern: sign | magnitude.bitPattern)
}

extension Node {
  /// Demands f32 for all operands that are present, but for weights (operand 1), which may be f16, or i8 with a scale for each
  /// of `columns` columns.
  func requireFloatProduct(columns: Int) throws(ZooError) {
    for index in 0..<inputs.count where inputs.isPresent(index) && index != 1 {
      guard inputs[index].type == ZOO_F32 else {
        throw .type("operand must be f32, operand", got: index)
      }
    }
    let weights = inputs[1]
    let hasScales =
      Int(weights.scale_count) == columns && Int(weights.scale_axis) == weights.extent.rank - 1
    guard
      weights.type == ZOO_F32 || weights.type == ZOO_F16 || weights.type == ZOO_BF16
        || (weights.type == ZOO_I8 && hasScales)
    else { throw .type("weights must be f32, f16, bf16, or i8 with a scale for each column") }
    guard output.type == ZOO_F32 else { throw .type("output must be f32") }
    try requireLayout(packed: 1)
  }
}
