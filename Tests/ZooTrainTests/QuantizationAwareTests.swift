// Training that rounds as the integer network will.
import CZoo
import Testing
import Zoo
import ZooCompiler
import ZooTrain

/// A small network trained on colours, compiled, with ranges for all its values.
private func quantizedColours(_ data: Dataset, _ workers: Workers) throws -> Graph {
  var recipe = Recipe()
  recipe.epochs = 4
  recipe.batch = 16
  recipe.schedule.rate = 0.02
  let trainer = try Trainer(
    smallNetwork(), recipe, training: data, validation: nil, workers: workers)
  _ = try trainer.run()
  var graph = trainer.model()
  try optimize(&graph)
  splitActivations(&graph) { activation, _ in activation.kind != .clamp }
  let shape = graph[graph.inputs[0]].shape
  let writer = InputWriter(
    batch: shape, preprocessing: graph.info.preprocessing ?? Preprocessing())
  let set = CalibrationSet(name: data.name, count: data.count) { index, target in
    var unused = RandomStream(seed: 0)
    writer.write(data, index, Augmentation(), &unused, to: target)
  }
  _ = graph.quantizeActivations(try Calibration(graph, set, 0..<32), method: nil)
  return graph
}

struct QuantizationAwareTests {
  /// What the loss sees in training is what the integer network answers, but for sums that fall on the middle of two steps.
  @Test func trainingSeesTheIntegerNetwork() throws {
    let workers = try Workers(threads: 2)
    let data = try syntheticColours(64, seed: 1)
    let graph = try quantizedColours(data, workers)
    let network = try TrainingNetwork(
      graph, batch: 16, seed: 1, loss: LossFunction(.crossEntropy, smoothing: 0), workers: workers)
    let writer = InputWriter(
      batch: network.input.shape, preprocessing: graph.info.preprocessing ?? Preprocessing())
    for index in 0..<16 {
      var unused = RandomStream(seed: 0)
      writer.write(
        data, index, Augmentation(), &unused, to: network.input.value + index * 8 * 8 * 3)
    }
    let input = Array(UnsafeBufferPointer(start: network.input.value, count: network.input.count))
    let before = network.store.weights.floats
    _ = network.step(labels: Array(data.labels[0..<16]), number: 0)
    #expect(network.store.weights.floats == before, "weights are put back unrounded")

    var headless = graph
    headless.nodes.removeLast()
    headless.outputs = [headless.nodes[headless.nodes.count - 1].output]
    let scale = try #require(headless[headless.outputs[0]].quantization?.scales[0])
    let integer = try lowerToIntegers(try rebatched(headless, batch: 16))
    let runner = try Runner(try ModelWriter.encode(integer))
    try runner.write(input, toInput: 0)
    try runner.run()
    let got = runner.outputFloats(0)
    let steps = got.indices.map { abs(got[$0] - network.logits.value[$0]) / scale }
    #expect((steps.max() ?? 0) < 2.5)
    #expect(steps.filter { $0 > 0.5 }.count <= steps.count / 8)
  }

  @Test func trainingImprovesTheIntegerNetwork() throws {
    let workers = try Workers(threads: 2)
    let data = try syntheticColours(128, seed: 2)
    let graph = try quantizedColours(data, workers)
    let before = try Evaluator(graph, workers: workers).run(data)
    var recipe = Recipe()
    recipe.epochs = 6
    recipe.batch = 16
    recipe.schedule.rate = 0.01
    let trainer = try Trainer(graph, recipe, training: data, validation: data, workers: workers)
    #expect(try trainer.run() == .finished)
    let after = try #require(trainer.evaluation)
    #expect(after.loss < before.loss)
    #expect(after.top1 >= before.top1)
    let integer = try lowerToIntegers(trainer.model())
    #expect(integer[integer.inputs[0]].type == ZOO_I8)
  }
}
