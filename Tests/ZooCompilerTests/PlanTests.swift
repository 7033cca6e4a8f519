// The memory plan on random graphs and real networks.
import CZoo
import Foundation
import TestSupport
import Testing
import Zoo
import ZooCompiler

/// A random network of convolutions, sums, concatenations, reshapes and activations on 8 x 8 images.
func randomGraph(seed: UInt64) throws -> Graph {
  var generator = SplitMix64(state: seed)
  func pick(_ count: Int) -> Int { Int(generator.next() % UInt64(count)) }
  func weights(_ count: Int) -> [Float] {
    (0..<count).map { _ in Float(generator.next() >> 40) * 0x1p-24 - 0.5 }
  }
  var graph = Graph()
  var images = [graph.addInput("x", Shape(n: 1, h: 8, w: 8, c: 4))]
  for index in 0..<8 + pick(20) {
    let a = images[pick(images.count)]
    let channels = graph[a].shape.last
    let name = "n\(index)"
    switch pick(6) {
    case 0:
      let outputs = [3, 4, 8, 20][pick(4)]
      let w = graph.addConstant(
        name + ".w", try Shape([1, channels, outputs]), weights(channels * outputs))
      images.append(try graph.add(Conv2D(), [a, w], name: name))
    case 1:
      let b = images[pick(images.count)]
      if graph[a].shape == graph[b].shape {
        images.append(try graph.add(Binary(.add), [a, b], name: name))
      }
    case 2 where channels < 64:
      images.append(try graph.add(Concat(axis: 3), [a, images[pick(images.count)]], name: name))
    case 3: images.append(try graph.add(Unary(Activation(.tanh)), [a], name: name))
    case 4:
      let flat = try graph.add(Reshape(try Shape([1, 64 * channels])), [a], name: name + ".flat")
      let soft = try graph.add(Softmax(axis: 1), [flat], name: name + ".soft")
      images.append(try graph.add(Reshape(graph[a].shape), [soft], name: name))
    default:
      var pool = Pool()
      (pool.window.kernelHeight, pool.window.kernelWidth) = (3, 3)
      (pool.window.padTop, pool.window.padLeft) = (1, 1)
      (pool.window.padBottom, pool.window.padRight) = (1, 1)
      images.append(try graph.add(pool, [a], name: name))
    }
  }
  if images.count == 1 { images.append(try graph.add(Unary(.relu), [images[0]], name: "last")) }
  graph.outputs = [images[images.count - 1]]
  return graph
}

struct PlanTests {
  @Test(arguments: 0..<150)
  func randomPlansHoldTheirInvariants(_ seed: Int) throws {
    let graph = try randomGraph(seed: UInt64(seed))
    for bands in [BandPolicy.off, .cache, .memory] {
      let plan = MemoryPlan(graph, bands: bands)
      try plan.check(graph)
      #expect(plan.byteCount >= plan.lowerBound)
    }
  }

  @Test(arguments: 0..<60)
  func passesKeepTheMeaning(_ seed: Int) throws {
    let graph = try randomGraph(seed: UInt64(seed))
    var optimized = graph
    try optimize(&optimized)
    try MemoryPlan(optimized).check(optimized)
    var generator = SplitMix64(state: 99)
    let x = (0..<256).map { _ in Float(generator.next() >> 40) * 0x1p-23 - 1 }
    // One value at a time in memory of its own is the meaning; the plan and the passes must not change it.
    let plain = try Runner(try ModelWriter.encode(graph), isa: ZOO_ISA_SCALAR)
    try plain.write(x, toInput: 0)
    try plain.run()
    let want = plain.outputFloats(0)
    let scale = want.map(abs).max() ?? 1
    for isa in availableISAs {
      let runner = try Runner(try ModelWriter.encode(optimized), isa: isa)
      try runner.write(x, toInput: 0)
      try runner.run()
      let worst = zip(runner.outputFloats(0), want).map { abs($0 - $1) }.max() ?? .infinity
      #expect(worst <= 1e-5 * max(scale, 1), "seed \(seed): \(worst) of \(scale)")
    }
  }

  @Test func filesReadBackAsTheyWereWritten() throws {
    for seed in 0..<20 {
      let graph = try randomGraph(seed: UInt64(seed))
      let data = try ModelWriter.encode(graph)
      let again = try ModelWriter.encode(try ModelFile(data).graph)
      #expect(data == again, "seed \(seed)")
    }
  }
}

struct RealNetworkTests {
  @Test(
    .enabled(if: sharedData("weights") != nil, "skipped: ../shared/data is not here"),
    arguments: [
      "squeezenet1.1.onnx", "squeezenet_fp16.onnx", "cifar10_resnet20.onnx", "mnist_cntk.onnx",
      "mobilenet_v1_0.25_224_float.tflite", "mobilenet_v2_1.0_224_ptq_int8.tflite",
      "mobilenet_v2_1.0_224_quant_uint8.tflite", "cifar10_f.tflite", "cifar10_q.tflite",
    ])
  func plansAreTightAndNoTransposeIsLeft(_ file: String) throws {
    let path = try #require(sharedData("weights/" + file))
    var graph =
      file.hasSuffix(".onnx") ? try importONNX(path: path) : try importTFLite(path: path)
    try optimize(&graph)
    let plan = MemoryPlan(graph)
    try plan.check(graph)
    #expect(
      Double(plan.byteCount) <= 1.02 * Double(plan.lowerBound),
      "\(plan.byteCount) of \(plan.lowerBound)")
    #expect(!graph.nodes.contains { $0.operation is Transpose })
  }

  @Test(
    .enabled(if: sharedData("weights") != nil, "skipped: ../shared/data is not here"),
    arguments: ["weights/mnist_cntk.onnx", "mlperf-tiny/resnet8_cifar10_int8.tflite"])
  func damagedFilesAreErrorsNotCrashes(_ file: String) throws {
    let source = try #require(sharedData(file))
    let data = try Data(contentsOf: URL(fileURLWithPath: source))
    let path = NSTemporaryDirectory() + "zoo-damaged-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    func attempt(_ data: Data) throws {
      try data.write(to: URL(fileURLWithPath: path))
      if file.hasSuffix(".onnx") {
        _ = try? importONNX(path: path)
      } else {
        _ = try? importTFLite(path: path)
      }
    }
    var cuts = 0
    for count in stride(from: 0, to: data.count, by: max(97, data.count / 300)) {
      try attempt(data.prefix(count))
      cuts += 1
    }
    var generator = SplitMix64(state: 5)
    for _ in 0..<300 {
      var changed = data
      changed[Int(generator.next() % UInt64(data.count))] ^= UInt8(generator.next() % 255 + 1)
      try attempt(changed)
    }
    #expect(cuts > 200)
  }
}
