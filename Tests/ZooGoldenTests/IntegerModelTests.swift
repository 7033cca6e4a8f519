// Integer networks give the same bits in every layer, whatever computes them.
import CZoo
import CZooPlatform
import Foundation
import TestSupport
import Testing
import Zoo
import ZooCompiler

/// Integer models that ship, and those of ../shared/data if it is here.
private let integerModels: [String] = {
  let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  let zoo = root.appendingPathComponent("zoo").path
  let names = (try? FileManager.default.contentsOfDirectory(atPath: zoo)) ?? []
  let shipped = names.filter { $0.hasSuffix("-int8") }.map { "\(zoo)/\($0)/\($0).zoo" }
  let foreign = [
    "mlperf-tiny/resnet8_cifar10_int8.tflite", "weights/mobilenet_v2_1.0_224_ptq_int8.tflite",
  ]
  .compactMap { sharedData($0) }
  return shipped.sorted() + foreign
}()

private func compiled(_ path: String) throws -> Data {
  guard path.hasSuffix(".tflite") else { return try Data(contentsOf: URL(fileURLWithPath: path)) }
  var graph = try importTFLite(path: path)
  try optimize(&graph)
  return try ModelWriter.encode(try lowerToIntegers(graph))
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
  var state: UInt32 = 7
  for _ in 0..<3 {
    let noise = (0..<runner.input(0).size).map { _ -> UInt8 in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(state >> 24)
    }
    try runner.write(noise, toInput: 0)
    try runner.run()
  }
  return hash
}

struct IntegerModelTests {
  @Test func someModelsShip() { #expect(integerModels.count >= 3) }

  @Test(arguments: integerModels)
  func layersAreTheSameEverywhere(_ path: String) throws {
    let model = try compiled(path)
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
}
