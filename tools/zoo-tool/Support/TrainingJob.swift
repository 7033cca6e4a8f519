// What a training run needs, from the options of the command.
import CZoo
import Foundation
import ModelZoo
import Zoo
import ZooCompiler
import ZooTrain

/// What is trained on what, and how the shipped model follows.
struct TrainingJob {
  let graph: Graph
  let recipe: Recipe
  let training: any TrainingSet
  let validation: (any TrainingSet)?
  /// From the trained network to the one that ships.
  var finish: (Graph) throws(CompileError) -> Graph = { graph throws(CompileError) in graph }

  private init(
    graph: Graph, recipe: Recipe, training: any TrainingSet, validation: (any TrainingSet)?
  ) {
    self.graph = graph
    self.recipe = recipe
    self.training = training
    self.validation = validation
  }

  init(_ options: Train, _ workers: Workers) throws {
    if let model = options.from, options.qat {
      self = try TrainingJob.integers(model, options, workers)
    } else if let model = options.from {
      self = try TrainingJob.transfer(model, options, workers)
    } else {
      self = try TrainingJob.scratch(options.network ?? "", options, workers)
    }
  }

  private static func scratch(
    _ name: String, _ options: Train, _ workers: Workers
  ) throws -> TrainingJob {
    let architecture = try architecture(name)
    let loaded = try loadDataset(
      options.data, height: architecture.input.height, width: architecture.input.width,
      preprocessing: architecture.preprocessing, workers)
    let (training, validation) = try options.recipe.split(loaded)
    var graph = try architecture.graph(
      RandomWeights(seed: options.recipe.seed), classes: training.classNames.count)
    describe(&graph, training, options)
    return TrainingJob(
      graph: graph, recipe: try options.recipe.recipe(architecture.name), training: training,
      validation: validation)
  }

  /// A model of floats that goes on training as the integer network it will be.
  private static func integers(
    _ name: String, _ options: Train, _ workers: Workers
  ) throws -> TrainingJob {
    var graph = try ModelFile(path: try modelPath(name)).graph
    guard let input = graph.inputs.first, graph.inputs.count == 1, graph[input].shape.rank == 4
    else {
      throw ToolError("\(name): does not take one picture")
    }
    guard graph[input].type == ZOO_F32 else {
      throw ToolError("\(name): computes in integers already")
    }
    let shape = graph[input].shape
    let preprocessing = graph.info.preprocessing ?? Preprocessing()
    let (training, validation) = try options.recipe.split(
      try loadDataset(
        options.data, height: shape[1], width: shape[2], preprocessing: preprocessing, workers))
    splitActivations(&graph) { activation, _ in activation.kind != .clamp }
    let set = calibrationSet(training, graph, input)
    let calibration = try Calibration(
      graph, set, 0..<min(128, set.count), parallel: workers.runtime.pointee.parallel)
    _ = graph.quantizeActivations(calibration, method: nil)
    return TrainingJob(
      graph: graph, recipe: try options.recipe.recipe("\(name) in integers"), training: training,
      validation: validation)
  }

  private static func transfer(
    _ name: String, _ options: Train, _ workers: Workers
  ) throws -> TrainingJob {
    let model = try ModelFile(path: try modelPath(name)).graph
    let head = try Head(options.head)
    let (base, features) = try model.base(cut: options.cut)
    guard let input = base.inputs.first, base.inputs.count == 1, base[input].shape.rank == 4 else {
      throw ToolError("\(name): does not take one picture")
    }
    let shape = base[input].shape
    let loaded = try loadDataset(
      options.data, height: shape[1], width: shape[2],
      preprocessing: model.info.preprocessing ?? Preprocessing(), workers)
    let (training, validation) = try options.recipe.split(loaded)
    var settings = try options.recipe.recipe("\(name) + \(head.text)")
    let classes = training.classNames.count

    /// The base with a head whose values come from `source`.
    func joined(_ source: some WeightSource) throws(CompileError) -> Graph {
      var builder = NetworkBuilder(base, source)
      let output = try head.build(&builder, features, classes: classes)
      var graph = try builder.finish(output)
      graph.info.hasBackgroundClass = false
      describe(&graph, training, options)
      return graph
    }
    guard options.freezeBase else {
      return TrainingJob(
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
    var job = TrainingJob(
      graph: graph, recipe: settings, training: try compute(training),
      validation: try validation.map(compute))
    job.finish = { trained throws(CompileError) in try joined(ValuesOf(trained)) }
    return job
  }

  private static func describe(_ graph: inout Graph, _ training: Dataset, _ options: Train) {
    graph.info.labels = training.classNames
    graph.info.outputsProbabilities = graph.nodes.last?.operation is Softmax
    graph.info["name"] =
      ((options.output as NSString).lastPathComponent as NSString).deletingPathExtension
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
