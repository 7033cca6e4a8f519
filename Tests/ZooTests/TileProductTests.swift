// Integer products by a matrix unit inside their operators: the emulated kernel, in sessions' ways of calling it.
import CZoo
import CZooKernels
import EmulatedTiles
import TestSupport
import Testing
import Zoo
import ZooCompiler

struct TileProductTests {
  /// Direct rows, rows through pointers, gathered rows; with more rows than one call takes, in whole lines, and more columns than one
  /// block has.
  @Test(arguments: [
    PictureConvolution(side: 20, channels: 64, outputs: 72, kernel: 1, stride: 1),
    PictureConvolution(side: 14, channels: 16, outputs: 40, kernel: 3, stride: 1),
    PictureConvolution(side: 23, channels: 3, outputs: 32, kernel: 7, stride: 2),
    PictureConvolution(side: 9, channels: 30, outputs: 24, kernel: 3, stride: 2),
    PictureConvolution(side: 15, channels: 32, outputs: 16, kernel: 11, stride: 1),
    PictureConvolution(side: 28, channels: 64, outputs: 72, kernel: 3, stride: 1),
    PictureConvolution(side: 14, channels: 256, outputs: 320, kernel: 3, stride: 1),
  ])
  func givesTheBitsOfVectors(_ c: PictureConvolution) throws {
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

  /// A call that none comes before fetches all of its weights but those that it begins with, once.
  @Test func firstCallsFetchTheirWeights() throws {
    guard let emulated = emulated_i8_igemm() else { return }
    let c = PictureConvolution(side: 7, channels: 64, outputs: 96, kernel: 3, stride: 1)
    var tiles = zoo_kernels_for(UInt32(ZOO_KERNELS_AVX512VNNI))
    let share = Int(ZOO_TILE_WORKSPACE)
    tiles.i8_igemm = zoo_integer_igemm_kernel(
      run: emulated, mr: 32, nr: 32, workspace: UInt32(share))
    let memory = UnsafeMutableRawPointer.allocate(byteCount: share, alignment: 64)
    defer { memory.deallocate() }
    var first: UnsafeRawPointer?
    _ = emulated_fetched_lines(&first)
    let scratch = Scratch(base: memory, byteCount: share, shareByteCount: share)
    _ = try run(c, tiles, scratch: scratch, parallel: nil)
    // Weights may begin anywhere in a line.
    let lines = (c.outputs - 32) * c.depth / 64
    #expect((lines...lines + 1).contains(emulated_fetched_lines(&first)))
  }

  private func run(
    _ c: PictureConvolution, _ kernels: zoo_kernels, scratch: Scratch?, parallel: zoo_parallel?
  ) throws -> [Int8] {
    var generator = SplitMix64(state: UInt64(c.side * c.channels + c.outputs))
    func bytes(_ count: Int) -> [Int8] {
      (0..<count).map { _ in
        max(-127, Int8(truncatingIfNeeded: Int64(bitPattern: generator.next())))
      }
    }
    var operation = IntegerConv2D<Int8>()
    operation.window = c.window
    let side = c.outputSide
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

    let table = UnsafeMutablePointer<zoo_kernels>.allocate(capacity: 1)
    defer { table.deallocate() }
    table.initialize(to: kernels)
    var runtime = Runtime(table: table, parallel: parallel, scratch: scratch)
    try x.withUnsafeMutableBytes { x in
      try w.withUnsafeMutableBytes { w in
        try bias.withUnsafeMutableBytes { bias in
          try multipliers.withUnsafeMutableBytes { multipliers in
            try y.withUnsafeMutableBytes { y in
              var inputs = [
                operand(ZOO_I8, try Shape([1, c.side, c.side, c.channels]), x),
                operand(ZOO_I8, try Shape([1, quads * 4, c.outputs]), w),
                operand(ZOO_I32, try Shape([2, c.outputs]), bias),
                operand(ZOO_F32, try Shape([c.outputs]), multipliers),
              ]
              inputs[1].layout = ZOO_LAYOUT_QUADS16
              var output = operand(ZOO_I8, try Shape([1, side, side, c.outputs]), y)
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
}
