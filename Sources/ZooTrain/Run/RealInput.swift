// An input that takes real numbers, whatever its elements are.
package import CZoo
import Zoo
package import ZooCompiler

/// Real numbers for an input of f32, in place, or of i8 or i16, which get its integers from them.
package final class RealInput {
  package let reals: UnsafeMutablePointer<Float>
  private let tensor: zoo_tensor
  private var isStaged: Bool { tensor.type != ZOO_F32 }

  /// - Throws: `CompileError` if the elements are neither f32 nor i8 or i16 with one scale.
  package init(_ tensor: zoo_tensor) throws(CompileError) {
    self.tensor = tensor
    if let data = tensor.data, tensor.type == ZOO_F32 {
      reals = data.assumingMemoryBound(to: Float.self)
    } else if tensor.data != nil, tensor.type == ZOO_I8 || tensor.type == ZOO_I16,
      tensor.scale_count == 1
    {
      reals = .allocate(capacity: tensor.extent.elementCount)
      reals.initialize(repeating: 0, count: tensor.extent.elementCount)
    } else {
      throw CompileError("the input is neither f32 nor i8 or i16 with one scale")
    }
  }

  deinit { if isStaged { reals.deallocate() } }

  /// Writes the integers of `reals` into the input.
  package func commit() { if isStaged { quantize(reals, into: tensor) } }
}
