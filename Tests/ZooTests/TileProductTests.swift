// Integer products by a matrix unit inside their operators: the emulated kernel, in sessions' ways of calling it.
import CZoo
import CZooKernels
import EmulatedTiles
import TestSupport
import Testing
import Zoo
import ZooCompiler

struct TileProductTests {
  /// A convolution of a picture: its extents, kernel and stride.
  struct Case: Sendable, CustomTestStringConvertible {
    let side: Int
    let channels: Int
    let outputs: Int
    let kernel: Int
    let stride: Int
    var testDescription: String { "\(side)x\(side)x\(channels) to \(outputs), \(kernel)/\(stride)" }
  }

  /// Direct rows, rows through pointers, gathered rows; with more rows than one call takes.
  @Test(arguments: [
    Case(side: 20, channels: 64, outputs: 72, kernel: 1, stride: 1),
    Case(side: 14, channels: 16, outputs: 40, kernel: 3, stride: 1),
    Case(side: 23, channels: 3, outputs: 32, kernel: 7, stride: 2),
    Case(side: 9, channels: 30, outputs: 24, kernel: 3, stride: 2),
    Case(side: 15, channels: 32, outputs: 16, kernel: 11, stride: 1),
  ])
  func givesTheBitsOfVectors(_ c: Case) throws {
    guard let emulated = emulated_i8_igemm() else {
      print("skipped: emulated tiles need AVX-512 VNNI")
      return
    }
    let vectors = zoo_kernels_for(UInt32(ZOO_KERNELS_AVX512VNNI))
    var tiles = vectors
    tiles.i8_igemm = zoo_integer_igemm_kernel(
      run: emulated, mr: 32, nr: 32, workspace: UInt32(ZOO_TILE_WORKSPACE))
    let want = try run(c, vectors, scratch: nil, parallel: nil)
    let share = Int(ZOO_TILE_WORKSPACE)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 3 * share, alignment: 64)
    defer { memory.deallocate() }
    let scratch = Scratch(base: memory, byteCount: 3 * share, shareByteCount: share)
    #expect(Set(want).count > 20, "the outputs say something")
    #expect(try run(c, tiles, scratch: scratch, parallel: nil) == want)
    #expect(try run(c, tiles, scratch: scratch, parallel: threePieces) == want)
    #expect(try run(c, tiles, scratch: nil, parallel: nil) == want, "without scratch memory")
  }

  private func run(
    _ c: Case, _ kernels: zoo_kernels, scratch: Scratch?, parallel: zoo_parallel?
  ) throws -> [Int8] {
    var generator = SplitMix64(state: UInt64(c.side * c.channels + c.outputs))
    func bytes(_ count: Int) -> [Int8] {
      (0..<count).map { _ in
        max(-127, Int8(truncatingIfNeeded: Int64(bitPattern: generator.next())))
      }
    }
    var operation = IntegerConv2D<Int8>()
    operation.window.kernelHeight = Int32(c.kernel)
    operation.window.kernelWidth = Int32(c.kernel)
    operation.window.strideHeight = Int32(c.stride)
    operation.window.strideWidth = Int32(c.stride)
    operation.window.padTop = Int32(c.kernel / 2)
    operation.window.padLeft = Int32(c.kernel / 2)
    operation.window.padBottom = Int32(c.kernel / 2)
    operation.window.padRight = Int32(c.kernel / 2)
    let side = (c.side + c.kernel / 2 * 2 - c.kernel) / c.stride + 1
    let quads = quadCount(c.kernel * c.kernel * c.channels)
    var x = bytes(c.side * c.side * c.channels)
    var w = bytes(quads * 4 * c.outputs)
    if c.kernel * c.kernel * c.channels % 4 != 0 {
      // Zeros past the last row of every panel.
      for panel in Swift.stride(from: 0, to: c.outputs, by: 16) {
        let width = min(16, c.outputs - panel)
        let last = panel * quads * 4 + (quads - 1) * 4 * width
        for column in 0..<width {
          for row in c.kernel * c.kernel * c.channels % 4..<4 { w[last + column * 4 + row] = 0 }
        }
      }
    }
    let depth = c.kernel * c.kernel * c.channels
    let plain = (0..<c.outputs).map { j in
      let panel = j / 16 * 16
      let width = min(16, c.outputs - panel)
      return (0..<depth).reduce(Int32(0)) {
        $0 + Int32(w[panel * quads * 4 + $1 / 4 * 4 * width + (j - panel) * 4 + $1 % 4])
      }
    }
    var bias = (0..<c.outputs).map { _ in
      Int32(truncatingIfNeeded: generator.next() % 20000) - 10000
    }
    bias += zip(bias, plain).map { $0 - 128 * $1 }
    var multipliers = (0..<c.outputs).map { Float($0 % 7 + 1) / (Float(depth).squareRoot() * 600) }
    var y = [Int8](repeating: 77, count: side * side * c.outputs)
    var writer = AttributeWriter()
    operation.archive(&writer)

    var runtime = Runtime(kernels: kernels, parallel: parallel, scratch: scratch)
    try x.withUnsafeMutableBytes { x in
      try w.withUnsafeMutableBytes { w in
        try bias.withUnsafeMutableBytes { bias in
          try multipliers.withUnsafeMutableBytes { multipliers in
            try y.withUnsafeMutableBytes { y in
              var inputs = [
                tensor(ZOO_I8, try Shape([1, c.side, c.side, c.channels]), x),
                tensor(ZOO_I8, try Shape([1, quads * 4, c.outputs]), w),
                tensor(ZOO_I32, try Shape([2, c.outputs]), bias),
                tensor(ZOO_F32, try Shape([c.outputs]), multipliers),
              ]
              inputs[1].layout = ZOO_LAYOUT_QUADS16
              var output = tensor(ZOO_I8, try Shape([1, side, side, c.outputs]), y)
              try withZeroPoints([-5, 3]) { scale, zeros in
                inputs[0].scale_count = 1
                inputs[0].scales = scale
                inputs[0].zero_points = zeros
                output.scale_count = 1
                output.scales = scale
                output.zero_points = zeros + 1
                try call(IntegerConv2D<Int8>.code, writer.bytes, &inputs, &output, &runtime)
              }
            }
          }
        }
      }
    }
    return y
  }

  private func withZeroPoints(
    _ zeros: [Int32], _ body: (UnsafePointer<Float>, UnsafePointer<Int32>) throws -> Void
  ) throws {
    var scale: Float = 0.05
    try zeros.withUnsafeBufferPointer { try body(&scale, try #require($0.baseAddress)) }
  }

  private func tensor(_ type: zoo_type, _ shape: Shape, _ memory: UnsafeMutableRawBufferPointer)
    -> zoo_tensor
  {
    var tensor = zoo_tensor(type, shape)
    tensor.data = memory.baseAddress
    return tensor
  }

  private func call(
    _ code: Int, _ attributes: [UInt8], _ inputs: inout [zoo_tensor], _ output: inout zoo_tensor,
    _ runtime: inout Runtime
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
            try #require(operation.pointee.prepare(&node, &error) == ZOO_OK)
            #expect(operation.pointee.run(&node, &error) == ZOO_OK)
          }
        }
      }
    }
  }
}
