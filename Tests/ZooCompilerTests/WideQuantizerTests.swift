// Activations of 16 bits: for layers that need them, and for whole networks.
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

private func someInputs(_ count: Int) -> CalibrationSet {
  let all = (0..<count).map { noise(12, UInt64(100 + $0)) }
  return CalibrationSet(name: "test", count: count) { index, target in
    for element in 0..<12 { target[element] = all[index][element] }
  }
}

/// A value with a huge range, of which only small differences count: 11 channels with 127 times the sum of three inputs and
/// little of the others, then differences between neighbours. All weights are exact in 8 bits.
private func cancelling() throws -> Graph {
  var graph = Graph()
  let x = graph.addInput("x", try Shape([1, 12]))
  var generator = SplitMix64(state: 8)
  let large = (0..<12 * 11).map { index -> Float in
    index / 11 < 3 ? 127 : Float(Int(generator.next() % 7) - 3)
  }
  // A clamp that is never reached keeps channels from being equalised, after which weights would not be exact.
  var first = Dense()
  first.activation = Activation(.clamp, alpha: -1e9, beta: 1e9)
  let sum = try graph.add(
    first, [x, graph.addConstant("w1", try Shape([12, 11]), large)], name: "huge")
  let differences = (0..<11 * 10).map { index -> Float in
    let (row, column) = (index / 10, index % 10)
    return row == column ? 1 : row == column + 1 ? -1 : 0
  }
  graph.outputs = [
    try graph.add(
      Dense(), [sum, graph.addConstant("w2", try Shape([11, 10]), differences)],
      name: "differences")
  ]
  return graph
}

struct WideQuantizerTests {
  @Test func layersThatNeedThemGet16Bits() throws {
    var options = QuantizerOptions()
    options.maximumLoss = 0.02
    options.fallback = .float
    let floating = try Quantizer(someInputs(200), options).run(try cancelling())
    #expect(!floating.floatNodes.isEmpty && floating.wideNodes.isEmpty)
    options.maximumLoss = 1
    let narrow = try Quantizer(someInputs(200), options).run(try cancelling())
    options.maximumLoss = 0.02
    options.fallback = .wide
    let wide = try Quantizer(someInputs(200), options).run(try cancelling())
    #expect(narrow.measurement.agreement < 0.9)
    #expect(wide.isWithinBound && wide.measurement.agreement >= 0.98)
    #expect(wide.measurement.sqnr > narrow.measurement.sqnr + 15)
    #expect(wide.wideNodes.contains("huge") && wide.floatNodes.isEmpty)
    let real = wide.integer.nodes.filter { wide.integer[$0.output].type == ZOO_F32 }
    #expect(
      real.allSatisfy { $0.operation is Dequantize<Int8> || $0.operation is Dequantize<Int16> })
    let data = try ModelWriter.encode(wide.integer)
    #expect(try ModelFile(data).graph.nodes.count == wide.integer.nodes.count)
  }

  /// A layer whose weights are what 8 bits cannot hold gains nothing from better activations: it goes to float at once.
  @Test func layersWithBadWeightsGoToFloat() throws {
    var graph = try cancelling()
    for value in graph.values.indices where graph.values[value].name == "w1" {
      var weights = graph.values[value].constant?.floats ?? []
      for index in weights.indices where index / 11 < 3 { weights[index] *= 200 }
      for index in 3 * 11..<12 * 11 { weights[index] *= index % 2 == 0 ? 0.37 : 0.41 }
      graph.values[value].constant = Constant(weights)
    }
    var options = QuantizerOptions()
    options.maximumLoss = 0.02
    let result = try Quantizer(someInputs(200), options).run(graph)
    #expect(result.floatNodes.contains("huge"))
    #expect(result.isWithinBound)
  }

  @Test func wholeNetworks() throws {
    var options = QuantizerOptions()
    options.maximumLoss = 1
    options.activations = .int16
    let graph = try mixture()
    let narrow = QuantizerOptions()
    let set = CalibrationSet(name: "test", count: 60) { index, target in
      for (element, value) in noise(192, UInt64(500 + index)).enumerated() {
        target[element] = value
      }
    }
    let wide = try Quantizer(set, options).run(graph)
    let int8 = try Quantizer(set, narrow).run(graph)
    #expect(wide.measurement.sqnr > int8.measurement.sqnr + 3)
    #expect(wide.wideNodes.isEmpty && wide.floatNodes.isEmpty)
    #expect(wide.integer[wide.integer.inputs[0]].type == ZOO_I16)
    #expect(!wide.integer.values.contains { $0.type == ZOO_I8 && $0.constant == nil })
    for node in wide.integer.nodes where wide.integer[node.output].type == ZOO_F32 {
      #expect(
        node.operation is Softmax || node.operation is Unary
          || node.operation is Dequantize<Int16>, "\(node.name)")
    }
    // Names and costs are those of the float network.
    let words = wide.integer.nodes.first { $0.name == "first" }.map { title($0) }
    #expect(words == "Conv2D 3x3")
    #expect(throws: CompileError.self) { try exportONNX(wide.integer) }
    do {
      _ = try exportONNX(wide.integer)
    } catch { #expect("\(error)".contains("activations of 16 bits (16x8)")) }
  }

  /// A convolution, a depthwise one with hard-swish, a residual sum, two pools that are joined, a mean and a dense layer.
  private func mixture() throws -> Graph {
    var graph = Graph()
    let x = graph.addInput("x", Shape(n: 1, h: 8, w: 8, c: 3))
    var convolution = Conv2D()
    (convolution.window.kernelHeight, convolution.window.kernelWidth) = (3, 3)
    (convolution.window.padTop, convolution.window.padLeft) = (1, 1)
    (convolution.window.padBottom, convolution.window.padRight) = (1, 1)
    convolution.activation = .relu
    func constant(_ name: String, _ shape: [Int], _ seed: UInt64) throws -> ValueID {
      graph.addConstant(name, try Shape(shape), noise(shape.reduce(1, *), seed))
    }
    let first = try graph.add(
      convolution, [x, try constant("w1", [1, 27, 8], 1), try constant("b1", [8], 2)],
      name: "first")
    var depthwise = DepthwiseConv2D()
    depthwise.window = convolution.window
    depthwise.activation = Activation(.hardSwish)
    let second = try graph.add(
      depthwise, [first, try constant("w2", [3, 3, 8], 3)], name: "second")
    let sum = try graph.add(Binary(.add), [first, second], name: "sum")
    var pad = Pad()
    pad.after[1] = 1
    let padded = try graph.add(pad, [sum], name: "padded")
    var pool = Pool()
    (pool.window.kernelHeight, pool.window.kernelWidth) = (2, 2)
    (pool.window.strideHeight, pool.window.strideWidth) = (2, 2)
    let most = try graph.add(pool, [padded], name: "most")
    pool.kind = .average
    let mean = try graph.add(pool, [padded], name: "mean")
    let joined = try graph.add(Concat(axis: 3), [most, mean], name: "joined")
    let whole = try graph.add(GlobalPool(.average), [joined], name: "whole")
    let flat = try graph.add(Reshape(try Shape([1, 16])), [whole], name: "flat")
    let dense = try graph.add(
      Dense(), [flat, try constant("w3", [16, 10], 4), try constant("b3", [10], 5)], name: "dense")
    graph.outputs = [try graph.add(Softmax(axis: 1), [dense], name: "softmax")]
    try optimize(&graph)
    return graph
  }
}
