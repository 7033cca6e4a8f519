// Training a network of the zoo.
import ArgumentParser
import CZoo
import Foundation
import ModelZoo
import Zoo
import ZooCompiler
import ZooTrain

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a network of the zoo from scratch.",
    discussion: """
      DIR holds MNIST-like IDX files (.gz or plain), CIFAR-10 or CIFAR-100 binary batches, or a folder of pictures for
      each class (with train/ and validation/ or test/ above them, if it is split already).

      A checkpoint (OUT.checkpoint) is saved after each epoch, and on Ctrl-C; --resume goes on from it as if there had
      been no interruption.
      """)

  @Argument(help: "Name of the network; 'zoo-tool list --architectures' shows them.")
  var network: String

  @Option(help: ArgumentHelp("The data.", valueName: "dir"))
  var data: String

  @Option(name: .shortAndLong, help: ArgumentHelp("Where the model goes.", valueName: "file.zoo"))
  var output: String

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

  @Option(
    help: ArgumentHelp("Write a page about the run after each epoch.", valueName: "file.html"))
  var report: String?

  func run() throws {
    let workers = try Workers(threads: threads, isa: isa.value)
    let architecture = try architecture(network)
    let (training, validation) = try recipe.split(try loadDataset(data))
    let recipe = try recipe.recipe(network)
    var graph = try architecture.graph(
      RandomWeights(seed: recipe.seed), classes: training.classNames.count)
    graph.info.labels = training.classNames
    graph.info.outputsProbabilities = true
    graph.info["name"] = (output as NSString).lastPathComponent.replacingOccurrences(
      of: ".zoo", with: "")
    let trainer = try Trainer(
      graph, recipe, training: training, validation: validation, workers: workers)
    let checkpoint = output + ".checkpoint"
    if resume { try Checkpoint.restore(trainer, from: checkpoint) }
    let page = report.map {
      TrainingReport(trainer, path: $0, command: commandLine(), signature: signature)
    }
    // A page before the first epoch: a path that cannot be written is found now, not after it.
    try page?.write(state: state(trainer))
    if resume { try page?.measure() }
    let screen = TrainingScreen(trainer, log: log)
    screen.begin(isResumed: resume)
    let interrupt = Interrupt()
    let deadline = maxMinutes.map { Date().addingTimeInterval($0 * 60) }
    let ending = try trainer.run(
      shouldStop: { interrupt.isRequested || deadline.map { Date() >= $0 } ?? false }
    ) { event throws(CompileError) in
      try screen.show(event)
      guard case .epoch(_, let isBest) = event else { return }
      if isBest { try save(trainer, to: output) }
      try Checkpoint.save(trainer, to: checkpoint)
      page?.note(isBest: isBest)
      write(page, state(trainer))
    }
    if ending == .stopped {
      try Checkpoint.save(trainer, to: checkpoint)
      screen.end()
      write(page, state(trainer) + ", stopped")
      note("stopped; go on with --resume")
      throw ExitCode(interrupt.isRequested ? 130 : 0)
    }
    screen.end()
    write(page, state(trainer) + (ending == .early ? ", ended without improvement" : ", finished"))
    print(
      "best epoch \(trainer.bestEpoch): \(percent(trainer.bestAccuracy)) -> \(output)")
  }

  /// "epoch 2 of 3", or the step in it.
  private func state(_ trainer: Trainer) -> String {
    let (done, rest) = trainer.step.quotientAndRemainder(dividingBy: trainer.stepsPerEpoch)
    return rest == 0
      ? "epoch \(done) of \(trainer.recipe.epochs)"
      : "step \(rest) of \(trainer.stepsPerEpoch) in epoch \(done + 1) of \(trainer.recipe.epochs)"
  }

  /// Writes the page; a run of hours does not end because that fails.
  private func write(_ page: TrainingReport?, _ state: String) {
    do { try page?.write(state: state) } catch { note("warning: \(error)") }
  }

  /// Compiles the present weights into the model file.
  private func save(_ trainer: Trainer, to path: String) throws(CompileError) {
    var model = trainer.model()
    try optimize(&model)
    try ModelWriter.write(try ModelWriter.encode(model), to: path)
  }
}
