// New heads on trained bases.
import CZoo
import Testing
import Zoo
import ZooCompiler
import ZooTrain

struct TransferTests {
  @Test func headsAreReadOrRefused() throws {
    let head = try Head("flatten, dense:128:relu,dropout:0.5,dense:N")
    #expect(
      head.layers == [.flatten, .dense(128, .clamp), .dropout(0.5), .dense(nil, .none)])
    for text in [
      "", "flatten", "dense", "dense:0", "dense:x", "dense:3:what", "dropout:1,dense:N", "conv:3",
      "dense:N:relu",
    ] {
      #expect(throws: CompileError.self, "\(text)") { try Head(text) }
    }
  }

  @Test func aHeadOnFeaturesEqualsTheWholeNetwork() throws {
    let workers = try Workers(threads: 2)
    let training = try syntheticColours(64, seed: 1)
    var model = try smallNetwork()
    try optimize(&model)
    let (base, features) = try model.base()
    #expect(describe(base[features].shape) == "1x128")
    let head = try Head("dense:16:relu,dense:N")
    let set = try computeFeatures(base, training, workers: workers, batch: 10)
    #expect(set.features.count == 64 * 128)

    var builder = NetworkBuilder(RandomWeights(seed: 1))
    let place = builder.input("features", base[features].shape)
    let output = try head.build(&builder, place, classes: 4)
    let graph = try builder.finish(output)
    var recipe = Recipe()
    recipe.epochs = 20
    recipe.batch = 16
    recipe.schedule.rate = 0.02
    let trainer = try Trainer(graph, recipe, training: set, validation: set, workers: workers)
    #expect(try trainer.run() == .finished)
    #expect((trainer.history.last?.validationAccuracy ?? 0) > 0.95)

    var joined = NetworkBuilder(base, RandomWeights(seed: 1))
    let end = try head.build(&joined, features, classes: 4)
    var whole = try joined.finish(end)
    let trained = trainer.model()
    for index in whole.values.indices where whole.values[index].name.hasPrefix("head.") {
      guard whole.values[index].constant != nil else { continue }
      whole.values[index].constant =
        trained.values.first { $0.name == whole.values[index].name }?.constant
    }
    let result = try Evaluator(whole, workers: workers).run(training)
    let alone = try Evaluator(trained, workers: workers).run(set)
    #expect(result.top1 == alone.top1)
    #expect(abs(result.loss - alone.loss) < 1e-5)
  }

  @Test func basesEndWhereTheyAreCut() throws {
    let model = try smallNetwork()
    let (base, features) = try model.base(cut: "c1")
    #expect(base.nodes.count == 1)
    #expect(describe(base[features].shape) == "1x8x8x8")
    #expect(throws: CompileError.self) { try model.base(cut: "nothing") }
  }
}
