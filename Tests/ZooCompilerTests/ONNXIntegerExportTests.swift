// Integer networks as ONNX: float operators between QuantizeLinear and DequantizeLinear give the same integers.
import CZoo
import Foundation
import TestSupport
import Testing
import Zoo
import ZooCompiler

/// Numbers of -1...1.
private func noise(_ count: Int, _ seed: UInt64) -> [Float] {
  var generator = SplitMix64(state: seed)
  return (0..<count).map { _ in Float(generator.next() >> 40) * 0x1p-23 - 1 }
}

/// A network of floats on a 1x6x5x4 image of -1...1 whose values get a quantisation as they are made.
private struct Builder {
  var graph = Graph()
  let x: ValueID

  init() {
    x = graph.addInput("image", Shape(n: 1, h: 6, w: 5, c: 4))
    graph[x].quantization = Quantization(covering: -1, 1.1)
  }

  mutating func add(
    _ operation: any Zoo.Operation, _ inputs: [ValueID?], _ name: String,
    _ range: ClosedRange<Float>?
  ) throws -> ValueID {
    let result = try graph.add(operation, inputs, name: name)
    graph[result].quantization = range.map {
      Quantization(covering: $0.lowerBound, $0.upperBound)
    }
    return result
  }

  mutating func constant(_ name: String, _ extents: [Int], _ seed: UInt64) throws -> ValueID {
    graph.addConstant(name, try Shape(extents), noise(extents.reduce(1, *), seed))
  }
}

struct ONNXIntegerExportTests {
  private func output(_ graph: Graph, _ input: [Float]) throws -> [Float] {
    let runner = try Runner(try ModelWriter.encode(graph), isa: ZOO_ISA_SCALAR)
    try runner.write(input, toInput: 0)
    try runner.run()
    return runner.outputFloats(0)
  }

  private func readBack(_ graph: Graph) throws -> Graph {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("zoo-export-\(UUID().uuidString).onnx")
    defer { try? FileManager.default.removeItem(at: file) }
    try exportONNX(graph).write(to: file)
    var result = try importONNX(path: file.path)
    try optimize(&result)
    return result
  }

  /// Outputs of the integer network and of the ONNX file read back differ by `steps` of the output at most.
  private func expectSame(
    within steps: Float = 1, _ build: (inout Builder) throws -> ValueID,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var builder = Builder()
    let end = try build(&builder)
    builder.graph.outputs = [end]
    let step = builder.graph[end].quantization?.scales[0] ?? 1e-5
    var options = IntegerLoweringOptions()
    options.hasFloatOutputs = false
    let integer = try lowerToIntegers(builder.graph, options)
    #expect(
      integer.nodes.contains { "\(type(of: $0.operation))".hasPrefix("Integer") },
      sourceLocation: sourceLocation)
    let back = try readBack(integer)
    let input = noise(120, 9)
    let want = try output(integer, input)
    let got = try output(back, input)
    #expect(want.count == got.count && Set(want).count > 1, sourceLocation: sourceLocation)
    for (a, b) in zip(want, got) where !(abs(a - b) <= 1.01 * steps * step) {
      Issue.record("\(b), expected \(a), a step is \(step)", sourceLocation: sourceLocation)
      return
    }
  }

  @Test func layers() throws {
    // In groups, with rows that do not fill quads, bounds inside the type's, and a residual sum.
    try expectSame { b in
      var conv = Conv2D()
      (conv.window.kernelHeight, conv.window.kernelWidth, conv.groups) = (3, 3, 2)
      (conv.window.padTop, conv.window.padLeft) = (1, 1)
      (conv.window.padBottom, conv.window.padRight) = (1, 1)
      conv.activation = .relu6
      let w = try b.constant("w", [2, 18, 2], 1)
      let bias = try b.constant("b", [4], 2)
      let first = try b.add(conv, [b.x, w, bias], "first", -1...7)
      conv.groups = 4
      conv.activation = .relu
      let v = try b.constant("v", [4, 9, 1], 3)
      return try b.add(conv, [first, v, nil, b.x], "second", 0...9)
    }
    try expectSame { b in
      var conv = DepthwiseConv2D()
      (conv.window.kernelHeight, conv.window.kernelWidth) = (2, 3)
      let w = try b.constant("w", [2, 3, 4], 1)
      return try b.add(conv, [b.x, w, try b.constant("b", [4], 2)], "depthwise", -2...2.5)
    }
    // Dense on pixels, and behind a flattened image.
    try expectSame { b in
      let v = try b.constant("v", [4, 3], 1)
      let pixels = try b.add(Dense(), [b.x, v], "pixels", -2...2)
      let flat = try b.add(Reshape(try Shape([1, 90])), [pixels], "flat", -2...2)
      let w = try b.constant("w", [90, 7], 2)
      return try b.add(Dense(), [flat, w, try b.constant("b", [7], 3)], "dense", -6...9)
    }
  }

  @Test func poolsTablesAndMovement() throws {
    for kind in [PoolKind.max, .min, .average] {
      try expectSame { b in
        var pool = Pool()
        pool.kind = kind
        (pool.window.kernelHeight, pool.window.kernelWidth) = (3, 2)
        pool.window.strideWidth = 2
        return try b.add(pool, [b.x], "pool", -1...1.05)
      }
      try expectSame { b in try b.add(GlobalPool(kind), [b.x], "pool", -1...1.05) }
    }
    // Functions are recognised by their tables, changes of scale too.
    for activation in [
      Activation(.tanh), Activation(.hardSwish), Activation(.leakyReLU, alpha: 0.1),
    ] {
      try expectSame(within: 2) { b in
        let y = try b.add(Unary(activation), [b.x], "f", -1...1)
        let row = try b.constant("row", [4], 5)
        b.graph[row].quantization = Quantization(covering: -1, 1)
        let z = try b.add(Binary(.multiply), [y, row], "scaled", -0.7...0.7)
        let joined = try b.add(Concat(axis: 3), [z, b.x], "joined", -1...1)
        var pad = Pad()
        (pad.before[1], pad.after[2], pad.value) = (1, 2, 0.5)
        return try b.add(pad, [joined], "padded", -1...1)
      }
    }
  }

  @Test func floatsBetweenIntegers() throws {
    try expectSame { b in
      let pool = try b.add(GlobalPool(.average), [b.x], "pool", -0.2...0.2)
      let flat = try b.add(Reshape(try Shape([1, 4])), [pool], "flat", -0.2...0.2)
      return try b.add(Softmax(axis: 1), [flat], "soft", nil)
    }
  }

  @Test func aTableOfNoKnownFunctionIsGathered() throws {
    var graph = Graph()
    let x = graph.addInput("x", try Shape([1, 3]), type: ZOO_I8)
    let table = graph.addValue(
      Value(
        name: "t", type: ZOO_I8, shape: try Shape([256]),
        constant: Constant(
          type: ZOO_I8, bytes: (0..<256).map { UInt8(truncatingIfNeeded: $0 * 37) })))
    graph.outputs = [try graph.add(Lookup(), [x, table], name: "f")]
    for id in [x, graph.outputs[0]] {
      graph[id].quantization = Quantization(scale: 0.5, zeroPoint: 3)
    }
    #expect(try exportONNX(graph).range(of: Data("Gather".utf8)) != nil)
  }

  @Test func compressedWeightsStayBytes() throws {
    var builder = Builder()
    let w = try builder.constant("w", [1, 4, 300], 1)
    builder.graph.outputs = [try builder.add(Conv2D(), [builder.x, w], "conv", nil)]
    builder.graph.forgetQuantization()
    for form in WeightForm.allCases {
      let small = try compressWeights(builder.graph, form)
      if form == .int8 { #expect(try exportONNX(small).count < 3500) }
      let input = noise(120, 9)
      let want = try output(small, input)
      for (a, b) in zip(want, try output(try readBack(small), input)) where abs(a - b) > 1e-5 {
        Issue.record("\(form): \(b), expected \(a)")
        return
      }
    }
  }
}
