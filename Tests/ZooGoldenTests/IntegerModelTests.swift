// Integer networks give the same bits in every layer, whatever computes them.
import CZoo
import CZooPlatform
import Foundation
import TestSupport
import Testing
import Zoo
import ZooCompiler

private let zoo = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("zoo").path

/// Models of floats that ship, whose forms with activations of 16 bits are tested.
private let wideModels = ["mnist-convnet-a", "photos100"].map { "\(zoo)/\($0)/\($0).zoo" }

/// Integer models that ship, and those of ../shared/data if it is here; and `wideModels`.
private let integerModels: [String] = {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: zoo)) ?? []
  let shipped = names.filter { $0.hasSuffix("-int8") }.map { "\(zoo)/\($0)/\($0).zoo" }
  let foreign = [
    "mlperf-tiny/resnet8_cifar10_int8.tflite", "weights/mobilenet_v2_1.0_224_ptq_int8.tflite",
  ]
  .compactMap { sharedData($0) }
  return shipped.sorted() + foreign + wideModels
}()

private func compiled(_ path: String) throws -> Graph {
  if wideModels.contains(path) { return try widened(try ModelFile(path: path).graph) }
  guard path.hasSuffix(".tflite") else { return try ModelFile(path: path).graph }
  var graph = try importTFLite(path: path)
  try optimize(&graph)
  return try lowerToIntegers(graph)
}

/// `graph` with activations of 16 bits, whose ranges come from noise.
private func widened(_ graph: Graph) throws -> Graph {
  var options = QuantizerOptions()
  options.activations = .int16
  options.maximumLoss = 1
  let count = graph[graph.inputs[0]].shape.elementCount
  let set = CalibrationSet(name: "noise", count: 2) { index, target in
    for (element, byte) in noise(index, count: count).enumerated() {
      target[element] = Float(byte) / 128 - 1
    }
  }
  let result = try Quantizer(set, options).run(graph)
  #expect(result.integer.values.contains { $0.type == ZOO_I16 })
  return result.integer
}

/// FNV-1a over the outputs of all layers, for inputs of fixed noise.
private func layerHash(_ model: Data, _ isa: zoo_isa, _ parallel: zoo_parallel?) throws -> UInt64 {
  let runner = try Runner(model, isa: isa, parallel: parallel)
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  runner.observer = { node, done in
    let tensor = node.pointee.outputs[0]
    guard done, let data = tensor.data else { return }
    let width = Int(tensor.type.byteWidth)
    for row in 0..<tensor.extent.rowCount {
      let bytes = UnsafeRawBufferPointer(
        start: data + row * Int(tensor.row_stride) * width, count: tensor.extent.last * width)
      for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
  }
  for image in 0..<3 {
    try runner.write(noise(image, count: runner.input(0).size), toInput: 0)
    try runner.run()
  }
  return hash
}

private func noise(_ seed: Int, count: Int) -> [UInt8] {
  var state = UInt32(7 + seed)
  return (0..<count).map { _ in
    state = state &* 1_664_525 &+ 1_013_904_223
    return UInt8(state >> 24)
  }
}

/// The outputs of a model for one image of noise.
private func answer(_ model: Data, _ isa: zoo_isa, _ parallel: zoo_parallel?) throws -> [UInt8] {
  let runner = try Runner(model, isa: isa, parallel: parallel)
  try runner.write(noise(0, count: runner.input(0).size), toInput: 0)
  try runner.run()
  return runner.outputBytes(0)
}

struct IntegerModelTests {
  @Test func someModelsShip() { #expect(integerModels.count >= 3) }

  @Test(arguments: integerModels)
  func layersAreTheSameEverywhere(_ path: String) throws {
    let graph = try compiled(path)
    let model = try ModelWriter.encode(graph, bands: .off)
    let want = try layerHash(model, ZOO_ISA_SCALAR, nil)
    for isa in availableISAs {
      #expect(try layerHash(model, isa, nil) == want, "\(name(of: isa))")
      for threads in [2, 3] {
        let pool = zoo_platform_pool_create(UInt32(threads))
        defer { zoo_platform_pool_destroy(pool) }
        let parallel = zoo_parallel(
          context: UnsafeMutableRawPointer(pool), thread_count: UInt32(threads),
          run: zoo_platform_pool_run)
        #expect(try layerHash(model, isa, parallel) == want, "\(name(of: isa)), \(threads) threads")
      }
    }
  }

  /// Bands change what is in memory, not what comes out.
  @Test(arguments: integerModels)
  func bandsGiveTheSameAnswers(_ path: String) throws {
    let graph = try compiled(path)
    let want = try answer(try ModelWriter.encode(graph, bands: .off), ZOO_ISA_SCALAR, nil)
    let pool = zoo_platform_pool_create(3)
    defer { zoo_platform_pool_destroy(pool) }
    let parallel = zoo_parallel(
      context: UnsafeMutableRawPointer(pool), thread_count: 3, run: zoo_platform_pool_run)
    for policy in [BandPolicy.cache, .memory] {
      let model = try ModelWriter.encode(graph, bands: policy)
      for isa in availableISAs {
        #expect(try answer(model, isa, nil) == want, "\(name(of: isa))")
      }
      #expect(try answer(model, ZOO_ISA_AUTO, parallel) == want, "3 threads")
    }
  }
}
