// Networks written as state dictionaries and read again: the same model, bit for bit.
import CZoo
import Foundation
import ModelZoo
import Testing
import Zoo
import ZooCompiler

/// Random weights whose batch norms are not the neutral ones of a fresh network.
private struct Shaken: WeightSource {
  let random = RandomWeights(seed: 7)

  func values(_ parameter: ParameterSpec) -> [Float] {
    let shift: Float
    switch parameter.role {
    case .gamma, .variance: shift = 0.6
    case .beta, .mean: shift = -0.4
    case .bias: shift = -0.3
    default: return random.values(parameter)
    }
    return (0..<parameter.count).map { shift + Float($0 * 37 % 101) / 120 }
  }
}

struct StateDictExportTests {
  private func compiled(_ graph: Graph) throws -> Graph {
    var graph = graph
    try optimize(&graph)
    return graph
  }

  @Test(arguments: allArchitectures.filter { $0.parameterCount < 4_500_000 }.map(\.name))
  func networksComeBack(_ name: String) throws {
    let network = try architecture(name)
    let graph = try compiled(try network.graph(Shaken(), classes: 7))
    // What a .zoo file holds, which is all the exporter sees.
    let stored = try ModelFile(try ModelWriter.encode(graph)).graph
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("\(UUID().uuidString).safetensors").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try writeSafeTensors(try network.stateDict(of: stored), to: path)
    let again = try compiled(try network.graph(try openTensorFile(path), classes: 7))
    #expect(try ModelWriter.encode(again) == ModelWriter.encode(graph))
  }

  @Test func anotherNetworkIsAnError() throws {
    let graph = try compiled(try architecture("lenet5").graph(RandomWeights(seed: 1)))
    #expect {
      _ = try architecture("resnet20-cifar10").stateDict(of: graph)
    } throws: { "\($0)".contains("this is not the network 'resnet20-cifar10'") }
  }

  @Test func weightsOfAnyNetworkAreInPyTorchsOrder() throws {
    var graph = Graph()
    let x = graph.addInput("x", Shape(n: 1, h: 2, w: 2, c: 2))
    let w = graph.addConstant("fc.weight", try Shape([8, 3]), (0..<24).map { Float($0) })
    let flat = try graph.add(Reshape(try Shape([1, 8])), [x], name: "flat")
    graph.outputs = [try graph.add(Dense(), [flat, w], name: "fc")]
    let tensors = try torchTensors(of: graph)
    #expect(tensors.map(\.name) == ["fc.weight"])
    #expect(tensors[0].shape == [3, 8])
    // Output 0; channel 0 of the four pixels, then channel 1.
    #expect(Array(tensors[0].floats.prefix(8)) == [0, 6, 12, 18, 3, 9, 15, 21])
  }
}
