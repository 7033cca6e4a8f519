// The whole state of a run in one safetensors file.
import Foundation
import Zoo
package import ZooCompiler

/// Saves and restores trainers; a restored run goes on as if it had never stopped.
package enum Checkpoint {
  /// What stands in the file beside the tensors.
  private struct State: Codable {
    var version = 1
    var recipe: Recipe
    var step: Int
    var optimizerSteps: Int
    var partial: Trainer.Partial
    var history: [EpochRecord]
    var bestAccuracy: Double
    var bestEpoch: Int
    var trainingImages: Int
  }

  /// Writes the state of `trainer` to `path` through a temporary file: a full disk leaves the old one alone.
  package static func save(_ trainer: Trainer, to path: String) throws(CompileError) {
    let state = State(
      recipe: trainer.recipe, step: trainer.step, optimizerSteps: trainer.optimizer.steps,
      partial: trainer.partial, history: trainer.history, bestAccuracy: trainer.bestAccuracy,
      bestEpoch: trainer.bestEpoch, trainingImages: trainer.training.count)
    guard let json = try? JSONEncoder().encode(state) else {
      throw CompileError("\(path): the state cannot be encoded")
    }
    var tensors: [NamedTensor] = []
    for (prefix, entries, block) in blocks(trainer) {
      for entry in entries {
        tensors.append(
          NamedTensor(
            name: prefix + entry.name, shape: entry.shape.extents,
            floats: Array(
              UnsafeBufferPointer(
                start: block.base + entry.offset, count: entry.shape.elementCount))))
      }
    }
    try writeSafeTensors(
      tensors, metadata: ["zoo.training": String(decoding: json, as: UTF8.self)], to: path)
  }

  /// Puts the state in the file at `path` into `trainer`, which must have been made for the same run.
  package static func restore(_ trainer: Trainer, from path: String) throws(CompileError) {
    let file = try SafeTensors(path: path)
    let state = try state(of: file, path)
    guard state.recipe.architecture == trainer.recipe.architecture else {
      throw CompileError(
        "\(path): checkpoint of '\(state.recipe.architecture)', not of "
          + "'\(trainer.recipe.architecture)'")
    }
    guard state.recipe.precision == trainer.recipe.precision else {
      throw CompileError(
        "\(path): checkpoint of a run in \(state.recipe.precision.rawValue), not in "
          + trainer.recipe.precision.rawValue)
    }
    guard state.recipe == trainer.recipe else {
      throw CompileError("\(path): the checkpoint was made with other settings")
    }
    guard state.trainingImages == trainer.training.count else {
      throw CompileError(
        "\(path): the checkpoint was made with \(state.trainingImages) training images, "
          + "now there are \(trainer.training.count)")
    }
    var values: [(UnsafeMutablePointer<Float>, [Float])] = []
    for (prefix, entries, block) in blocks(trainer) {
      for entry in entries {
        let name = prefix + entry.name
        guard file.shape(name) == entry.shape.extents else {
          throw CompileError(
            "\(path): '\(name)' should be \(entry.shape.extents), is "
              + (file.shape(name).map { "\($0)" } ?? "missing"))
        }
        values.append((block.base + entry.offset, try file.floats(name)))
      }
    }
    for (target, floats) in values { target.update(from: floats, count: floats.count) }
    trainer.optimizer.steps = state.optimizerSteps
    trainer.restore(
      step: state.step, partial: state.partial, history: state.history,
      bestAccuracy: state.bestAccuracy, bestEpoch: state.bestEpoch)
  }

  /// The recipe of the run whose checkpoint is at `path`.
  package static func recipe(_ path: String) throws(CompileError) -> Recipe {
    try state(of: try SafeTensors(path: path), path).recipe
  }

  private static func state(
    of file: SafeTensors, _ path: String
  ) throws(CompileError) -> State {
    guard let text = file.metadata["zoo.training"],
      let state = try? JSONDecoder().decode(State.self, from: Data(text.utf8)), state.version == 1
    else { throw CompileError("\(path): not a checkpoint of zoo-tool train") }
    return state
  }

  private static func blocks(
    _ trainer: Trainer
  ) -> [(prefix: String, entries: [ParameterStore.Entry], block: Buffer)] {
    let store = trainer.network.store
    var result = [
      ("weight/", store.parameters, store.weights), ("running/", store.statistics, store.running),
    ]
    for (index, slot) in trainer.optimizer.slots.enumerated() {
      result.append(("slot\(index)/", store.parameters, slot))
    }
    if let averaged = trainer.averaged { result.append(("average/", store.parameters, averaged)) }
    return result
  }
}
