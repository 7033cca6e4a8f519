// Tensors that a session keeps in bf16: which they are, and that answers do not depend on how it runs.
import CZoo
import CZooPlatform
import Foundation
import TestSupport
import Testing
import Zoo
import ZooCompiler

/// Depthwise layers, a transformed convolution, sums in place, concatenations in place, one in the other, and pools.
private func branches(_ activation: Activation = .relu) throws -> Graph {
  var builder = NetworkBuilder(RandomWeights(seed: 9))
  let image = builder.image(height: 33, width: 29, channels: 3)
  var x = try builder.activation(
    try builder.convolution("first", image, channels: 32, kernel: 3, stride: 2, padding: .same),
    activation, "activation")
  x = try builder.relu(try builder.depthwise("depthwise", x, kernel: 3, padding: .same))
  x = try builder.pool(.max, x, kernel: 2, stride: 2)
  let narrow = try builder.relu(
    try builder.convolution("narrow", x, channels: 16, kernel: 1, padding: .same))
  let a = try builder.relu(
    try builder.convolution("a", narrow, channels: 48, kernel: 1, padding: .same))
  let b = try builder.relu(
    try builder.convolution("b", narrow, channels: 16, kernel: 3, padding: .same))
  let inner = try builder.concatenation([a, b])
  let sum = try builder.addition(
    try builder.convolution("c", inner, channels: 64, kernel: 3, padding: .same), inner)
  let c = try builder.relu(sum)
  x = try builder.concatenation([inner, c, narrow])
  x = try builder.convolution("last", x, channels: 20, kernel: 1, padding: .same)
  let pooled = try builder.globalPool(.average, x)
  var graph = try builder.finish(pooled)
  try optimize(&graph)
  return graph
}

struct RoundedTensorTests {
  private static let isa = ZOO_ISA_AVX512BF16

  private func hasRounding() -> Bool {
    if availableISAs.contains(RoundedTensorTests.isa) { return true }
    print("skipped: tensors of bf16 need AVX-512 BF16")
    return false
  }

  /// The outputs of all layers by name: their type, and what they hold.
  private func layers(
    _ model: Data, _ isa: zoo_isa, _ x: [Float], _ parallel: zoo_parallel? = nil,
    hasScratch: Bool = true
  ) throws -> [String: (type: zoo_type, values: [Float])] {
    let runner = try Runner(model, isa: isa, parallel: parallel, hasScratch: hasScratch)
    var seen: [String: (type: zoo_type, values: [Float])] = [:]
    runner.observer = { node, isDone in
      guard isDone, let tensor = node.pointee.outputs?.pointee else { return }
      seen[String(cString: tensor.name)] = (tensor.type, rows(tensor))
    }
    try runner.write(x, toInput: 0)
    try runner.run()
    return seen
  }

  private func withThreeThreads(_ body: (zoo_parallel) throws -> Void) throws {
    let pool = zoo_platform_pool_create(3)
    defer { zoo_platform_pool_destroy(pool) }
    try body(
      zoo_parallel(
        context: UnsafeMutableRawPointer(pool), thread_count: 3, run: zoo_platform_pool_run))
  }

  private func input(_ graph: Graph) -> [Float] {
    var generator = SplitMix64(state: 5)
    return (0..<graph[graph.inputs[0]].shape.elementCount).map { _ in
      Float(generator.next() >> 40) * 0x1p-23 - 1
    }
  }

  /// Also where the activation of a block of few channels passes over floats first.
  @Test(arguments: [true, false], [Activation.relu, Activation(.hardSwish)])
  func layersBetweenRoundedOnesAreRounded(_ hasScratch: Bool, _ activation: Activation) throws {
    guard hasRounding() else { return }
    let graph = try compressWeights(branches(activation), .bf16)
    let model = try ModelWriter.encode(graph, bands: .off)
    let x = input(graph)
    let rounded = try layers(model, RoundedTensorTests.isa, x, hasScratch: hasScratch)
    let plain = try layers(model, ZOO_ISA_AVX512, x, hasScratch: hasScratch)
    // All but the last layer and its mean, which nobody rounds.
    #expect(rounded.values.count { $0.type == ZOO_BF16 } == rounded.count - 2)
    #expect(plain.values.allSatisfy { $0.type == ZOO_F32 })
    let last = graph[graph.outputs[0]].name
    #expect(rounded[last]?.type == ZOO_F32)
    for (name, (_, values)) in rounded {
      let want = try #require(plain[name]).values
      let largest = want.map(abs).max() ?? 0
      for (a, b) in zip(values, want) {
        #expect(abs(a - b) <= 0.03 * largest, "\(name)")
      }
    }
    try withThreeThreads { parallel in
      let shared = try layers(model, RoundedTensorTests.isa, x, parallel, hasScratch: hasScratch)
      for (name, (_, values)) in rounded { #expect(shared[name]?.values == values, "\(name)") }
    }
  }

  /// Squeeze and excitation after a depthwise layer of 5 x 5 taps: the image is bf16 from end to end, its factors are floats.
  @Test(arguments: [true, false], [1, 3])
  func squeezedImagesAreRounded(_ imageIsFirst: Bool, _ batch: Int) throws {
    guard hasRounding() else { return }
    var builder = NetworkBuilder(RandomWeights(seed: 6))
    let image = builder.image(height: 9, width: 11, channels: 6)
    let swish = Activation(.hardSwish)
    var x = try builder.activation(
      try builder.convolution("expand", image, channels: 40, kernel: 1, padding: .same), swish,
      "expanded")
    x = try builder.activation(
      try builder.depthwise("depthwise", x, kernel: 5, padding: .same), swish, "swished")
    let pooled = try builder.globalPool(.average, x)
    let factors = try builder.activation(
      try builder.convolution("excite", pooled, channels: 40, kernel: 1, padding: .same),
      Activation(.sigmoid), "factors")
    x = try builder.multiplication(
      imageIsFirst ? x : factors, imageIsFirst ? factors : x, "product")
    x = try builder.convolution("project", x, channels: 12, kernel: 1, padding: .same)
    var graph = try builder.finish(x)
    if batch > 1 { graph = try rebatched(graph, batch: batch) }
    try optimize(&graph)
    graph = try compressWeights(graph, .bf16)
    let model = try ModelWriter.encode(graph, bands: .off)
    let x0 = input(graph)
    let rounded = try layers(model, RoundedTensorTests.isa, x0)
    let plain = try layers(model, ZOO_ISA_AVX512, x0)
    let kept = rounded.filter { $0.value.type == ZOO_BF16 }
    #expect(kept.count == 3, "\(kept.keys)")
    for (name, (_, values)) in rounded {
      let want = try #require(plain[name]).values
      let largest = want.map(abs).max() ?? 0
      for (a, b) in zip(values, want) { #expect(abs(a - b) <= 0.03 * largest, "\(name)") }
    }
    try withThreeThreads { parallel in
      let shared = try layers(model, RoundedTensorTests.isa, x0, parallel)
      for (name, (_, values)) in rounded { #expect(shared[name]?.values == values, "\(name)") }
    }
  }

  @Test func floatsStayFloats() throws {
    guard hasRounding() else { return }
    let graph = try branches()
    let layers = try layers(
      try ModelWriter.encode(graph, bands: .off), RoundedTensorTests.isa, input(graph))
    #expect(layers.values.allSatisfy { $0.type == ZOO_F32 })
  }

  /// Bands lie elsewhere, and write over what they have read.
  @Test(arguments: 0..<60)
  func chainsGiveTheSameBits(_ seed: Int) throws {
    guard hasRounding() else { return }
    let graph = try compressWeights(randomChain(seed: UInt64(seed)), .bf16)
    let x = input(graph)
    func answer(_ bands: BandPolicy, _ parallel: zoo_parallel?) throws -> [UInt8] {
      let runner = try Runner(
        try ModelWriter.encode(graph, bands: bands), isa: RoundedTensorTests.isa,
        parallel: parallel, hasScratch: false)
      try runner.write(x, toInput: 0)
      try runner.run()
      return runner.outputBytes(0)
    }
    let want = try answer(.off, nil)
    #expect(try answer(.memory, nil) == want, "seed \(seed)")
    try withThreeThreads { parallel in
      let got = try answer(.memory, parallel)
      #expect(got == want, "seed \(seed), threads")
    }
  }

  /// An image of bf16 would lie closer together than the plan says, and the floats that a chain writes over it would overtake it.
  @Test func whatFloatsOvertakeStaysFloats() throws {
    guard hasRounding() else { return }
    var builder = NetworkBuilder(RandomWeights(seed: 4))
    let image = builder.image(height: 24, width: 24, channels: 4)
    let first = try builder.relu(
      try builder.convolution("first", image, channels: 32, kernel: 1, padding: .same))
    var x = try builder.convolution("expand", first, channels: 96, kernel: 1, padding: .same)
    x = try builder.relu(
      try builder.depthwise("middle", try builder.relu(x), kernel: 3, padding: .same))
    x = try builder.convolution("project", x, channels: 32, kernel: 1, padding: .same)
    var graph = try builder.finish(x)
    try optimize(&graph)
    graph = try compressWeights(graph, .bf16)
    func run(_ bands: BandPolicy) throws -> (places: [Range<UInt>], isRounded: Bool, [UInt8]) {
      let runner = try Runner(
        try ModelWriter.encode(graph, bands: bands), isa: RoundedTensorTests.isa, hasScratch: false)
      var tensors: [zoo_tensor] = []
      runner.observer = { node, isDone in
        guard isDone, let tensor = node.pointee.outputs?.pointee else { return }
        tensors.append(tensor)
      }
      try runner.write(input(graph), toInput: 0)
      try runner.run()
      let places = tensors.map {
        UInt(bitPattern: $0.data)..<UInt(bitPattern: $0.data) + UInt($0.size)
      }
      return (places, tensors[0].type == ZOO_BF16, runner.outputBytes(0))
    }
    let (_, plainIsRounded, want) = try run(.off)
    let (places, isRounded, got) = try run(.memory)
    #expect(plainIsRounded)
    // The first layer, and the chain.
    try #require(places.count == 2)
    #expect(places[0].overlaps(places[1]))
    #expect(!isRounded)
    let isSame = got == want
    #expect(isSame)
  }
}

/// The rows of a tensor without what may lie between them.
private func rows(_ tensor: zoo_tensor) -> [Float] {
  let width = tensor.extent.last
  return (0..<tensor.extent.rowCount).flatMap {
    realNumbers(tensor, at: $0 * Int(tensor.row_stride), count: width)
  }
}
