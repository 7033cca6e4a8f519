// The report of a run in progress: what it remembers between epochs.
import Foundation
package import ZooCompiler

/// Follows a trainer and writes its page anew after each epoch.
package final class TrainingReport {
  private let path: String
  private let trainer: Trainer
  private let command: String
  private let signature: () -> String
  /// The best epoch seen; after a resume, the state then until an epoch ends.
  private var result: Report.Result?
  private var isOfBest = false

  /// - Parameter signature: who writes the page, asked each time.
  package init(
    _ trainer: Trainer, path: String, command: String, signature: @escaping () -> String
  ) {
    self.trainer = trainer
    self.path = path
    self.command = command
    self.signature = signature
  }

  /// Measures the network of a run that goes on: what earlier epochs found is not in a checkpoint.
  package func measure() throws(CompileError) {
    guard let data = trainer.validation as? Dataset else { return }
    let model = trainer.model()
    result = Report.Result(
      evaluation: try Evaluator(model, workers: trainer.workers).run(data), data: data,
      model: model, origin: "when resumed")
  }

  /// Takes note of a finished epoch.
  package func note(isBest: Bool) {
    guard let data = trainer.validation as? Dataset, let evaluation = trainer.evaluation else {
      return
    }
    let epoch = trainer.history.count
    guard isBest || !isOfBest else { return }
    isOfBest = isBest
    result = Report.Result(
      evaluation: evaluation, data: data, model: trainer.model(),
      origin: (isBest ? "best" : "latest") + " epoch (\(epoch))")
  }

  /// Writes the page.
  ///
  /// - Parameter state: how far the run is, as "epoch 2 of 3".
  /// - Throws: `CompileError` naming the file if it cannot be written.
  package func write(state: String) throws(CompileError) {
    let recipe = trainer.recipe
    var report = Report(
      network: recipe.architecture, subtitle: "Trained on \(trainer.training.name): \(state)",
      graph: trainer.network.graph)
    report.course = Report.Course(
      recipe: recipe, history: trainer.history, bestEpoch: trainer.bestEpoch,
      stepsPerEpoch: trainer.stepsPerEpoch, step: trainer.step)
    report.result = result
    report.settings = [("training data", words(trainer.training))]
    if let validation = trainer.validation {
      report.settings.append(("validation data", words(validation)))
    }
    report.command = command
    report.signature = signature()
    let bytes = Data(try report.html().utf8)
    try ModelWriter.write(bytes, to: path)
  }
}

/// "mnist/train-images: 60,000 images of 28x28, grey, 10 classes".
package func words(_ data: any TrainingSet) -> String {
  let classes = "\(data.classNames.count) classes"
  guard let pictures = data as? Dataset else {
    return "\(data.name): features of \(grouped(data.count)) images, \(classes)"
  }
  return
    "\(data.name): \(grouped(data.count)) images of \(pictures.width)\u{D7}\(pictures.height), "
    + "\(pictures.channels == 1 ? "grey" : "RGB"), \(classes)"
}
