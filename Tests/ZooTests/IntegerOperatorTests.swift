// Integer operators against their definitions, bit for bit.
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

private func integers(_ values: [Int8]) -> Constant {
  Constant(type: ZOO_I8, bytes: values.map { UInt8(bitPattern: $0) })
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

struct IntegerElementTests {
  @Test(arguments: [1, 7, 16, 33])
  func pools(_ channels: Int) throws {
    try pools(channels, Int8.self)
    try pools(channels, Int16.self)
  }

  private func pools<Element: IntegerElement>(_ channels: Int, _ type: Element.Type) throws {
    for kind in [PoolKind.max, .min, .average] {
      for counts in [false, true] {
        var generator = SplitMix64(state: UInt64(channels))
        let x = IntegerTensor<Element>(random: [1, 7, 8, channels], &generator)
        var operation = IntegerPool<Element>()
        operation.kind = kind
        operation.countsPadding = counts
        operation.multiplier = 0.8
        (operation.window.kernelHeight, operation.window.kernelWidth) = (3, 2)
        (operation.window.strideHeight, operation.window.strideWidth) = (2, 2)
        (operation.window.padTop, operation.window.padLeft) = (1, 1)
        (operation.window.padBottom, operation.window.padRight) = (1, 1)
        try expectIntegers(
          operation, [.variable(x)], [1, 4, 5, channels], zeroPoint: type.isWide ? 0 : -3
        ) { at in
          var values: [Int] = []
          var padded = 0
          for i in 0..<3 {
            for j in 0..<2 {
              let (row, col) = (at[1] * 2 - 1 + i, at[2] * 2 - 1 + j)
              if row < 8 && col < 9 { padded += 1 }
              guard row >= 0, row < 7, col >= 0, col < 8 else { continue }
              values.append(x.difference([0, row, col, at[3]]))
            }
          }
          switch kind {
          case .max: return Float(values.max() ?? 0) * 0.8
          case .min: return Float(values.min() ?? 0) * 0.8
          case .average:
            let count = counts ? padded : values.count
            return Float(values.reduce(0, +)) * (0.8 * (1 / Float(count)))
          }
        }
      }
    }
  }

  /// Where outputs have the scale and the zero point of inputs, maxima are not rounded; with bounds they are.
  @Test(arguments: [31, 32, 33, 64, 70, 130])
  func exactMaxima(_ channels: Int) throws {
    try exactMaxima(channels, Int8.self)
    try exactMaxima(channels, Int16.self)
  }

  private func exactMaxima<Element: IntegerElement>(_ channels: Int, _ type: Element.Type) throws {
    let whole = IntegerBounds(type)
    for (height, width) in [(2, 2), (3, 3), (3, 2)] {
      for bounds in [whole, IntegerBounds(lower: -40, upper: whole.upper)] {
        var generator = SplitMix64(state: UInt64(channels))
        let x = IntegerTensor<Element>(random: [1, 6, 7, channels], &generator)
        var operation = IntegerPool<Element>()
        operation.kind = .max
        operation.multiplier = 1
        operation.bounds = bounds
        (operation.window.kernelHeight, operation.window.kernelWidth) = (
          Int32(height), Int32(width)
        )
        try expectIntegers(
          operation, [.variable(x)], [1, 7 - height, 8 - width, channels],
          zeroPoint: x.quantization.zeroPoints[0], bounds
        ) { at in
          var values: [Int] = []
          for i in 0..<height {
            for j in 0..<width { values.append(x.difference([0, at[1] + i, at[2] + j, at[3]])) }
          }
          return Float(values.max() ?? 0)
        }
      }
    }
  }

  @Test func globalPools() throws {
    try globalPools(Int8.self)
    try globalPools(Int16.self)
  }

  private func globalPools<Element: IntegerElement>(_ type: Element.Type) throws {
    var generator = SplitMix64(state: 4)
    let x = IntegerTensor<Element>(random: [2, 6, 5, 19], &generator)
    var operation = IntegerGlobalPool<Element>()
    operation.multiplier = 1.7
    try expectIntegers(
      operation, [.variable(x)], [2, 1, 1, 19], zeroPoint: type.isWide ? 0 : 5
    ) { at in
      var sum = 0
      for row in 0..<6 { for col in 0..<5 { sum += x.difference([at[0], row, col, at[3]]) } }
      return Float(sum) * (1.7 * (1 / Float(30)))
    }
  }

  @Test(arguments: [[1, 4, 5, 37], [1, 1, 1, 37], [1, 4, 5, 1]])
  func binaries(_ other: [Int]) throws {
    try binaries(other, Int8.self)
    try binaries(other, Int16.self)
  }

  private func binaries<Element: IntegerElement>(_ other: [Int], _ type: Element.Type) throws {
    for kind in [BinaryKind.add, .subtract, .multiply, .maximum, .minimum] {
      var generator = SplitMix64(state: 5)
      let a = IntegerTensor<Element>(random: [1, 4, 5, 37], &generator)
      let b = IntegerTensor<Element>(random: other, &generator)
      var operation = IntegerBinary<Element>()
      operation.kind = kind
      operation.multiplierA = kind == .multiply ? 0.011 : 0.71
      operation.multiplierB = 0.33
      operation.bounds = IntegerBounds(lower: -100, upper: type.isWide ? 9000 : 90)
      try expectIntegers(
        operation, [.variable(a), .variable(b)], a.shape, zeroPoint: type.isWide ? 0 : -9,
        operation.bounds
      ) { at in
        let (x, y) = (a.difference(at), b.difference(at))
        let (p, q) = (Float(x) * 0.71, Float(y) * 0.33)
        return switch kind {
        case .add: p + q
        case .subtract: p - q
        case .multiply: Float(x * y) * 0.011
        case .maximum: max(p, q)
        default: min(p, q)
        }
      }
    }
  }

  @Test func tables() throws {
    var generator = SplitMix64(state: 6)
    let x = IntegerTensor<Int8>(random: [1, 3, 3, 50], &generator)
    let table = IntegerTensor<Int8>(random: [256], &generator).integers
    try expectIntegers(
      Lookup(), [.variable(x), .constant([256], integers(table))], x.shape, zeroPoint: 0
    ) { at in
      let q = Int8(x.difference(at) + Int(x.quantization.zeroPoints[0]))
      return Float(table[Int(UInt8(bitPattern: q))])
    }
  }

  /// To integers and back: every element within half a step, halves to even, NaN and infinities at the ends.
  @Test func edges() throws {
    var graph = Graph()
    let input = graph.addInput("x", try Shape([1, 40]))
    let q = Quantization(scale: 0.25, zeroPoint: 10)
    let integer = graph.addValue(
      Value(name: "q", type: ZOO_I8, shape: try Shape([1, 40]), quantization: q))
    let real = graph.addValue(Value(name: "y", type: ZOO_F32, shape: try Shape([1, 40])))
    graph.nodes = [
      GraphNode(name: "q", operation: Quantize<Int8>(), inputs: [input], output: integer),
      GraphNode(name: "y", operation: Dequantize<Int8>(), inputs: [integer], output: real),
    ]
    graph.outputs = [real]
    let model = try ModelWriter.encode(graph)
    var x: [Float] = [0, 0.125, 0.375, -0.125, .nan, .infinity, -.infinity, 1e30, 31, -40]
    for i in 0..<30 { x.append(Float(i) * 0.37 - 5) }
    let want = x.map { value -> Float in
      guard !value.isNaN else { return (-128 - 10) * 0.25 }
      let steps = (Double(value) / 0.25).rounded(.toNearestOrEven) + 10
      return Float(min(127, max(-128, steps)) - 10) * 0.25
    }
    for isa in availableISAs {
      let runner = try Runner(model, isa: isa)
      try runner.write(x, toInput: 0)
      try runner.run()
      #expect(runner.outputFloats(0) == want, "\(name(of: isa))")
    }
  }
}
