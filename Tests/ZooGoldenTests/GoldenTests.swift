// Trained networks on real photos, against the outputs that their own runtimes gave.
import CZoo
import CZooPlatform
import Foundation
import TestSupport
import Testing
import Zoo
import ZooCompiler

/// A network of ../shared/data/weights with its column of golden.csv.
struct GoldenNetwork: CustomTestStringConvertible, Sendable {
  var file: String
  /// As golden.csv names it.
  var name: String
  /// x is made from bytes as (byte / 255 - mean) / deviation.
  var mean: [Float]
  var deviation: [Float]
  var isBGR = false
  /// Classes before the first of ImageNet.
  var background = 0
  /// Largest difference as a part of the largest output.
  var tolerance = 1e-4
  var testDescription: String { file }

  static let all = [
    GoldenNetwork(
      file: "squeezenet1.1.onnx", name: "derived-onnx/squeezenet1.1_float32_from_webnn_npy.onnx",
      mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225]),
    GoldenNetwork(
      file: "mobilenet_v1_0.25_224_float.tflite",
      name: "tflite-support/mobilenet_v1_0.25_224_1_default_1.tflite",
      mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5], background: 1),
    // Its runtime rounds to 11 bits after every layer; Zoo computes in single precision.
    GoldenNetwork(
      file: "squeezenet_fp16.onnx", name: "winml/SqueezeNet_fp16.onnx",
      mean: [104 / 255, 117 / 255, 123 / 255], deviation: [1 / 255, 1 / 255, 1 / 255], isBGR: true,
      tolerance: 1e-3),
  ]

  /// The file of raw outputs, one row per picture.
  var outputs: String? {
    let base = name.replacing("/", with: "__").replacing(/\.\w+$/, with: "")
    return sharedData("golden/\(base).npy")
  }

  func input(_ pixels: [UInt8]) -> [Float] {
    pixels.indices.map { index in
      let channel = index % 3
      let byte = pixels[isBGR ? index - channel + 2 - channel : index]
      return (Float(byte) / 255 - mean[channel]) / deviation[channel]
    }
  }

  func compile() throws -> Data {
    let path = try #require(sharedData("weights/" + file))
    var graph = try file.hasSuffix(".onnx") ? importONNX(path: path) : importTFLite(path: path)
    try optimize(&graph)
    return try ModelWriter.encode(graph)
  }
}

private func outputs(_ runner: Runner, _ inputs: [[Float]]) throws -> [[Float]] {
  try inputs.map {
    try runner.write($0, toInput: 0)
    try runner.run()
    return runner.outputFloats(0)
  }
}

/// The largest difference of two outputs as a part of the largest wanted one.
private func difference(_ got: [Float], _ want: [Float]) -> Double {
  let largest = want.map { abs(Double($0)) }.max() ?? 0
  return zip(got, want).map { abs(Double($0) - Double($1)) / largest }.max() ?? .infinity
}

/// Indices of the largest values, best first.
private func best(_ count: Int, _ values: [Float]) -> [Int] {
  Array(values.indices.sorted { values[$0] > values[$1] }.prefix(count))
}

@Suite(.enabled(if: sharedData("golden") != nil, "skipped: ../shared/data/golden is not here"))
struct GoldenTests {
  @Test(arguments: GoldenNetwork.all)
  func outputsAreThoseOfTheReference(_ network: GoldenNetwork) throws {
    let answers = try goldenAnswers(network.name)
    let wanted = try goldenRows(try #require(network.outputs))
    #expect(answers.count == 20 && wanted.count == 20)
    let inputs = try answers.map { network.input(try goldenPixels($0.picture)) }
    let model = try network.compile()

    let alone = try outputs(Runner(model), inputs)
    var worst = 0.0
    for (index, answer) in answers.enumerated() {
      worst = max(worst, difference(alone[index], wanted[index]))
      #expect(best(5, alone[index]).map { $0 - network.background } == answer.top5, "\(answer)")
    }
    #expect(worst <= network.tolerance, "\(worst) of the largest output")

    let pool = zoo_platform_pool_create(2)
    defer { zoo_platform_pool_destroy(pool) }
    let parallel = zoo_parallel(
      context: UnsafeMutableRawPointer(pool), thread_count: 2, run: zoo_platform_pool_run)
    #expect(try outputs(Runner(model, parallel: parallel), inputs) == alone, "threads change bits")

    for isa in availableISAs {
      let got = try outputs(Runner(model, isa: isa), inputs)
      for (index, output) in got.enumerated() {
        #expect(difference(output, alone[index]) <= 1e-4, "\(name(of: isa)), \(answers[index])")
      }
    }
  }
}
