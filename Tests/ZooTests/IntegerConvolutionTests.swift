// Integer convolutions and dense layers against their definitions, bit for bit.
import CZoo
import CZooKernels
import TestSupport
import Testing
import Zoo
import ZooCompiler

private func randomInts(_ count: Int, below limit: Int, _ generator: inout SplitMix64) -> [Int] {
  (0..<count).map { _ in Int(generator.next() % UInt64(2 * limit)) - limit }
}

/// The two rows of biases of a convolution or dense layer; `sums` are those of the weights of each column.
private func biasRows<Element: IntegerElement>(
  _ type: Element.Type, _ bias: [Int], _ sums: [Int], zero: Int32
) -> Constant {
  if type.isWide {
    return words(bias.map { Int32(truncatingIfNeeded: $0 >> 16) } + bias.map { Int32($0 & 0xFFFF) })
  }
  return words(
    zip(bias, sums).map { Int32($0 - Int(zero) * $1) }
      + zip(bias, sums).map { Int32($0 - Int(zero + 128) * $1) })
}

private func randomMultipliers(
  _ count: Int, around size: Float, _ generator: inout SplitMix64
) -> [Float] {
  (0..<count).map { _ in size * (0.5 + Float(generator.next() >> 40) * 0x1p-24) }
}

private func words(_ values: [Int32]) -> Constant {
  Constant(type: ZOO_I32, bytes: values.withUnsafeBytes { Array($0) })
}

struct IntegerConvolutionTests {
  @Test(arguments: ConvolutionTests.cases.indices)
  func convolutions(_ index: Int) throws {
    try convolution(ConvolutionTests.cases[index], index, Int8.self)
    try convolution(ConvolutionTests.cases[index], index, Int16.self)
  }

  /// What runs by Winograd's transforms where there are no dot products of bytes: whole and cut tiles, all kinds of padding, an odd panel
  /// of columns, one, two and three parts of the channels, more tiles than a block has.
  private static let transformed: [Geometry] = [
    Geometry(height: 12, width: 12, channels: 16, outputs: 16, kernel: (3, 3), pads: (1, 1, 1, 1)),
    Geometry(height: 13, width: 18, channels: 48, outputs: 48, kernel: (3, 3), pads: (1, 1, 1, 1)),
    Geometry(height: 11, width: 10, channels: 128, outputs: 16, kernel: (3, 3)),
    Geometry(height: 10, width: 11, channels: 144, outputs: 16, kernel: (3, 3), pads: (2, 0, 1, 2)),
    Geometry(height: 8, width: 9, channels: 272, outputs: 32, kernel: (3, 3), pads: (0, 2, 2, 0)),
    Geometry(height: 50, width: 17, channels: 16, outputs: 32, kernel: (3, 3), pads: (1, 1, 1, 1)),
  ]

  @Test(arguments: transformed.indices) func byTransforms(_ index: Int) throws {
    let g = IntegerConvolutionTests.transformed[index]
    #if arch(x86_64)
    if availableISAs.contains(ZOO_ISA_AVX2) {
      var operation = IntegerConv2D<Int8>()
      operation.window = g.window
      let shape = operation.transformed(
        x: Shape(n: 1, h: g.height, w: g.width, c: g.channels),
        y: Shape(n: 1, h: g.outputHeight, w: g.outputWidth, c: g.outputs),
        zoo_kernels_for(UInt32(ZOO_ISA_AVX2.rawValue)))
      #expect(shape != nil, "case \(index) is not transformed")
    }
    #endif
    try convolution(g, index, Int8.self)
    // The largest sums there are, of each sign.
    for w: Int8 in [-127, 127] { try convolution(g, index, Int8.self, x: -128, w: w) }
  }

  /// - Parameters:
  ///   - x: what all inputs are, or nil for random ones.
  ///   - w: what all weights are, likewise.
  private func convolution<Element: IntegerElement>(
    _ g: Geometry, _ index: Int, _ type: Element.Type, x all: Element? = nil,
    w weight: Int8? = nil
  ) throws {
    var generator = SplitMix64(state: UInt64(index + 100))
    var x = IntegerTensor<Element>(random: [1, g.height, g.width, g.channels], &generator)
    if let all { x.integers = x.integers.map { _ in all } }
    let depth = g.kernel.0 * g.kernel.1 * g.channels / g.groups
    let columns = g.outputs / g.groups
    let rows = quadCount(depth) * 4
    var w = IntegerTensor<Int8>(random: [g.groups, rows, columns], &generator, least: -127).integers
    if let weight { w = w.map { _ in weight } }
    for i in w.indices where i / columns % rows >= depth { w[i] = 0 }
    let bias = randomInts(g.outputs, below: type.isWide ? 1 << 30 : 5000, &generator)
    let multipliers = randomMultipliers(
      g.outputs, around: weight == nil ? 0.02 / Float(depth).squareRoot() : 0.001 / Float(depth),
      &generator)
    let zero = x.quantization.zeroPoints[0]
    let sums = (0..<g.outputs).map { o in
      (0..<rows).reduce(0) { $0 + Int(w[(o / columns * rows + $1) * columns + o % columns]) }
    }
    var operation = IntegerConv2D<Element>()
    operation.groups = Int32(g.groups)
    operation.window = g.window
    operation.bounds =
      index % 2 == 0
      ? IntegerBounds(type) : IntegerBounds(lower: -20, upper: type.isWide ? 20000 : 100)
    operation.addendMultiplier = 0.37
    let shape = [1, g.outputHeight, g.outputWidth, g.outputs]
    for hasAddend in [false, true] {
      let addend = IntegerTensor<Element>(random: shape, &generator)
      try expectIntegers(
        operation,
        [
          .variable(x), .constant([g.groups, rows, columns], integers(w)),
          .constant([2, g.outputs], biasRows(type, bias, sums, zero: zero)),
          .constant([g.outputs], Constant(multipliers)),
        ] + (hasAddend ? [.variable(addend)] : []), shape, zeroPoint: type.isWide ? 0 : -7,
        operation.bounds
      ) { at in
        let (group, column) = (at[3] / columns, at[3] % columns)
        var sum = bias[at[3]]
        var k = 0
        for i in 0..<g.kernel.0 {
          for j in 0..<g.kernel.1 {
            let row = at[1] * g.stride.0 - g.pads.0 + i * g.dilation.0
            let col = at[2] * g.stride.1 - g.pads.1 + j * g.dilation.1
            for c in 0..<g.channels / g.groups {
              if row >= 0, row < g.height, col >= 0, col < g.width {
                sum +=
                  x.difference([0, row, col, group * (g.channels / g.groups) + c])
                  * Int(w[(group * rows + k) * columns + column])
              }
              k += 1
            }
          }
        }
        let real = Float(sum) * multipliers[at[3]]
        return hasAddend ? real + Float(addend.difference(at)) * 0.37 : real
      }
    }
  }

  @Test(arguments: [1, 2, 5, 8, 16, 24, 63, 64, 65, 130])
  func depthwise(_ channels: Int) throws {
    try depthwise(channels, Int8.self)
    try depthwise(channels, Int16.self)
  }

  private func depthwise<Element: IntegerElement>(
    _ channels: Int, _ type: Element.Type
  ) throws {
    let windows: [(kernel: (Int, Int), stride: Int, dilation: Int, pad: Int)] = [
      ((3, 3), 1, 1, 1), ((3, 3), 2, 1, 1), ((5, 5), 1, 1, 2), ((3, 3), 1, 2, 2), ((1, 3), 1, 1, 0),
      ((7, 2), 2, 1, 3), ((2, 2), 3, 1, 1), ((9, 9), 1, 1, 4),
    ]
    for (index, window) in windows.enumerated() {
      var generator = SplitMix64(state: UInt64(channels * 10 + index))
      let (height, width) = (9, 11)
      let x = IntegerTensor<Element>(random: [2, height, width, channels], &generator)
      let (kh, kw) = window.kernel
      let w = IntegerTensor<Int8>(random: [kh, kw, channels], &generator, least: -127).integers
      let bias = randomInts(channels, below: type.isWide ? 1 << 28 : 3000, &generator)
      let multipliers = randomMultipliers(channels, around: 0.002, &generator)
      var operation = IntegerDepthwiseConv2D<Element>()
      operation.window.kernelHeight = Int32(kh)
      operation.window.kernelWidth = Int32(kw)
      (operation.window.strideHeight, operation.window.strideWidth) = (
        Int32(window.stride), Int32(window.stride)
      )
      (operation.window.dilationHeight, operation.window.dilationWidth) = (
        Int32(window.dilation), Int32(window.dilation)
      )
      let pad = Int32(window.pad)
      (operation.window.padTop, operation.window.padLeft) = (pad, pad)
      (operation.window.padBottom, operation.window.padRight) = (pad, pad)
      func extent(_ n: Int, _ k: Int) -> Int {
        (n + 2 * window.pad - (k - 1) * window.dilation - 1) / window.stride + 1
      }
      try expectIntegers(
        operation,
        [
          .variable(x), .constant([kh, kw, channels], integers(w)),
          type.isWide
            ? .constant([2, channels], biasRows(type, bias, [], zero: 0))
            : .constant([channels], words(bias.map { Int32($0) })),
          .constant([channels], Constant(multipliers)),
        ], [2, extent(height, kh), extent(width, kw), channels],
        zeroPoint: type.isWide ? 0 : 11
      ) { at in
        var sum = bias[at[3]]
        for i in 0..<kh {
          for j in 0..<kw {
            let row = at[1] * window.stride - window.pad + i * window.dilation
            let col = at[2] * window.stride - window.pad + j * window.dilation
            guard row >= 0, row < height, col >= 0, col < width else { continue }
            sum +=
              x.difference([at[0], row, col, at[3]]) * Int(w[(i * kw + j) * channels + at[3]])
          }
        }
        return Float(sum) * multipliers[at[3]]
      }
    }
  }

  @Test(arguments: [(1, 10, 1), (1, 70, 153), (3, 64, 17), (7, 257, 130), (2, 30, 64)])
  func dense(_ rows: Int, _ depth: Int, _ columns: Int) throws {
    try dense(rows, depth, columns, Int8.self)
    try dense(rows, depth, columns, Int16.self)
  }

  private func dense<Element: IntegerElement>(
    _ rows: Int, _ depth: Int, _ columns: Int, _ type: Element.Type
  ) throws {
    var generator = SplitMix64(state: UInt64(depth))
    let x = IntegerTensor<Element>(random: [rows, depth], &generator)
    let padded = quadCount(depth) * 4
    var w = IntegerTensor<Int8>(random: [padded, columns], &generator, least: -127).integers
    for i in depth * columns..<padded * columns { w[i] = 0 }
    let zero = x.quantization.zeroPoints[0]
    let sums = (0..<columns).map { c in
      (0..<depth).reduce(0) { $0 + Int(w[$1 * columns + c]) }
    }
    let bias = [Int](repeating: 9, count: columns)
    let multipliers = randomMultipliers(columns, around: 0.001, &generator)
    try expectIntegers(
      IntegerDense<Element>(),
      [
        .variable(x), .constant([padded, columns], integers(w)),
        .constant([2, columns], biasRows(type, bias, sums, zero: zero)),
        .constant([columns], Constant(multipliers)),
      ], [rows, columns], zeroPoint: 0
    ) { at in
      let sum = (0..<depth).reduce(9) {
        $0 + x.difference([at[0], $1]) * Int(w[$1 * columns + at[1]])
      }
      return Float(sum) * multipliers[at[1]]
    }
  }
}
