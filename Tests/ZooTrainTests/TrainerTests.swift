// Runs that learn, stop, go on and give the same weights everywhere.
import CZoo
import Foundation
import ModelZoo
import Testing
import Zoo
import ZooCompiler
import ZooTrain

struct TrainerTests {
  private func recipe(_ kind: OptimizerSettings.Kind) -> Recipe {
    var recipe = Recipe()
    recipe.architecture = "small"
    recipe.epochs = 3
    recipe.batch = 16
    recipe.optimizer.kind = kind
    recipe.optimizer.decay = 1e-3
    recipe.optimizer.clipNorm = 5
    recipe.schedule.rate = kind == .sgd ? 0.05 : 0.003
    recipe.schedule.kind = .oneCycle
    recipe.schedule.warmUp = 0.3
    recipe.smoothing = 0.1
    recipe.averaging = 0.9
    recipe.augmentation.flip = true
    recipe.augmentation.crop = 1
    recipe.augmentation.rotation = 0.02
    recipe.augmentation.contrast = 0.1
    recipe.augmentation.cutout = 2
    return recipe
  }

  private func trainer(
    _ recipe: Recipe, _ graph: Graph? = nil, threads: Int = 2
  ) throws -> Trainer {
    try Trainer(
      try graph ?? smallNetwork(), recipe, training: try syntheticColours(100, seed: 1),
      validation: try syntheticColours(40, seed: 2), workers: try Workers(threads: threads))
  }

  private func state(_ trainer: Trainer) -> [[Float]] {
    let store = trainer.network.store
    return [store.weights.floats, store.running.floats, trainer.averaged?.floats ?? []]
      + trainer.optimizer.slots.map(\.floats)
  }

  @Test func leNetLearnsStrokes() throws {
    var recipe = Recipe()
    recipe.architecture = "lenet5"
    recipe.epochs = 4
    recipe.batch = 32
    recipe.optimizer.kind = .adam
    recipe.schedule.rate = 0.003
    let trainer = try Trainer(
      try architecture("lenet5").graph(RandomWeights(seed: 1)), recipe,
      training: try syntheticDigits(1600, seed: 1), validation: try syntheticDigits(400, seed: 2),
      workers: try Workers(threads: 2))
    #expect(try trainer.run() == .finished)
    let history = trainer.history
    #expect(history.count == 4)
    #expect(history[0].loss > 0.3)
    #expect(history[3].loss < 0.05)
    #expect((history[3].validationAccuracy ?? 0) > 0.97)
  }

  @Test(arguments: OptimizerSettings.Kind.allCases)
  func threadsDoNotChangeWeights(_ kind: OptimizerSettings.Kind) throws {
    try expectThreadsDoNotMatter(recipe(kind), try smallNetwork())
  }

  @Test func threadsDoNotChangeWeightsOfTransformedConvolutions() throws {
    let graph = try transformedNetwork()
    let node = try #require(graph.nodes.first { $0.name == "c2" })
    let convolution = try #require(node.operation as? Conv2D)
    let batch = Shape(n: recipe(.sgd).batch, h: 8, w: 8, c: 32)
    #expect(Winograd(convolution, x: batch, weights: ZOO_F32, y: batch) != nil)
    try expectThreadsDoNotMatter(recipe(.sgd), graph)
  }

  private func expectThreadsDoNotMatter(_ recipe: Recipe, _ graph: Graph) throws {
    var results: [[[Float]]] = []
    for threads in [1, 2, 3] {
      let trainer = try trainer(recipe, graph, threads: threads)
      #expect(try trainer.run() == .finished)
      results.append(state(trainer))
    }
    #expect(results[0] == results[1])
    #expect(results[0] == results[2])
    let isFinite = results[0][0].allSatisfy { $0.isFinite }
    #expect(isFinite)
  }

  @Test(arguments: [1, 5, 6, 11])
  func goesOnWithoutATrace(_ stop: Int) throws {
    let path = NSTemporaryDirectory() + "zoo-checkpoint-\(stop)-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let whole = try trainer(recipe(.adamw))
    #expect(try whole.run() == .finished)

    let first = try trainer(recipe(.adamw))
    var steps = 0
    let ending = try first.run(shouldStop: {
      steps += 1
      return steps >= stop
    })
    #expect(ending == .stopped)
    try Checkpoint.save(first, to: path)
    let second = try trainer(recipe(.adamw), threads: 1)
    try Checkpoint.restore(second, from: path)
    #expect(second.step == first.step)
    #expect(try second.run() == .finished)
    #expect(state(second) == state(whole))
    #expect(second.history.map(\.loss) == whole.history.map(\.loss))
    #expect(second.history.map(\.validationAccuracy) == whole.history.map(\.validationAccuracy))
  }

  @Test func checkpointsOfOthersAreRefused() throws {
    let path = NSTemporaryDirectory() + "zoo-checkpoint-other-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Checkpoint.save(try trainer(recipe(.sgd)), to: path)
    var other = recipe(.sgd)
    other.architecture = "another"
    #expect(throws: CompileError.self) {
      try Checkpoint.restore(try trainer(other), from: path)
    }
    other = recipe(.sgd)
    other.batch = 8
    #expect(throws: CompileError.self) {
      try Checkpoint.restore(try trainer(other), from: path)
    }
    try Data("no checkpoint".utf8).write(to: URL(fileURLWithPath: path))
    #expect(throws: CompileError.self) {
      try Checkpoint.restore(try trainer(recipe(.sgd)), from: path)
    }
  }

  @Test func aFullDiskLeavesTheOldCheckpoint() throws {
    let path = NSTemporaryDirectory() + "zoo-checkpoint-full-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let trainer = try trainer(recipe(.sgd))
    try Checkpoint.save(trainer, to: path)
    let before = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(throws: CompileError.self) {
      try Checkpoint.save(trainer, to: "/dev/full/checkpoint")
    }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
  }

  @Test func lossesThatAreNotFiniteNameTheLayer() throws {
    var recipe = recipe(.sgd)
    recipe.schedule.rate = 1e30
    recipe.optimizer.clipNorm = 0
    let trainer = try trainer(recipe)
    do {
      _ = try trainer.run()
      Issue.record("a rate of 1e30 went unnoticed")
    } catch {
      #expect("\(error)".contains("first not finite: 'c1'"))
    }
  }

  @Test func patienceEndsARun() throws {
    var recipe = recipe(.sgd)
    recipe.epochs = 50
    recipe.patience = 2
    recipe.validation = 0.2
    recipe.schedule.rate = 1e-9
    let trainer = try trainer(recipe)
    #expect(try trainer.run() == .early)
    #expect(trainer.history.count < 50)
  }

  @Test func frozenParametersStay() throws {
    let graph = try smallNetwork()
    let frozen = Set(
      graph.values.indices.filter { graph.values[$0].name.hasPrefix("c1.") }
        .map { ValueID(index: $0) })
    #expect(frozen.count == 1)
    let trainer = try Trainer(
      graph, recipe(.sgd), training: try syntheticColours(100, seed: 1), validation: nil,
      workers: try Workers(threads: 1), frozen: frozen)
    #expect(try trainer.run() == .finished)
    let trained = trainer.model()
    for (index, value) in graph.values.enumerated() where value.constant != nil {
      let isSame = trained.values[index].constant?.bytes == value.constant?.bytes
      #expect(isSame == value.name.hasPrefix("c1."), "\(value.name)")
    }
  }
}
