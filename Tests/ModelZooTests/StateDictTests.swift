// Tensors of PyTorch files find their places in described networks.
import ModelZoo
import Testing
import Zoo
import ZooCompiler

/// Named tensors in memory, whose elements are 0, 1, 2...
private struct Counting: TensorFile {
  let format = "test"
  let metadata: [String: String] = [:]
  let entries: [(name: String, shape: [Int])]

  init(_ entries: [(String, [Int])]) { self.entries = entries.map { ($0.0, $0.1) } }

  var names: [String] { entries.map(\.name) }
  func shape(_ name: String) -> [Int]? { entries.first { $0.name == name }?.shape }
  func type(_ name: String) -> TensorElement? { shape(name).map { _ in .f32 } }
  func floats(_ name: String) -> [Float] {
    (0..<(shape(name) ?? []).reduce(1, *)).map { Float($0) }
  }
}

struct StateDictTests {
  /// The constant of a network with one layer, filled from a file.
  private func weights(
    _ picture: (height: Int, width: Int, channels: Int), _ file: [(String, [Int])],
    _ build: (inout NetworkBuilder, ValueID) throws(CompileError) -> ValueID
  ) throws -> (shape: [Int], floats: [Float]) {
    let source = StateDictWeights(Counting(file))
    var builder = NetworkBuilder(source)
    let image = builder.image(
      height: picture.height, width: picture.width, channels: picture.channels)
    let output = try build(&builder, image)
    let graph = try builder.finish(output)
    try source.check("test")
    let id = try #require(graph.nodes.last?.inputs[1])
    return (graph[id].shape.extents, try #require(graph.floats(id)))
  }

  @Test func convolutionsWithGroups() throws {
    // Two groups of 3 outputs, 2 inputs each, window 2 x 3.
    let (shape, w) = try weights((5, 5, 4), [("c.weight", [6, 2, 2, 3])]) {
      b, x throws(CompileError) in
      try b.convolution("c", x, channels: 6, kernel: 2, kernelWidth: 3, groups: 2, bias: false)
    }
    #expect(shape == [2, 12, 3])
    for (o, c, i, j) in [(0, 0, 0, 0), (5, 1, 1, 2), (3, 0, 1, 1), (2, 1, 0, 2)] {
      let ours = (o / 3 * 12 + (i * 3 + j) * 2 + c) * 3 + o % 3
      #expect(w[ours] == Float(((o * 2 + c) * 2 + i) * 3 + j))
    }
  }

  @Test func depthwiseConvolutions() throws {
    let (shape, w) = try weights((5, 5, 4), [("d.weight", [4, 1, 3, 3])]) {
      b, x throws(CompileError) in try b.depthwise("d", x, kernel: 3, bias: false)
    }
    #expect(shape == [3, 3, 4])
    #expect(w[(1 * 3 + 2) * 4 + 3] == Float(3 * 9 + 1 * 3 + 2))
  }

  @Test(arguments: [[7, 24], [7, 4, 2, 3]])
  func denseLayersAfterAPicture(_ theirs: [Int]) throws {
    // PyTorch counts (channel, row, column), we (row, column, channel); the rectifier between does not matter.
    let (shape, w) = try weights((2, 3, 4), [("f.weight", theirs)]) { b, x throws(CompileError) in
      try b.dense("f", try b.dropout(try b.relu(try b.flatten(x)), 0.5), 7, bias: false)
    }
    #expect(shape == [24, 7])
    for (o, c, i, j) in [(0, 0, 0, 0), (6, 3, 1, 2), (2, 1, 0, 2)] {
      #expect(w[((i * 3 + j) * 4 + c) * 7 + o] == Float(o * 24 + (c * 2 + i) * 3 + j))
    }
  }

  /// What a PyTorch file of `network` would hold.
  private func complete(_ network: Architecture) throws -> [(String, [Int])] {
    final class Recorder: WeightSource {
      var entries: [(String, [Int])] = []
      func values(_ p: ParameterSpec) -> [Float] {
        let shape: [Int]
        switch p.role {
        case .convolution(let height, let width):
          shape = [
            p.shape[0] * p.shape[2], p.shape[1] / (height * width), height, width,
          ]
        case .depthwise: shape = [p.shape[2], 1, p.shape[0], p.shape[1]]
        case .dense: shape = [p.shape[1], p.shape[0]]
        default: shape = p.shape
        }
        entries.append((p.name, shape))
        if case .mean = p.role {
          entries.append((p.name.replacing("running_mean", with: "num_batches_tracked"), []))
        }
        return [Float](repeating: 0, count: p.count)
      }
    }
    let recorder = Recorder()
    _ = try network.graph(recorder)
    return recorder.entries
  }

  @Test(arguments: ["resnet20-cifar10-a", "mobilenet_v3_small", "mnist-burn", "squeezenet1.1"])
  func completeFilesFit(_ name: String) throws {
    let network = try architecture(name)
    let graph = try network.graph(Counting(try complete(network)))
    #expect(graph.info["architecture"] == name)
    #expect(graph.info.preprocessing != nil)
    #expect(!graph.info.outputsProbabilities)
  }

  @Test func everythingThatDoesNotFitIsListed() throws {
    let network = try architecture("mnist-lenet-relu")
    var entries = try complete(network)
    entries.removeAll { $0.0 == "mnist.conv1.bias" }
    entries = entries.map { $0.0 == "mnist.fc2.weight" ? ($0.0, [120, 10]) : $0 }
    entries += [("extra", [3, 4]), ("means", [1])]
    let error = #expect(throws: CompileError.self) { try network.graph(Counting(entries)) }
    let text = error?.description ?? ""
    #expect(text.contains("3 tensors do not fit the network 'mnist-lenet-relu'"))
    #expect(text.contains("missing    mnist.conv1.bias 6"))
    #expect(text.contains("misshapen  mnist.fc2.weight: expected 10x120, got 120x10"))
    #expect(text.contains("surplus    extra 3x4"))
    #expect(!text.contains("means"))
  }

  @Test(arguments: [
    ("mobilenet_v2", "features.0.0", "conv_stem"),
    ("mobilenet_v2", "features.1.conv.1", "blocks.0.0.conv_pw"),
    ("mobilenet_v2", "features.17.conv.3", "blocks.6.0.bn3"),
    ("mobilenetv3_large_100", "features.4.block.2.fc1", "blocks.2.0.se.conv_reduce"),
    ("mobilenetv3_large_100", "features.16.1", "blocks.6.0.bn1"),
    ("vgg16", "classifier.0", "pre_logits.fc1"),
  ])
  func timmNamesAreKnown(_ name: String, _ ours: String, _ theirs: String) throws {
    let network = try architecture(name)
    #expect(network.aliases[ours] == theirs)
    let entries = try complete(network).map { entry, shape in
      guard let dot = entry.lastIndex(of: "."),
        let alias = network.aliases[String(entry[..<dot])]
      else { return (entry, shape) }
      return (alias + entry[dot...], shape)
    }
    #expect(Set(entries.map(\.0)).count == entries.count)
    guard name != "vgg16" else { return }
    #expect(throws: Never.self) { try network.graph(Counting(entries)) }
  }

  @Test func otherNumbersOfClassesAreTaken() throws {
    let network = try architecture("mnist-lenet-relu")
    let entries = try complete(network).map { name, shape in
      (name, name.hasPrefix("mnist.fc2") ? [5] + shape.dropFirst() : shape)
    }
    let graph = try network.graph(Counting(entries), classes: 5)
    #expect(graph[graph.outputs[0]].shape.last == 5)
  }

  @Test(arguments: [(1000, 1000, "tench"), (1001, 1001, "background"), (10, 0, nil)])
  func labelsAreThoseOfTheUsualWeights(_ classes: Int, _ count: Int, _ first: String?) throws {
    let network = try architecture("squeezenet1.1")
    let entries = try complete(network).map { name, shape in
      (name, name.hasPrefix("classifier.1") ? [classes] + shape.dropFirst() : shape)
    }
    let info = try network.graph(Counting(entries), classes: classes).info
    #expect(info.labels.count == count)
    #expect(info.labels.first == first)
    #expect(info.labels.last == (count > 0 ? "toilet tissue" : nil))
    #expect(info.hasBackgroundClass == (classes == 1001))
    #expect(try network.graph(RandomWeights(seed: 1), classes: classes).info.labels.isEmpty)
  }
}
