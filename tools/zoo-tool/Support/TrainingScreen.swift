// What a person sees while a network is trained.
import Foundation
import ZooCompiler
import ZooTrain

/// A live line on a terminal, a line for each epoch elsewhere, and a log of JSON lines if wanted.
final class TrainingScreen {
  private let trainer: Trainer
  private let log: String?
  private let isLive = isatty(STDERR_FILENO) == 1
  private var lastShown = Date.distantPast
  private var started = Date()
  private var startStep = 0

  init(_ trainer: Trainer, log: String?) {
    self.trainer = trainer
    self.log = log
  }

  func begin(isResumed: Bool) {
    started = Date()
    startStep = trainer.step
    let recipe = trainer.recipe
    note(
      "\(recipe.architecture): \(grouped(trainer.network.store.parameterCount)) parameters, "
        + "\(grouped(trainer.training.count)) images"
        + (trainer.validation.map { ", \(grouped($0.count)) to validate" } ?? "")
        + ", \(recipe.epochs) epochs of \(trainer.stepsPerEpoch) steps"
        + (isResumed ? ", going on after step \(trainer.step)" : ""))
  }

  func show(_ event: Trainer.Event) throws(CompileError) {
    switch event {
    case .step(let epoch, let step, let count, let partial, let rate):
      guard isLive, Date().timeIntervalSince(lastShown) > 0.2 else { return }
      lastShown = Date()
      let images = Double(max(1, partial.images))
      live(
        String(
          format:
            "epoch %d/%d  step %d/%d  loss %.4f  accuracy %.2f %%  rate %.2g  %.0f images/s  ",
          epoch + 1, trainer.recipe.epochs, step, count, partial.loss / images,
          100 * Double(partial.correct) / images, Double(rate),
          Double(partial.images) / max(1e-9, partial.seconds)) + timeLeft + " left")
    case .epoch(let record, let isBest):
      live("")
      var text = String(
        format: "epoch %d/%d  loss %.4f  accuracy %.2f %%", record.epoch, trainer.recipe.epochs,
        record.loss, 100 * record.accuracy)
      if let loss = record.validationLoss, let accuracy = record.validationAccuracy {
        text += String(format: "  validation %.4f  %.2f %%", loss, 100 * accuracy)
      }
      text += String(
        format: "  rate %.2g  %.0f images/s  %@ left", record.rate, record.imagesPerSecond,
        timeLeft)
      note(text + (isBest ? "  best" : ""))
      if let log { try append(record, to: log) }
    }
  }

  func end() { live("") }

  private var timeLeft: String {
    let done = max(1, trainer.step - startStep)
    let seconds =
      Date().timeIntervalSince(started) / Double(done) * Double(trainer.totalSteps - trainer.step)
    return duration(seconds: seconds)
  }

  private func live(_ text: String) {
    guard isLive else { return }
    let line = String(text.prefix(max(1, terminalWidth - 1)))
    FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8))
  }

  private func append(_ record: EpochRecord, to path: String) throws(CompileError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    guard var line = try? encoder.encode(record) else { return }
    line.append(10)
    if !FileManager.default.fileExists(atPath: path) {
      guard FileManager.default.createFile(atPath: path, contents: nil) else {
        throw CompileError("\(path): cannot create")
      }
    }
    guard let file = FileHandle(forWritingAtPath: path) else {
      throw CompileError("\(path): cannot write")
    }
    defer { try? file.close() }
    do {
      try file.seekToEnd()
      try file.write(contentsOf: line)
    } catch { throw CompileError("\(path): cannot write: \(reason(error))") }
  }
}
