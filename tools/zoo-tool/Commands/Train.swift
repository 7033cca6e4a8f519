// Training a network of the zoo, or a new head on a trained base.
import ArgumentParser
import CZoo
import Foundation
import ModelZoo
import Zoo
import ZooCompiler
import ZooTrain

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a network of the zoo from scratch, or a new head on a trained model.",
    discussion: """
      DIR holds MNIST-like IDX files (.gz or plain), CIFAR-10 or CIFAR-100 binary batches, or a folder of
      pictures for each class (with train/ and validation/ or test/ above them, if it is split already).

      Without --validation the last epoch is kept, and the test part, if there is one, only measures; with it, images
      are held out and the best epoch on them is kept. A checkpoint (OUT.checkpoint) is saved after each epoch and on
      Ctrl-C; --resume goes on from it as if there had been no interruption.

      Transfer learning: --from MODEL replaces the classifier of a trained model by --head and trains all of it, or
      with --freeze-base just the head, on features that are computed once.
      """)

  @Argument(
    help: "Name of the network; 'zoo-tool list --architectures' shows them. Not with --from.")
  var network: String?

  @Option(help: ArgumentHelp("The data.", valueName: "dir"))
  var data: String

  @Option(name: .shortAndLong, help: ArgumentHelp("Where the model goes.", valueName: "file.zoo"))
  var output: String

  @Option(help: ArgumentHelp("A trained model to begin with.", valueName: "model"))
  var from: String?

  @Option(
    help:
      "With --from: the new layers, of flatten, globalpool, dropout:R, dense:COUNT[:relu]; N is the number of classes."
  )
  var head = "globalpool,dropout:0.2,dense:N"

  @Option(
    help: ArgumentHelp(
      "With --from: the last layer of the base that is kept.", valueName: "layer"))
  var cut: String?

  @Flag(help: "With --from: keep the base as it is.")
  var freezeBase = false

  @OptionGroup var recipe: RecipeOptions

  @Option(help: "Threads; 0 means one for each CPU. The weights do not depend on it.")
  var threads = 0

  @Option(help: "Instruction set of the kernels.")
  var isa = ISAName.auto

  @Flag(help: "Go on from the checkpoint.")
  var resume = false

  @Option(help: ArgumentHelp("Stop after this many minutes, as with Ctrl-C.", valueName: "minutes"))
  var maxMinutes: Double?

  @Option(help: ArgumentHelp("Write one JSON line for each epoch.", valueName: "file.jsonl"))
  var log: String?

  func validate() throws {
    guard (network == nil) != (from == nil) else {
      throw ValidationError("name a network, or a model by --from, and not both")
    }
    guard from != nil || (!freezeBase && cut == nil) else {
      throw ValidationError("--freeze-base and --cut need --from")
    }
    guard (0...1024).contains(threads) else { throw ValidationError("--threads must be 0 to 1024") }
  }

  func run() throws {
    try checkOutput()
    let workers = try Workers(threads: threads, isa: isa.value)
    let job = try from.map { try transfer($0, workers) } ?? scratch(workers)
    let trainer = try Trainer(
      job.graph, job.recipe, training: job.training, validation: job.validation, workers: workers)
    let checkpoint = output + ".checkpoint"
    if resume { try Checkpoint.restore(trainer, from: checkpoint) }
    let screen = TrainingScreen(trainer, log: log)
    screen.begin(isResumed: resume)
    let interrupt = Interrupt()
    let deadline = maxMinutes.map { Date().addingTimeInterval($0 * 60) }
    func isOver() -> Bool { interrupt.isRequested || deadline.map { Date() >= $0 } ?? false }
    let ending = try trainer.run(shouldStop: isOver) { event throws(CompileError) in
      try screen.show(event)
      guard case .epoch(_, let isBest) = event else { return }
      if isBest { try save(job.finish(trainer.model())) }
      try Checkpoint.save(trainer, to: checkpoint)
    }
    screen.end()
    if ending == .stopped {
      try Checkpoint.save(trainer, to: checkpoint)
      note("stopped after step \(trainer.step) of \(trainer.totalSteps); --resume goes on")
      throw ExitCode(interrupt.isRequested ? 130 : 0)
    }
    print("epoch \(trainer.bestEpoch): \(percent(trainer.bestAccuracy)) -> \(output)")
  }

  /// Refuses early what would fail after an hour.
  private func checkOutput() throws {
    let folder = (output as NSString).deletingLastPathComponent
    var isDirectory: ObjCBool = false
    let files = FileManager.default
    guard folder.isEmpty || files.fileExists(atPath: folder, isDirectory: &isDirectory),
      folder.isEmpty || isDirectory.boolValue
    else { throw ToolError("\(folder): no such folder") }
    guard files.isWritableFile(atPath: folder.isEmpty ? "." : folder) else {
      throw ToolError("\(folder): cannot write there")
    }
  }

  /// What is trained on what, and how the shipped model follows.
  private struct Job {
    let graph: Graph
    let recipe: Recipe
    let training: any TrainingSet
    let validation: (any TrainingSet)?
    var finish: (Graph) throws(CompileError) -> Graph = { graph throws(CompileError) in graph }
  }

  private func scratch(_ workers: Workers) throws -> Job {
    let architecture = try architecture(network ?? "")
    let loaded = try loadDataset(
      data, height: architecture.input.height, width: architecture.input.width,
      preprocessing: architecture.preprocessing, workers)
    let (training, validation) = try recipe.split(loaded)
    var graph = try architecture.graph(
      RandomWeights(seed: recipe.seed), classes: training.classNames.count)
    describe(&graph, training)
    return Job(
      graph: graph, recipe: try recipe.recipe(architecture.name), training: training,
      validation: validation)
  }

  private func transfer(_ name: String, _ workers: Workers) throws -> Job {
    let model = try ModelFile(path: try modelPath(name)).graph
    let head = try Head(head)
    let (base, features) = try model.base(cut: cut)
    guard let input = base.inputs.first, base.inputs.count == 1, base[input].shape.rank == 4 else {
      throw ToolError("\(name): does not take one picture")
    }
    let shape = base[input].shape
    let loaded = try loadDataset(
      data, height: shape[1], width: shape[2],
      preprocessing: model.info.preprocessing ?? Preprocessing(), workers)
    let (training, validation) = try recipe.split(loaded)
    var settings = try recipe.recipe("\(name) + \(head.text)")
    let classes = training.classNames.count

    /// The base with a head whose values come from `source`.
    func joined(_ source: some WeightSource) throws(CompileError) -> Graph {
      var builder = NetworkBuilder(base, source)
      let output = try head.build(&builder, features, classes: classes)
      var graph = try builder.finish(output)
      graph.info.hasBackgroundClass = false
      describe(&graph, training)
      return graph
    }
    guard freezeBase else {
      return Job(
        graph: try joined(RandomWeights(seed: settings.seed)), recipe: settings,
        training: training, validation: validation)
    }
    settings.augmentation = Augmentation()
    var builder = NetworkBuilder(RandomWeights(seed: settings.seed))
    let place = builder.input("features", base[features].shape)
    let output = try head.build(&builder, place, classes: classes)
    let graph = try builder.finish(output)
    func compute(_ set: Dataset) throws -> FeatureSet {
      let isLive = isatty(STDERR_FILENO) == 1
      defer { if isLive { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) } }
      return try computeFeatures(base, set, workers: workers) {
        guard isLive else { return }
        FileHandle.standardError.write(
          Data("\r\u{1B}[Kfeatures of \($0) of \(set.count) pictures".utf8))
      }
    }
    return Job(
      graph: graph, recipe: settings, training: try compute(training),
      validation: try validation.map(compute),
      finish: { trained throws(CompileError) in try joined(ValuesOf(trained)) })
  }

  private func describe(_ graph: inout Graph, _ training: Dataset) {
    graph.info.labels = training.classNames
    graph.info.outputsProbabilities = true
    graph.info["name"] =
      ((output as NSString).lastPathComponent as NSString).deletingPathExtension
  }

  /// Compiles a trained network into the model file.
  private func save(_ graph: Graph) throws(CompileError) {
    var model = graph
    try optimize(&model)
    try ModelWriter.write(try ModelWriter.encode(model), to: output)
  }
}

/// The constants of another graph, by name.
private struct ValuesOf: WeightSource {
  private let graph: Graph

  init(_ graph: Graph) { self.graph = graph }

  func values(_ parameter: ParameterSpec) throws(CompileError) -> [Float] {
    guard let value = graph.values.first(where: { $0.name == parameter.name }),
      let floats = value.constant?.floats
    else { throw CompileError("no values for '\(parameter.name)'") }
    return floats
  }
}
