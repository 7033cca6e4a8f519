// Training with products of bf16: gradients, threads, learning, checkpoints.
import CZoo
import CZooKernels
import EmulatedTiles
import Foundation
import ModelZoo
import Testing
import Zoo
import ZooCompiler
import ZooTrain

/// A layer whose weights and inputs are learned from.
struct RoundedCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let picture: (height: Int, width: Int, channels: Int)
  let build: @Sendable (inout NetworkBuilder, ValueID) throws -> ValueID

  init(
    _ name: String, _ picture: (Int, Int, Int),
    _ build: @escaping @Sendable (inout NetworkBuilder, ValueID) throws -> ValueID
  ) {
    testDescription = name
    self.picture = (picture.0, picture.1, picture.2)
    self.build = build
  }
}

@Suite(.enabled(if: zoo_isa_available(ZOO_ISA_AVX512BF16) != 0, "needs AVX-512 BF16"))
struct RoundedGradientTests {
  /// Odd numbers of pixels, channels that fill no panel, more pixels than one chunk, more weights than one block.
  static let cases: [RoundedCase] = [
    RoundedCase("1x1", (5, 7, 19)) { try $0.convolution("c", $1, channels: 37, kernel: 1) },
    RoundedCase("1x1 of many", (15, 13, 48)) {
      try $0.convolution("c", $1, channels: 32, kernel: 1)
    },
    RoundedCase("3x3 stride 2", (9, 7, 16)) {
      try $0.convolution("c", $1, channels: 33, kernel: 3, stride: 2, padding: .explicit(1))
    },
    RoundedCase("3x3 of three channels", (9, 11, 3)) {
      try $0.convolution("c", $1, channels: 16, kernel: 3, padding: .same)
    },
    RoundedCase("3x3, more than a block", (5, 3, 70)) {
      try $0.convolution("c", $1, channels: 150, kernel: 3, stride: 2, padding: .same)
    },
    RoundedCase("5x5 of few channels", (7, 8, 6)) {
      try $0.convolution("c", $1, channels: 17, kernel: 5)
    },
    RoundedCase("3x3 with groups", (5, 5, 12)) {
      try $0.convolution("c", $1, channels: 6, kernel: 3, padding: .same, groups: 3)
    },
    RoundedCase("dense", (3, 3, 19)) { try $0.dense("d", try $0.flatten($1), 37) },
  ]

  static func workers(_ threads: Int, emulated: Bool = false) throws -> Workers {
    try Workers(threads: threads, isa: ZOO_ISA_AVX512BF16) { kernels in
      guard emulated else { return }
      kernels.bf16_igemm = zoo_f32_igemm_kernel(
        run: emulated_bf16_igemm(), mr: 32, nr: 32, workspace: UInt32(ZOO_TILE_WORKSPACE))
    }
  }

  /// What a pass of a network computes: outputs, gradient of the layer's input, gradients of parameters.
  private struct Results: Equatable {
    var outputs: [Float] = []
    var input: [Float] = []
    var weights: [Float] = []
  }

  /// One pass of `c` behind a 1x1 convolution, so that its input has a gradient.
  private func run(
    _ c: RoundedCase, _ precision: ProductPrecision, _ workers: Workers, isWhole: Bool
  ) throws -> Results {
    var builder = NetworkBuilder(RandomWeights(seed: 5))
    let image = builder.image(height: c.picture.height, width: c.picture.width, channels: 2)
    let x = try builder.convolution(
      "first", image, channels: c.picture.channels, kernel: 1, bias: false)
    let y = try c.build(&builder, x)
    let network = try TrainingNetwork(
      try builder.finish(y), batch: 3, seed: 1, loss: LossFunction(), workers: workers,
      precision: precision)
    var random = RandomStream(seed: 17)
    func fill(_ target: UnsafeMutablePointer<Float>, _ count: Int) {
      for at in 0..<count {
        let value = Float(random.uniform(-2...2))
        target[at] = isWhole ? value.rounded() : value
      }
    }
    fill(network.input.value, network.input.count)
    fill(network.store.weights.base, network.store.weights.count)
    for layer in network.layers { layer.forward() }
    let output = network.logits
    var results = Results()
    results.outputs = Array(UnsafeBufferPointer(start: output.value, count: output.count))
    guard let dy = output.gradient else { return results }
    fill(dy, output.count)
    output.hasGradient = true
    let first = try #require(network.layers.first)
    for layer in network.layers.dropFirst().reversed() { layer.backward() }
    results.input = Array(
      UnsafeBufferPointer(start: first.output.gradient, count: first.output.count))
    for entry in network.store.parameters.dropFirst() {
      results.weights += UnsafeBufferPointer(
        start: network.store.gradients.base + entry.offset, count: entry.shape.elementCount)
    }
    return results
  }

  /// Small integers are bf16 numbers, and their sums exact: every element must be in its place.
  @Test(arguments: cases)
  func integersAreExact(_ c: RoundedCase) throws {
    let expected = try run(c, .f32, try Workers(threads: 1, isa: ZOO_ISA_SCALAR), isWhole: true)
    #expect(Set(expected.weights).count > 10)
    #expect(Set(expected.input).count > 10)
    for threads in 1...3 {
      let rounded = try run(c, .bf16, try RoundedGradientTests.workers(threads), isWhole: true)
      #expect(rounded == expected)
    }
    guard emulated_bf16_igemm() != nil else { return }
    let tiles = try RoundedGradientTests.workers(2, emulated: true)
    #expect(try run(c, .bf16, tiles, isWhole: true) == expected, "by an emulated matrix unit")
  }

  /// Sums of products of numbers with 8 bits: within 1 % of the largest, and not the same.
  @Test(arguments: cases)
  func isCloseToFloats(_ c: RoundedCase) throws {
    let expected = try run(c, .f32, try RoundedGradientTests.workers(2), isWhole: false)
    let rounded = try run(c, .bf16, try RoundedGradientTests.workers(2), isWhole: false)
    for (a, b) in [
      (expected.outputs, rounded.outputs), (expected.input, rounded.input),
      (expected.weights, rounded.weights),
    ] {
      let scale = a.reduce(0) { max($0, abs($1)) }
      let worst = zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
      #expect(worst <= 0.01 * scale)
    }
    #expect(expected.outputs != rounded.outputs)
    #expect(expected.weights != rounded.weights)
  }

  /// Convolutions by Winograd's transforms with rounded weights, and with a matrix unit none.
  @Test(arguments: [false, true])
  func threadsDoNotChangeGradients(emulated: Bool) throws {
    guard !emulated || emulated_bf16_igemm() != nil else { return }
    let c = RoundedCase("two", (17, 14, 16)) {
      let first = try $0.convolution("c1", $1, channels: 80, kernel: 3, padding: .same)
      return try $0.convolution("c2", first, channels: 48, kernel: 3, padding: .same)
    }
    let floats = try run(c, .f32, try RoundedGradientTests.workers(2), isWhole: false)
    var results: [Results] = []
    for threads in 1...3 {
      let workers = try RoundedGradientTests.workers(threads, emulated: emulated)
      results.append(try run(c, .bf16, workers, isWhole: false))
    }
    #expect(results[0] == results[1])
    #expect(results[0] == results[2])
    let scale = floats.weights.reduce(0) { max($0, abs($1)) }
    let worst = zip(floats.weights, results[0].weights).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(worst > 0 && worst <= 0.02 * scale)
  }

  private func recipe(_ precision: ProductPrecision) -> Recipe {
    var recipe = Recipe()
    recipe.architecture = "lenet5"
    recipe.epochs = 4
    recipe.batch = 32
    recipe.precision = precision
    recipe.optimizer.kind = .adam
    recipe.schedule.rate = 0.003
    return recipe
  }

  private func trainer(_ precision: ProductPrecision, threads: Int) throws -> Trainer {
    try Trainer(
      try architecture("lenet5").graph(RandomWeights(seed: 1)), recipe(precision),
      training: try syntheticDigits(1600, seed: 1), validation: try syntheticDigits(400, seed: 2),
      workers: try RoundedGradientTests.workers(threads))
  }

  /// LeNet-5 learns strokes as it does in f32, and a run that was stopped goes on to the same weights on another number of threads.
  @Test func leNetLearnsAndGoesOn() throws {
    let path = NSTemporaryDirectory() + "zoo-checkpoint-bf16-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let whole = try trainer(.bf16, threads: 2)
    #expect(try whole.run() == .finished)
    #expect(whole.history[0].loss > 0.3)
    #expect(whole.history[3].loss < 0.05)
    #expect((whole.history[3].validationAccuracy ?? 0) > 0.97)
    let isFinite = whole.network.store.weights.floats.allSatisfy { $0.isFinite }
    #expect(isFinite)

    let first = try trainer(.bf16, threads: 3)
    var steps = 0
    let ending = try first.run(shouldStop: {
      steps += 1
      return steps >= 120
    })
    #expect(ending == .stopped)
    try Checkpoint.save(first, to: path)
    let second = try trainer(.bf16, threads: 1)
    try Checkpoint.restore(second, from: path)
    #expect(try second.run() == .finished)
    #expect(second.network.store.weights.floats == whole.network.store.weights.floats)

    do {
      try Checkpoint.restore(try trainer(.f32, threads: 1), from: path)
      Issue.record("a checkpoint in bf16 was taken for one in f32")
    } catch {
      #expect("\(error)".contains("checkpoint of a run in bf16, not in f32"))
    }
  }

  @Test func otherCPUsAreRefused() throws {
    do {
      _ = try TrainingNetwork(
        try smallNetwork(), batch: 2, seed: 1, loss: LossFunction(),
        workers: try Workers(threads: 1, isa: ZOO_ISA_AVX2), precision: .bf16)
      Issue.record("bf16 on AVX2")
    } catch {
      #expect("\(error)".contains("needs AVX-512 BF16 or AMX; the kernels here are of avx2"))
    }
  }

  /// Recipes of before there was a choice.
  @Test func recipesWithoutPrecisionAreOfFloats() throws {
    var recipe = Recipe()
    recipe.precision = .bf16
    let encoded = try JSONEncoder().encode(recipe)
    #expect(try JSONDecoder().decode(Recipe.self, from: encoded) == recipe)
    var fields = try #require(
      try JSONSerialization.jsonObject(with: encoded) as? [String: Any])
    fields["precision"] = nil
    let old = try JSONSerialization.data(withJSONObject: fields)
    #expect(try JSONDecoder().decode(Recipe.self, from: old) == Recipe())
  }
}
