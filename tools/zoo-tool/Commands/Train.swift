// Training a network of the zoo, or a new head on a trained base.
import ArgumentParser
import CZoo
import Foundation
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

      Integers: --qat --from MODEL goes on training a model of floats while it is rounded as its int8 form will be, and writes
      that. A few epochs at a low --rate do.
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

  @Flag(help: "With --from: train the model's int8 form (quantisation-aware training).")
  var qat = false

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

  func validate() throws {
    guard (network == nil) != (from == nil) else {
      throw ValidationError("name a network, or a model by --from, and not both")
    }
    guard from != nil || (!freezeBase && cut == nil && !qat) else {
      throw ValidationError("--freeze-base, --cut and --qat need --from")
    }
    guard !qat || (!freezeBase && cut == nil) else {
      throw ValidationError("--qat trains the model as it is: without --freeze-base and --cut")
    }
    guard !qat || recipe.precision == .f32 else {
      throw ValidationError("--qat computes with the numbers of integers: not in bf16")
    }
    guard (0...1024).contains(threads) else { throw ValidationError("--threads must be 0 to 1024") }
  }

  func run() throws {
    try checkOutput()
    let workers = try Workers(threads: threads, isa: isa.value)
    let job = try TrainingJob(self, workers)
    let trainer = try Trainer(
      job.graph, job.recipe, training: job.training, validation: job.validation, workers: workers)
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
    func isOver() -> Bool { interrupt.isRequested || deadline.map { Date() >= $0 } ?? false }
    let ending = try trainer.run(shouldStop: isOver) { event throws(CompileError) in
      try screen.show(event)
      guard case .epoch(_, let isBest) = event else { return }
      if isBest { try save(job.finish(trainer.model())) }
      try Checkpoint.save(trainer, to: checkpoint)
      page?.note(isBest: isBest)
      write(page, state(trainer))
    }
    screen.end()
    if ending == .stopped {
      try Checkpoint.save(trainer, to: checkpoint)
      write(page, state(trainer) + ", stopped")
      note("stopped after step \(trainer.step) of \(trainer.totalSteps); --resume goes on")
      throw ExitCode(interrupt.isRequested ? 130 : 0)
    }
    write(page, state(trainer) + (ending == .early ? ", ended without improvement" : ", finished"))
    print("epoch \(trainer.bestEpoch): \(percent(trainer.bestAccuracy)) -> \(output)")
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

  /// Refuses early what would fail after an hour.
  private func checkOutput() throws {
    var isDirectory: ObjCBool = false
    let files = FileManager.default
    if files.fileExists(atPath: output, isDirectory: &isDirectory), isDirectory.boolValue {
      throw ToolError("\(output): cannot write: it is a directory")
    }
    // Not by NSString, whose deletingLastPathComponent ends the program for names of one letter (Foundation of Swift 6.3).
    let slash = output.lastIndex(of: "/")
    let folder = slash.map { $0 == output.startIndex ? "/" : String(output[..<$0]) } ?? "."
    guard files.fileExists(atPath: folder, isDirectory: &isDirectory), isDirectory.boolValue else {
      throw ToolError("\(folder): no such folder")
    }
    guard files.isWritableFile(atPath: folder) else {
      throw ToolError("\(folder): cannot write there")
    }
  }

  /// Compiles a trained network into the model file.
  private func save(_ graph: Graph) throws(CompileError) {
    var model = graph
    try optimize(&model)
    if model.isQuantized { model = try lowerToIntegers(model) }
    try ModelWriter.write(try ModelWriter.encode(model), to: output)
  }
}
