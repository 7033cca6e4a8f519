// Integer operators on activations of 16 bits where they differ from those of 8: long sums, extremes, changes of type, and what
// is refused.
import CZoo
import TestSupport
import Testing
import Zoo
import ZooCompiler

/// A dense layer of `rows` x `depth` x `columns` with all activations `x` and weights `w`, and biases in 48 bits.
private func dense(
  _ x: [Int16], rows: Int, _ w: [Int8], columns: Int, upper: [Int32], lower: [Int32],
  multiplier: Float, quantization: Quantization = Quantization(scale: 1, zeroPoint: 0),
  biasShape: [Int]? = nil
) throws -> Graph {
  var graph = Graph()
  let depth = x.count / rows
  let input = graph.addInput("x", try Shape([rows, depth]), type: ZOO_I16)
  graph[input].quantization = quantization
  func constant(_ shape: [Int], _ constant: Constant) throws -> ValueID {
    graph.addValue(
      Value(name: "c", type: constant.type, shape: try Shape(shape), constant: constant))
  }
  let padded = w + [Int8](repeating: 0, count: (quadCount(depth) * 4 - depth) * columns)
  let words = upper + lower
  let y = try graph.add(
    IntegerDense<Int16>(),
    [
      input,
      try constant(
        [quadCount(depth) * 4, columns],
        Constant(type: ZOO_I8, bytes: padded.map { UInt8(bitPattern: $0) })),
      try constant(
        biasShape ?? [2, columns],
        Constant(type: ZOO_I32, bytes: words.withUnsafeBytes { Array($0) })),
      try constant([columns], Constant([Float](repeating: multiplier, count: columns))),
    ], name: "y")
  graph[y].quantization = quantization
  graph.outputs = [y]
  return graph
}

private func run(_ graph: Graph, _ x: [Int16], _ isa: zoo_isa) throws -> [Int16] {
  let runner = try Runner(try ModelWriter.encode(graph), isa: isa)
  try runner.write(x.withUnsafeBytes { Array($0) }, toInput: 0)
  try runner.run()
  return runner.outputBytes(0).withUnsafeBytes { Array($0.assumingMemoryBound(to: Int16.self)) }
}

struct WideOperatorTests {
  /// All products at their extremes: sums pass 32 bits after 516 of them, in depths below, at and above a kernel's blocks.
  @Test(arguments: [508, 511, 512, 513, 516, 1024, 1030, 5000])
  func longSumsAreExact(_ depth: Int) throws {
    for (value, weight) in [(Int16.min, Int8(-127)), (Int16.min, 127), (Int16.max, 127)] {
      for columns in [1, 16, 37, 64] {
        let x = [Int16](repeating: value, count: 3 * depth)
        let w = [Int8](repeating: weight, count: depth * columns)
        let bias = (0..<columns).map { 0x7_FFFF_FFFF &* $0 - 5 }
        let multiplier = 20000 / (Float(depth) * 32768 * 127)
        let graph = try dense(
          x, rows: 3, w, columns: columns, upper: bias.map { Int32($0 >> 16) },
          lower: bias.map { Int32($0 & 0xFFFF) }, multiplier: multiplier)
        let want = (0..<3 * columns).map { index -> Int16 in
          let sum = depth * Int(value) * Int(weight) + bias[index % columns]
          return rounded(Float(sum) * multiplier, zeroPoint: 0, IntegerBounds(Int16.self))
        }
        for isa in availableISAs {
          #expect(try run(graph, x, isa) == want, "\(name(of: isa)), \(columns) columns")
        }
      }
    }
  }

  /// What no compiler writes: biases whose sum leaves 48 bits wraps around, and upper bits of the second row are ignored.
  @Test func anyBiasIsTheSameEverywhere() throws {
    let x: [Int16] = [32767, 32767, -32768, 5, 32767, 1, 2, 3]
    let w = (0..<8 * 19).map { Int8($0 % 255 - 127) }
    let graph = try dense(
      x, rows: 1, w, columns: 19, upper: (0..<19).map { [.max, .min, 0x4000_0000][$0 % 3] },
      lower: (0..<19).map { $0 % 3 == 0 ? -1 : 0x7FFF_FFFF }, multiplier: 0x1p-33)
    let want = try run(graph, x, ZOO_ISA_SCALAR)
    for isa in availableISAs { #expect(try run(graph, x, isa) == want, "\(name(of: isa))") }
    #expect(Set(want).count > 1)
  }

  /// Results in steps are at most 0.51 from the real numbers, whatever the sizes: what the documentation promises.
  @Test func sumsAreCloseToDoubles() throws {
    var generator = SplitMix64(state: 3)
    let (depth, columns) = (700, 33)
    let x = (0..<depth).map { _ in Int16(truncatingIfNeeded: Int(generator.next() >> 20)) }
    let w = (0..<depth * columns).map { _ in Int8(Int(generator.next() % 255) - 127) }
    let multiplier: Float = 1.0 / 3e4
    let zeros = [Int32](repeating: 0, count: columns)
    let graph = try dense(
      x, rows: 1, w, columns: columns, upper: zeros, lower: zeros, multiplier: multiplier)
    for isa in availableISAs {
      for (column, got) in try run(graph, x, isa).enumerated() {
        var sum = 0.0
        for k in 0..<depth { sum += Double(x[k]) * Double(w[k * columns + column]) }
        let want = min(32767, max(-32768, sum * Double(multiplier)))
        #expect(abs(Double(got) - want) <= 0.51)
      }
    }
  }

  /// f32 to 16 bits, to 8, to 16 and back: each step is one rounding.
  @Test func edges() throws {
    var graph = Graph()
    let shape = try Shape([1, 44])
    let input = graph.addInput("x", shape)
    let fine = Quantization(scale: 0x1p-10, zeroPoint: 0)
    let coarse = Quantization(scale: 0.25, zeroPoint: 10)
    func add(_ name: String, _ type: zoo_type, _ q: Quantization?) -> ValueID {
      graph.addValue(Value(name: name, type: type, shape: shape, quantization: q))
    }
    let wide = add("wide", ZOO_I16, fine)
    let narrow = add("narrow", ZOO_I8, coarse)
    let again = add("again", ZOO_I16, fine)
    let outputs = [add("a", ZOO_F32, nil), add("b", ZOO_F32, nil)]
    var down = Requantize()
    down.multiplier = 0x1p-10 / 0.25
    var up = Requantize()
    up.multiplier = 0.25 / 0x1p-10
    graph.nodes = [
      GraphNode(name: "1", operation: Quantize<Int16>(), inputs: [input], output: wide),
      GraphNode(name: "2", operation: down, inputs: [wide], output: narrow),
      GraphNode(name: "3", operation: up, inputs: [narrow], output: again),
      GraphNode(name: "4", operation: Dequantize<Int16>(), inputs: [wide], output: outputs[0]),
      GraphNode(name: "5", operation: Dequantize<Int16>(), inputs: [again], output: outputs[1]),
    ]
    graph.outputs = outputs
    let model = try ModelWriter.encode(graph)
    var x: [Float] = [0, 0x1p-11, 0x3p-11, -0x1p-11, .nan, .infinity, -.infinity, 1e30, 31.99, -40]
    x += [0.125, 0.375, -0.125, -0.375]
    for i in 0..<30 { x.append(Float(i) * 0.37 - 5) }
    let first = x.map { value -> Double in
      guard !value.isNaN else { return -32768 }
      return min(32767, max(-32768, (Double(value) * 1024).rounded(.toNearestOrEven)))
    }
    let second = first.map { steps -> Double in
      min(127, max(-128, (steps / 256).rounded(.toNearestOrEven) + 10)) - 10
    }
    for isa in availableISAs {
      let runner = try Runner(model, isa: isa)
      try runner.write(x, toInput: 0)
      try runner.run()
      #expect(runner.outputFloats(0) == first.map { Float($0 / 1024) }, "\(name(of: isa))")
      let want = second.map { Float(min(32767, $0 * 256) / 1024) }
      #expect(runner.outputFloats(1) == want, "\(name(of: isa))")
    }
  }

  /// What a damaged file may say is an error that says what is wrong.
  @Test func wrongParametersAreErrors() throws {
    let x = [Int16](repeating: 1, count: 8)
    let w = [Int8](repeating: 1, count: 8 * 3)
    let zeros: [Int32] = [0, 0, 0]
    func message(_ q: Quantization, _ lower: [Int32], _ biasShape: [Int]) throws -> String {
      let graph = try dense(
        x, rows: 1, w, columns: 3, upper: zeros, lower: lower, multiplier: 1, quantization: q,
        biasShape: biasShape)
      do {
        _ = try run(graph, x, ZOO_ISA_SCALAR)
        return "no error"
      } catch { return "\(error)" }
    }
    let good = Quantization(scale: 1, zeroPoint: 0)
    #expect(try message(good, zeros, [2, 3]) == "no error")
    #expect(
      try message(Quantization(scale: 1, zeroPoint: 1), zeros, [2, 3]).contains(
        "i16 with one scale and zero point 0"))
    #expect(
      try message(Quantization(scale: 0, zeroPoint: 0), zeros, [2, 3]).contains(
        "i16 with one scale and zero point 0"))
    #expect(try message(good, [], [3]).contains("elements of operand"))
    var mixed = try dense(x, rows: 1, w, columns: 3, upper: zeros, lower: zeros, multiplier: 1)
    mixed[mixed.outputs[0]].type = ZOO_I8
    #expect(throws: CompileError.self) { _ = try run(mixed, x, ZOO_ISA_SCALAR) }
  }
}
