// The training loop: epochs, steps, validation, checkpoints.
import Foundation
import Zoo
package import ZooCompiler

/// Trains one network on one data set; can be stopped and continued without a trace in the result.
package final class Trainer {
  package let recipe: Recipe
  package let network: TrainingNetwork
  package let optimizer: Optimizer
  package let training: any TrainingSet
  package let validation: (any TrainingSet)?
  package let averaged: Buffer?
  /// Position: steps done in the whole run.
  package private(set) var step = 0
  package private(set) var history: [EpochRecord] = []
  /// Sums of the epoch in progress.
  package private(set) var partial = Partial()
  package private(set) var bestAccuracy = -1.0
  package private(set) var bestEpoch = 0
  /// What the validation after the latest epoch of this process found.
  package private(set) var evaluation: Evaluation?
  private let writer: InputWriter
  package let workers: Workers

  /// Sums over the steps of an unfinished epoch.
  package struct Partial: Codable, Sendable, Equatable {
    package var loss = 0.0
    package var correct = 0
    package var images = 0
    package var seconds = 0.0
  }

  /// What the caller is told.
  package enum Event {
    case step(epoch: Int, step: Int, of: Int, Partial, rate: Float)
    case epoch(EpochRecord, isBest: Bool)
  }

  /// How a run ended.
  package enum Ending: Equatable {
    case finished
    case stopped
    /// No improvement for `recipe.patience` epochs.
    case early
  }

  /// - Parameter graph: a described network for one image, with first values.
  package init(
    _ graph: Graph, _ recipe: Recipe, training: any TrainingSet,
    validation: (any TrainingSet)?, workers: Workers,
    frozen: Set<ValueID> = []
  ) throws(CompileError) {
    guard recipe.epochs > 0, recipe.batch > 0 else {
      throw CompileError("epochs and batch must be positive")
    }
    guard training.count >= recipe.batch else {
      throw CompileError(
        "\(training.name): \(training.count) images are fewer than a batch of \(recipe.batch)")
    }
    self.recipe = recipe
    self.training = training
    self.validation = validation
    self.workers = workers
    network = try TrainingNetwork(
      graph, batch: recipe.batch, seed: recipe.seed,
      loss: LossFunction(recipe.loss, smoothing: recipe.smoothing), workers: workers,
      frozen: frozen, precision: recipe.precision)
    let classes = network.classCount
    guard classes == training.classNames.count || (classes == 1 && training.classNames.count == 2)
    else {
      throw CompileError(
        "the network tells \(classes) classes, \(training.name) has \(training.classNames.count)")
    }
    writer = InputWriter(
      batch: network.input.shape, preprocessing: graph.info.preprocessing ?? .init())
    optimizer = Optimizer(recipe.optimizer, network.store)
    averaged = recipe.averaging > 0 ? Buffer(count: network.store.weights.count) : nil
    averaged?.floats = network.store.weights.floats
    try training.check(writer)
    try validation?.check(writer)
  }

  /// Images that do not fill a batch wait for another epoch's order.
  package var stepsPerEpoch: Int { training.count / recipe.batch }
  package var totalSteps: Int { stepsPerEpoch * recipe.epochs }

  /// Trains until the end, or until `shouldStop`, asked after every step.
  ///
  /// - Throws: `CompileError` naming the first layer with a NaN or infinity, if the loss becomes one.
  package func run(
    shouldStop: () -> Bool = { false }, _ report: (Event) throws(CompileError) -> Void = { _ in }
  ) throws(CompileError) -> Ending {
    let clock = ContinuousClock()
    while step < totalSteps {
      let epoch = step / stepsPerEpoch
      let order = self.order(epoch)
      while step < (epoch + 1) * stepsPerEpoch {
        let start = clock.now
        let position = step % stepsPerEpoch
        let rate = recipe.schedule.rate(step: step, of: totalSteps)
        let indices = order[position * recipe.batch..<(position + 1) * recipe.batch]
        let result = fillAndStep(Array(indices), epoch)
        guard result.loss.isFinite else {
          let layer = network.firstNonFinite() ?? "the loss"
          throw CompileError(
            "epoch \(epoch + 1), step \(position + 1): the loss is \(result.loss); "
              + "first not finite: '\(layer)'. A lower --rate or --clip may help.")
        }
        optimizer.step(rate: rate, workers)
        average()
        step += 1
        partial.loss += result.loss * Double(recipe.batch)
        partial.correct += result.correct
        partial.images += recipe.batch
        partial.seconds += seconds(clock.now - start)
        try report(
          .step(
            epoch: epoch, step: position + 1, of: stepsPerEpoch, partial, rate: rate))
        if shouldStop() && step < (epoch + 1) * stepsPerEpoch { return .stopped }
      }
      let (record, isBest) = try finishEpoch(epoch)
      try report(.epoch(record, isBest: isBest))
      if recipe.patience > 0, epoch + 1 - bestEpoch >= recipe.patience { return .early }
      if shouldStop() && step < totalSteps { return .stopped }
    }
    return .finished
  }

  private func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
  }

  private func fillAndStep(_ indices: [Int], _ epoch: Int) -> LossResult {
    let elements = network.input.count / recipe.batch
    let target = network.input.value
    let seed = RandomStream(seed: recipe.seed, name: "augmentation").state
    workers.forEachPiece(of: indices.count, size: 8) { part in
      for index in part {
        var random = RandomStream(
          seed: seed, index: UInt64(epoch * training.count + indices[index]))
        training.write(
          indices[index], for: writer, recipe.augmentation, &random,
          to: target + index * elements)
      }
    }
    return network.step(labels: indices.map { training.labels[$0] }, number: step)
  }

  /// The order of images in an epoch.
  private func order(_ epoch: Int) -> [Int] {
    var random = RandomStream(
      seed: RandomStream(seed: recipe.seed, name: "order").state, index: UInt64(epoch))
    return Array(0..<training.count).shuffled(using: &random)
  }

  private func average() {
    guard let averaged else { return }
    // Early averages follow faster: min(decay, (1 + t) / (10 + t)), as TensorFlow does.
    let decay = min(recipe.averaging, Float(1 + step) / Float(10 + step))
    let weights = network.store.weights.base
    workers.forEachPiece(of: averaged.count, size: elementPiece) { part in
      for index in part {
        averaged.base[index] += (1 - decay) * (weights[index] - averaged.base[index])
      }
    }
  }

  private func finishEpoch(_ epoch: Int) throws(CompileError) -> (EpochRecord, Bool) {
    var record = EpochRecord(
      epoch: epoch + 1, steps: step,
      rate: Double(recipe.schedule.rate(step: step - 1, of: totalSteps)),
      loss: partial.loss / Double(max(1, partial.images)),
      accuracy: Double(partial.correct) / Double(max(1, partial.images)), seconds: partial.seconds,
      imagesPerSecond: Double(partial.images) / max(1e-9, partial.seconds))
    partial = Partial()
    if let validation {
      let result = try Evaluator(model(), workers: workers).run(validation)
      record.validationLoss = result.loss
      record.validationAccuracy = result.top1
      evaluation = result
    }
    history.append(record)
    let accuracy = record.validationAccuracy ?? record.accuracy
    // A test set only measures; images held out from training may choose.
    let isBest = recipe.validation > 0 ? accuracy > bestAccuracy : true
    if isBest {
      bestAccuracy = accuracy
      bestEpoch = epoch + 1
    }
    return (record, isBest)
  }

  /// The network as it would be shipped now.
  package func model() -> Graph { network.snapshot(weights: averaged) }

  /// Puts the position and records of a checkpoint back.
  func restore(
    step: Int, partial: Partial, history: [EpochRecord], bestAccuracy: Double, bestEpoch: Int
  ) {
    self.step = step
    self.partial = partial
    self.history = history
    self.bestAccuracy = bestAccuracy
    self.bestEpoch = bestEpoch
  }
}
