// Operators called without a session, with kernels and scratch memory of the test's choice.
import CZoo
import Testing
import Zoo
import ZooCompiler

/// A convolution of a square picture, padded by half its kernel.
struct PictureConvolution: Sendable, CustomTestStringConvertible {
  let side: Int
  let channels: Int
  let outputs: Int
  let kernel: Int
  let stride: Int

  var testDescription: String { "\(side)x\(side)x\(channels) to \(outputs), \(kernel)/\(stride)" }
  var depth: Int { kernel * kernel * channels }
  var outputSide: Int { (side + kernel / 2 * 2 - kernel) / stride + 1 }
  var window: Window {
    var window = Window()
    (window.kernelHeight, window.kernelWidth) = (Int32(kernel), Int32(kernel))
    (window.strideHeight, window.strideWidth) = (Int32(stride), Int32(stride))
    (window.padTop, window.padLeft) = (Int32(kernel / 2), Int32(kernel / 2))
    (window.padBottom, window.padRight) = (Int32(kernel / 2), Int32(kernel / 2))
    return window
  }
}

func operand(_ type: zoo_type, _ shape: Shape, _ memory: UnsafeMutableRawBufferPointer)
  -> zoo_tensor
{
  var tensor = zoo_tensor(type, shape)
  tensor.data = memory.baseAddress
  return tensor
}

/// Prepares and runs the operator of `code` with kernels and memory of `runtime`.
///
/// - Parameter prepares: not for operands that only a session, which has prepared the node, may replace.
func call(
  _ code: Int, _ attributes: [UInt8], _ inputs: inout [zoo_tensor], _ output: inout zoo_tensor,
  _ runtime: inout Runtime, prepares: Bool = true
) throws {
  var count = 0
  let table = zoo_all_operators(&count)
  let found = (0..<count).compactMap { table?[$0] }.first { $0.pointee.code == UInt32(code) }
  let operation = try #require(found)
  let size = inputs.count
  try inputs.withUnsafeBufferPointer { inputs in
    try withUnsafeMutablePointer(to: &output) { output in
      try withUnsafeMutablePointer(to: &runtime) { runtime in
        try attributes.withUnsafeBytes { attributes in
          var node = zoo_node()
          node.input_count = UInt32(size)
          node.output_count = 1
          node.inputs = inputs.baseAddress
          node.outputs = UnsafePointer(output)
          node.attributes = attributes.baseAddress
          node.attributes_size = attributes.count
          node.runtime = OpaquePointer(runtime)
          var error = zoo_error()
          if prepares { try #require(operation.pointee.prepare(&node, &error) == ZOO_OK) }
          #expect(operation.pointee.run(&node, &error) == ZOO_OK)
        }
      }
    }
  }
}
