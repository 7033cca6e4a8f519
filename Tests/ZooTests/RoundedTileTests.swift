// Products of bf16 by a matrix unit inside their operator: the emulated kernel, images that are rounded behind its workspaces.
import CZoo
import CZooKernels
import EmulatedTiles
import Testing
import Zoo
import ZooCompiler

struct RoundedTileTests {
  /// Images that are rounded at once; then direct rows, which are rounded tile by tile, and few channels, block by block.
  @Test(arguments: [
    (PictureConvolution(side: 14, channels: 16, outputs: 40, kernel: 3, stride: 1), true),
    (PictureConvolution(side: 9, channels: 30, outputs: 24, kernel: 3, stride: 2), true),
    (PictureConvolution(side: 15, channels: 32, outputs: 16, kernel: 11, stride: 1), true),
    (PictureConvolution(side: 20, channels: 64, outputs: 72, kernel: 1, stride: 1), false),
    (PictureConvolution(side: 23, channels: 3, outputs: 32, kernel: 7, stride: 2), false),
    (PictureConvolution(side: 41, channels: 4, outputs: 24, kernel: 3, stride: 1), false),
  ])
  func givesTheSumsOfRoundedNumbers(_ c: PictureConvolution, roundsImage: Bool) throws {
    guard let emulated = emulated_bf16_igemm() else {
      print("skipped: emulated tiles of bf16 need AVX-512 BF16")
      return
    }
    var kernels = zoo_kernels_for(UInt32(ZOO_KERNELS_AVX512BF16))
    kernels.f32_winograd = nil
    let vectors = try Rounded(c).run(kernels, nil, nil)
    let share = Int(ZOO_TILE_WORKSPACE)
    kernels.bf16_igemm = zoo_f32_igemm_kernel(
      run: emulated, mr: 32, nr: 32, workspace: UInt32(share))
    let example = Rounded(c)
    let imageByteCount = 2 * (example.x.count + 1)
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: 3 * share + imageByteCount, alignment: 64)
    defer { memory.deallocate() }
    func scratch(_ byteCount: Int) -> Scratch {
      Scratch(base: memory, byteCount: byteCount, shareByteCount: share)
    }

    let got = try example.run(kernels, scratch(3 * share), threePieces)
    for (at, (sum, magnitude)) in example.sums.enumerated() {
      let bound = Double(c.depth + 4) * 0x1p-24 * magnitude
      try #require(abs(Double(got[at]) - sum) <= bound, "[\(at)] is \(got[at]), not \(sum)")
    }
    for (threads, parallel) in [(1, nil), (3, threePieces)] {
      let image = memory + threads * share
      image.initializeMemory(as: UInt8.self, repeating: 0x5A, count: imageByteCount)
      let all = scratch(threads * share + imageByteCount)
      #expect(try example.run(kernels, all, parallel) == got, "\(threads) threads")
      let rounded = UnsafeBufferPointer(
        start: image.assumingMemoryBound(to: UInt16.self), count: example.x.count)
      let isThere = rounded.elementsEqual(example.x.map(bf16))
      #expect(isThere == roundsImage, "the image behind \(threads) workspaces")
    }
    #expect(try example.run(kernels, nil, nil) == vectors, "without scratch memory")
  }
}

extension RoundedTileTests {
  /// Images that a session keeps in bf16 give the outputs of floats, rounded: on an emulated matrix unit and with vectors, also where an
  /// activation passes over floats before.
  @Test(arguments: [
    PictureConvolution(side: 14, channels: 16, outputs: 40, kernel: 3, stride: 1),
    PictureConvolution(side: 9, channels: 30, outputs: 24, kernel: 3, stride: 2),
    PictureConvolution(side: 20, channels: 64, outputs: 72, kernel: 1, stride: 1),
    PictureConvolution(side: 9, channels: 2, outputs: 600, kernel: 3, stride: 1),
  ])
  func imagesMayBeRounded(_ c: PictureConvolution) throws {
    guard let emulated = emulated_bf16_igemm() else {
      print("skipped: emulated tiles of bf16 need AVX-512 BF16")
      return
    }
    let share = Int(ZOO_TILE_WORKSPACE)
    var example = Rounded(c)
    example.x = example.x.map { Float(widened(bf16($0))) }
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: 3 * share + 2 * (example.x.count + 1), alignment: 64)
    defer { memory.deallocate() }
    let scratch = Scratch(
      base: memory, byteCount: 3 * share + 2 * (example.x.count + 1), shareByteCount: share)
    let cases = [
      (true, Activation.relu), (false, Activation.relu), (false, Activation(.hardSwish)),
    ]
    for (isEmulated, activation) in cases {
      var kernels = zoo_kernels_for(UInt32(ZOO_KERNELS_AVX512BF16))
      kernels.f32_winograd = nil
      if isEmulated {
        kernels.bf16_igemm = zoo_f32_igemm_kernel(
          run: emulated, mr: 32, nr: 32, workspace: UInt32(share))
      }
      let plain = try example.run(kernels, scratch, nil, activation)
      for parallel in [nil, threePieces] {
        let rounded = try example.runRounded(kernels, scratch, parallel, activation)
        #expect(rounded == plain.map(bf16), "\(isEmulated)")
      }
    }
  }
}

/// The nearest number of bf16, ties to even.
private func bf16(_ x: Float) -> UInt16 {
  UInt16((x.bitPattern + 0x7FFF + x.bitPattern >> 16 & 1) >> 16)
}

private func widened(_ half: UInt16) -> Double { Double(Float(bitPattern: UInt32(half) << 16)) }

/// A convolution with random inputs and weights of bf16.
private struct Rounded {
  let convolution: PictureConvolution
  var x: [Float]
  /// [depth, outputs]
  let plain: [UInt16]
  let bias: [Float]

  init(_ c: PictureConvolution) {
    var generator = SplitMix64(state: UInt64(c.side * c.channels + c.outputs))
    convolution = c
    x = randomFloats(c.side * c.side * c.channels, &generator)
    plain = randomFloats(c.depth * c.outputs, &generator).map(bf16)
    bias = randomFloats(c.outputs, &generator)
  }

  /// Every output and the sum of the magnitudes of what is added for it.
  var sums: [(sum: Double, magnitude: Double)] {
    let c = convolution
    let x = x.map { widened(bf16($0)) }
    return allCoordinates([c.outputSide, c.outputSide, c.outputs]).map { at in
      var (sum, magnitude) = (Double(bias[at[2]]), abs(Double(bias[at[2]])))
      for (row, tap) in allCoordinates([c.kernel, c.kernel]).enumerated() {
        let line = at[0] * c.stride + tap[0] - c.kernel / 2
        let column = at[1] * c.stride + tap[1] - c.kernel / 2
        guard 0..<c.side ~= line, 0..<c.side ~= column else { continue }
        for channel in 0..<c.channels {
          let weight = widened(plain[(row * c.channels + channel) * c.outputs + at[2]])
          let product = x[(line * c.side + column) * c.channels + channel] * weight
          sum += product
          magnitude += abs(product)
        }
      }
      return (sum, magnitude)
    }
  }

  /// Panels of 16 columns in pairs of rows, a last odd row as it is (zoo/FORMAT.md).
  private var panels: [UInt16] {
    let c = convolution
    var panels: [UInt16] = []
    for panel in stride(from: 0, to: c.outputs, by: 16) {
      for row in stride(from: 0, to: c.depth, by: 2) {
        for column in panel..<min(c.outputs, panel + 16) {
          for i in row..<min(c.depth, row + 2) { panels.append(plain[i * c.outputs + column]) }
        }
      }
    }
    return panels
  }

  func run(
    _ kernels: zoo_kernels, _ scratch: Scratch?, _ parallel: zoo_parallel?,
    _ activation: Activation = Activation()
  ) throws -> [Float] {
    var x = x
    var y = [Float](repeating: .nan, count: outputCount)
    try x.withUnsafeMutableBytes { x in
      try y.withUnsafeMutableBytes { y in
        try run(kernels, scratch, parallel, activation, ZOO_F32, x, y)
      }
    }
    return y
  }

  /// The same with input and output of bf16.
  func runRounded(
    _ kernels: zoo_kernels, _ scratch: Scratch?, _ parallel: zoo_parallel?,
    _ activation: Activation
  ) throws -> [UInt16] {
    var x = x.map(bf16)
    var y = [UInt16](repeating: 0x7FFF, count: outputCount)
    try x.withUnsafeMutableBytes { x in
      try y.withUnsafeMutableBytes { y in
        try run(kernels, scratch, parallel, activation, ZOO_BF16, x, y)
      }
    }
    return y
  }

  private var outputCount: Int {
    convolution.outputSide * convolution.outputSide * convolution.outputs
  }

  private func run(
    _ kernels: zoo_kernels, _ scratch: Scratch?, _ parallel: zoo_parallel?,
    _ activation: Activation, _ type: zoo_type, _ x: UnsafeMutableRawBufferPointer,
    _ y: UnsafeMutableRawBufferPointer
  ) throws {
    let c = convolution
    var operation = Conv2D()
    operation.window = c.window
    operation.activation = activation
    var writer = AttributeWriter()
    operation.archive(&writer)
    let table = UnsafeMutablePointer<zoo_kernels>.allocate(capacity: 1)
    defer { table.deallocate() }
    table.initialize(to: kernels)
    var runtime = Runtime(table: table, parallel: parallel, scratch: scratch)
    var (w, bias) = (panels, bias)
    try w.withUnsafeMutableBytes { w in
      try bias.withUnsafeMutableBytes { bias in
        var inputs = [
          operand(type, try Shape([1, c.side, c.side, c.channels]), x),
          operand(ZOO_BF16, try Shape([1, c.depth, c.outputs]), w),
          operand(ZOO_F32, try Shape([c.outputs]), bias),
        ]
        inputs[1].layout = ZOO_LAYOUT_PAIRS16
        var output = operand(type, try Shape([1, c.outputSide, c.outputSide, c.outputs]), y)
        try call(
          Conv2D.code, writer.bytes, &inputs, &output, &runtime, prepares: type == ZOO_F32)
      }
    }
  }
}
