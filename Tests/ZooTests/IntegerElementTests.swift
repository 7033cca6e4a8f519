// Integer pools, sums and tables against their definitions, bit for bit.
import CZoo
import TestSupport
import Testing
import Zoo
import ZooCompiler

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
