// What the exporter writes, the importer reads: the same results. tools/compare-onnx holds it against onnxruntime.
import CZoo
import Foundation
import TestSupport
import Testing
import Zoo
import ZooCompiler

struct ONNXExportTests {
  private func output(_ graph: Graph, _ input: [Float]) throws -> [Float] {
    let runner = try Runner(try ModelWriter.encode(graph), isa: ZOO_ISA_SCALAR)
    try runner.write(input, toInput: 0)
    try runner.run()
    return runner.outputFloats(0)
  }

  /// Writes `graph` as ONNX and reads it again.
  private func readBack(_ graph: Graph) throws -> Graph {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("zoo-export-\(UUID().uuidString).onnx")
    defer { try? FileManager.default.removeItem(at: file) }
    try exportONNX(graph).write(to: file)
    var result = try importONNX(path: file.path)
    try optimize(&result)
    return result
  }

  private func random(_ count: Int, seed: UInt64) -> [Float] {
    var generator = SplitMix64(state: seed)
    return (0..<count).map { _ in Float(generator.next() >> 40) * 0x1p-24 - 0.5 }
  }

  /// A network of one chain of operators on a 1x6x5x4 image.
  private func expectSame(
    _ build: (inout Graph, ValueID) throws -> ValueID,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    var graph = Graph()
    let x = graph.addInput("image", Shape(n: 1, h: 6, w: 5, c: 4))
    graph.outputs = [try build(&graph, x)]
    let input = random(120, seed: 3)
    let want = try output(graph, input)
    let got = try output(try readBack(graph), input)
    #expect(want.count == got.count, sourceLocation: sourceLocation)
    for (a, b) in zip(want, got) where !(abs(a - b) <= 1e-5 * max(1, abs(a))) {
      Issue.record("\(b), expected \(a)", sourceLocation: sourceLocation)
      return
    }
  }

  @Test func layers() throws {
    try expectSame { graph, x in
      var conv = Conv2D()
      (conv.window.kernelHeight, conv.window.kernelWidth) = (3, 2)
      (conv.window.strideHeight, conv.window.padTop, conv.window.padRight) = (2, 1, 1)
      conv.groups = 2
      conv.activation = .relu6
      let w = graph.addConstant("w", try Shape([2, 12, 3]), random(72, seed: 1))
      let b = graph.addConstant("b", try Shape([6]), random(6, seed: 2))
      return try graph.add(conv, [x, w, b], name: "conv")
    }
    try expectSame { graph, x in
      var conv = DepthwiseConv2D()
      (conv.window.kernelHeight, conv.window.kernelWidth) = (2, 3)
      conv.window.dilationWidth = 2
      conv.activation = Activation(.silu, alpha: 1.5)
      let w = graph.addConstant("w", try Shape([2, 3, 4]), random(24, seed: 1))
      return try graph.add(conv, [x, w], name: "depthwise")
    }
    // A residual sum inside a layer; dense on every pixel; dense after flattening.
    try expectSame { graph, x in
      let w = graph.addConstant("w", try Shape([1, 4, 4]), random(16, seed: 1))
      var conv = Conv2D()
      conv.activation = Activation(.leakyReLU, alpha: 0.1)
      let y = try graph.add(conv, [x, w, nil, x], name: "conv")
      let v = graph.addConstant("v", try Shape([4, 3]), random(12, seed: 2))
      let pixels = try graph.add(Dense(), [y, v], name: "pixels")
      let flat = try graph.add(Reshape(try Shape([1, 90])), [pixels], name: "flat")
      let u = graph.addConstant("u", try Shape([90, 7]), random(630, seed: 4))
      let b = graph.addConstant("b", try Shape([7]), random(7, seed: 5))
      var dense = Dense()
      dense.activation = Activation(.elu, alpha: 0.5)
      return try graph.add(dense, [flat, u, b], name: "dense")
    }
  }

  @Test func poolingAndNorms() throws {
    for kind in [PoolKind.max, .min, .average] {
      try expectSame { graph, x in
        var pool = Pool()
        pool.kind = kind
        (pool.window.kernelHeight, pool.window.kernelWidth) = (3, 3)
        (pool.window.strideHeight, pool.window.strideWidth) = (2, 2)
        (pool.window.padTop, pool.window.padLeft) = (1, 1)
        pool.countsPadding = kind == .average
        pool.activation = Activation(.clamp, alpha: -0.2, beta: 0.2)
        return try graph.add(pool, [x], name: "pool")
      }
      try expectSame { graph, x in try graph.add(GlobalPool(kind), [x], name: "pool") }
    }
    try expectSame { graph, x in
      let scale = graph.addConstant("scale", try Shape([4]), random(4, seed: 1))
      let shift = graph.addConstant("shift", try Shape([4]), random(4, seed: 2))
      let y = try graph.add(BatchNorm(), [x, scale, shift], name: "norm")
      var norm = LocalResponseNorm()
      (norm.size, norm.alpha, norm.bias) = (3, 0.4, 2)
      let z = try graph.add(norm, [y], name: "lrn")
      var mean = Mean()
      mean.axes = 0b1010
      return try graph.add(mean, [z], name: "mean")
    }
  }

  @Test func elementsAndMovement() throws {
    try expectSame { graph, x in
      let w = graph.addConstant("w", try Shape([4]), random(4, seed: 1))
      let y = try graph.add(Binary(.multiply), [x, w], name: "scaled")
      let row = graph.addConstant("row", try Shape([5, 1]), random(5, seed: 2))
      let z = try graph.add(Binary(.maximum), [row, y], name: "larger")
      return try graph.add(Softmax(axis: 1), [z], name: "soft")
    }
    for kind in [ActivationKind.sigmoid, .tanh, .hardSigmoid, .hardSwish, .exp] {
      try expectSame { graph, x in
        try graph.add(Unary(Activation(kind, alpha: 0.3, beta: 0.4)), [x], name: "f")
      }
    }
    try expectSame { graph, x in
      var slice = Slice()
      for (axis, range) in [(0, 1, 1), (5, -2, 3), (1, 1, 3), (3, -1, 4)].enumerated() {
        (slice.start[axis], slice.step[axis], slice.count[axis]) = range
      }
      let part = try graph.add(slice, [x], name: "part")
      var pad = Pad()
      (pad.mode, pad.before[2], pad.after[1], pad.before[3]) = (.reflect, 1, 2, 3)
      let padded = try graph.add(pad, [part], name: "padded")
      var turn = Transpose()
      for (axis, source) in [0, 3, 1, 2].enumerated() { turn.permutation[axis] = source }
      let turned = try graph.add(turn, [padded], name: "turned")
      let joined = try graph.add(Concat(axis: 2), [turned, turned], name: "joined")
      let count = graph[joined].shape.elementCount
      let cube = try graph.add(Reshape(try Shape([2, 7, count / 14])), [joined], name: "cube")
      let w = graph.addConstant("w", try Shape([count / 14, 3]), random(count / 14 * 3, seed: 1))
      let dense = try graph.add(Dense(), [cube, w], name: "dense")
      return try graph.add(Reshape(try Shape([1, 3, 7, 2])), [dense], name: "image")
    }
  }

  @Test func aModelKeepsWhatItKnowsAboutItself() throws {
    var graph = Graph()
    let x = graph.addInput("image", Shape(n: 1, h: 2, w: 2, c: 3))
    graph.outputs = [try graph.add(GlobalPool(.average), [x], name: "pool")]
    graph.info.labels = ["background", "a, b", "\u{FC}"]
    (graph.info.hasBackgroundClass, graph.info.outputsProbabilities) = (true, true)
    graph.info["licence"] = "none"
    var preprocessing = Preprocessing()
    (preprocessing.resizeMode, preprocessing.channelOrder) = (.letterbox, .bgr)
    preprocessing.mean = (1.5, 2.25, 1 / 3)
    preprocessing.background = (1, 2, 255)
    graph.info.preprocessing = preprocessing
    let back = try readBack(graph).info
    #expect(back.labels == graph.info.labels)
    #expect(back.hasBackgroundClass && back.outputsProbabilities)
    #expect(back["licence"] == "none")
    #expect("\(try #require(back.preprocessing))" == "\(preprocessing)")
  }

  @Test func whatHasNoFormIsNamed() throws {
    var graph = Graph()
    let x = graph.addInput("image", Shape(n: 1, h: 2, w: 2, c: 3))
    let custom = CustomOperation(name: "acme.scale", attributes: [], shape: graph[x].shape)
    graph.outputs = [try graph.add(custom, [x], name: "mine")]
    #expect {
      _ = try exportONNX(graph)
    } throws: { "\($0)" == "node 'mine' (acme.scale): has no ONNX form" }
    var bytes = Graph()
    let y = bytes.addInput("bytes", Shape(n: 1, h: 2, w: 2, c: 3), type: ZOO_U8)
    bytes.outputs = [try bytes.add(Reshape(try Shape([12])), [y], name: "flat")]
    #expect {
      _ = try exportONNX(bytes)
    } throws: { "\($0)".contains("'bytes' is not float32") }
  }
}
