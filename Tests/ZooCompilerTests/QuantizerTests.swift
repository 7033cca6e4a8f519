// Quantising: as good as the float network, and clear about what cannot be quantised.
import CZoo
import TestSupport
import Testing
import Zoo
import ZooCompiler

/// Numbers of -1...1.
private func noise(_ count: Int, _ seed: UInt64) -> [Float] {
  var generator = SplitMix64(state: seed)
  return (0..<count).map { _ in Float(generator.next() >> 40) * 0x1p-23 - 1 }
}

/// A convolution, a depthwise one with hard-swish, a residual sum, two pools that are joined, and a dense layer.
private func network(
  weights: (inout [Float]) -> Void = { _ in }, bias: (inout [Float]) -> Void = { _ in }
) throws -> Graph {
  var graph = Graph()
  let x = graph.addInput("x", Shape(n: 1, h: 8, w: 8, c: 3))
  var w = noise(27 * 8, 1)
  weights(&w)
  var b = noise(8, 2)
  bias(&b)
  var convolution = Conv2D()
  (convolution.window.kernelHeight, convolution.window.kernelWidth) = (3, 3)
  (convolution.window.padTop, convolution.window.padLeft) = (1, 1)
  (convolution.window.padBottom, convolution.window.padRight) = (1, 1)
  convolution.activation = .relu
  let first = try graph.add(
    convolution,
    [
      x, graph.addConstant("w1", try Shape([1, 27, 8]), w),
      graph.addConstant("b1", try Shape([8]), b),
    ], name: "first")
  var depthwise = DepthwiseConv2D()
  depthwise.window = convolution.window
  depthwise.activation = Activation(.hardSwish)
  let second = try graph.add(
    depthwise, [first, graph.addConstant("w2", try Shape([3, 3, 8]), noise(72, 3))], name: "second")
  let sum = try graph.add(Binary(.add), [first, second], name: "sum")
  var pool = Pool()
  (pool.window.kernelHeight, pool.window.kernelWidth) = (2, 2)
  (pool.window.strideHeight, pool.window.strideWidth) = (2, 2)
  let most = try graph.add(pool, [sum], name: "most")
  pool.kind = .average
  let mean = try graph.add(pool, [sum], name: "mean")
  let joined = try graph.add(Concat(axis: 3), [most, mean], name: "joined")
  let flat = try graph.add(
    Reshape(try Shape([1, 256])), [try graph.add(Unary(Activation(.tanh)), [joined], name: "tanh")],
    name: "flat")
  let dense = try graph.add(
    Dense(),
    [
      flat, graph.addConstant("w3", try Shape([256, 10]), noise(2560, 4)),
      graph.addConstant("b3", try Shape([10]), noise(10, 5)),
    ], name: "dense")
  graph.outputs = [try graph.add(Softmax(axis: 1), [dense], name: "softmax")]
  try optimize(&graph)
  return graph
}

private func inputs(
  _ count: Int, _ value: @escaping (_ input: Int, _ element: Int) -> Float
) -> CalibrationSet {
  CalibrationSet(name: "test", count: count) { index, target in
    for element in 0..<192 { target[element] = value(index, element) }
  }
}

private func someInputs(_ count: Int) -> CalibrationSet {
  let all = (0..<count).map { noise(192, UInt64(100 + $0)) }
  return inputs(count) { all[$0][$1] }
}

struct QuantizerTests {
  /// Of ten answers [1, 0] those at `wrong` are [0, 1], the others off by `noise`.
  private func measurement(wrong: Int, noise: Float) -> Measurement {
    let want = Answers(rows: (0..<10).map { _ in [1, 0] })
    let got = Answers(rows: (0..<10).map { $0 < wrong ? [0, 1] : [1 - noise, 0] })
    return Measurement(want, got, [], first: 0)
  }

  @Test func aFewAnswersMoreAreChance() {
    let start = measurement(wrong: 4, noise: 0.1)
    #expect(!start.isBetter(than: start))
    #expect(!measurement(wrong: 3, noise: 0.1).isBetter(than: start))
    #expect(measurement(wrong: 1, noise: 0.1).isBetter(than: start), "three answers")
    #expect(
      measurement(wrong: 0, noise: 0.1).isBetter(than: measurement(wrong: 0, noise: 0.2)),
      "a quarter of the noise")
    #expect(!measurement(wrong: 0, noise: 0.15).isBetter(than: measurement(wrong: 0, noise: 0.2)))
  }

  @Test(arguments: [nil] + RangeMethod.allCases.map { Optional($0) })
  func keepsTheAnswers(_ method: RangeMethod?) throws {
    var options = QuantizerOptions()
    options.method = method
    options.maximumLoss = 0.2
    let result = try Quantizer(someInputs(120), options).run(network())
    #expect(result.isHeldOut && result.measurement.inputs == 60)
    #expect(result.measurement.agreement >= 0.8, "\(String(describing: method))")
    #expect(result.measurement.sqnr > 15, "\(String(describing: method))")
    #expect(result.floatNodes.isEmpty)
    // Everything but the softmax is integers.
    let float = result.integer.nodes.filter { result.integer[$0.output].type == ZOO_F32 }
    #expect(float.allSatisfy { $0.operation is Softmax || $0.operation is Dequantize<Int8> })
    #expect(result.integer[result.integer.inputs[0]].type == ZOO_I8)
    for noise in result.layerNoise.values { #expect(noise > 15) }
  }

  @Test func badLayersGoBackToFloat() throws {
    // One weight a million times the others of its channel: 8 bits cannot hold both.
    var options = QuantizerOptions()
    options.maximumLoss = 0.02
    let graph = try network(weights: { w in for c in 0..<8 { w[c] = 3000 * (c % 2 == 0 ? 1 : -1) } }
    )
    let result = try Quantizer(someInputs(100), options).run(graph)
    #expect(result.measurement.loss <= 0.02)
    #expect(!result.floatNodes.isEmpty)
    let data = try ModelWriter.encode(result.integer)
    #expect(try ModelFile(data).graph.nodes.count == result.integer.nodes.count)
  }

  @Test func degenerateLayersAreExact() throws {
    var options = QuantizerOptions()
    options.maximumLoss = 1
    for graph in [
      try network(weights: { $0 = $0.map { _ in 0 } }),
      try network(
        weights: { w in for row in 0..<27 { w[row * 8 + 3] = 0 } }, bias: { $0[3] = 1e6 }),
      try network(weights: { w in for i in w.indices { w[i] = 0.25 } }),
      try network(bias: { $0 = $0.map { _ in 0 } }),
    ] {
      let result = try Quantizer(someInputs(8), options).run(graph)
      for value in try Answers(result.integer, someInputs(8), 0..<8).rows.joined() {
        #expect(value.isFinite)
      }
    }
    // All inputs alike, and all of them 0.
    for constant in [Float(0), 0.7] {
      let result = try Quantizer(inputs(4) { _, _ in constant }, options).run(network())
      #expect(result.measurement.sqnr > 15, "\(constant)")
    }
    // One input only: it is measured on itself, and the result says so.
    #expect(try !Quantizer(someInputs(1), options).run(network()).isHeldOut)
  }

  @Test func brokenNumbersAreNamed() throws {
    func message(_ body: () throws -> Void) -> String {
      do {
        try body()
        return ""
      } catch { return "\(error)" }
    }
    let options = QuantizerOptions()
    for value in [Float.nan, .infinity] {
      let weights = message {
        _ = try Quantizer(someInputs(4), options).run(network(weights: { $0[5] = value }))
      }
      #expect(weights.contains("layer 'first'"), "\(weights)")
      let fed = message {
        _ = try Quantizer(inputs(4) { i, e in i == 1 && e == 7 ? value : 0.5 }, options).run(
          network())
      }
      #expect(fed.contains("layer 'x': not a finite number for input 1 of test"), "\(fed)")
    }
    #expect(
      message { _ = try Quantizer(inputs(0) { _, _ in 0 }, options) }.contains(
        "test: no inputs to calibrate on"))
    let twice = message {
      let once = try Quantizer(someInputs(4), options).run(network())
      _ = try Quantizer(someInputs(4), options).run(once.integer)
    }
    #expect(twice.contains("computes in integers already"), "\(twice)")
  }

  /// A histogram of a bell curve with an outlier: it is cut off unless it costs more than finer steps gain.
  @Test func methodsDealWithOutliers() {
    var generator = SplitMix64(state: 9)
    var values = (0..<20_000).map { _ -> Float in
      (0..<12).reduce(Float(-6)) { sum, _ in sum + Float(generator.next() >> 40) * 0x1p-24 }
    }
    values.append(40)
    var histogram = Histogram()
    values.withUnsafeBufferPointer { buffer in
      let isFinite = histogram.extend(buffer)
      #expect(isFinite)
      histogram.count(buffer)
    }
    let whole = RangeMethod.minMax.quantization(histogram)
    #expect(abs(whole.real(127) - 40) < 0.2)
    for method in [RangeMethod.percentile, .entropy] {
      let q = method.quantization(histogram)
      #expect(q.real(127) < 20, "\(method)")
      #expect(q.real(-128) < -2.5, "\(method)")
    }
    let mse = RangeMethod.meanSquare.quantization(histogram)
    for method in RangeMethod.allCases {
      #expect(histogram.noise(mse) <= histogram.noise(method.quantization(histogram)), "\(method)")
    }
  }
}
