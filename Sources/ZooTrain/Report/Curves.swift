// The charts of a training run.
import Foundation
import ZooCompiler

/// Loss, accuracy and learning rate over the epochs of a run, on the same horizontal axis.
struct Curves {
  private let course: Report.Course
  private let x: Axis

  init(_ course: Report.Course) {
    self.course = course
    x = Axis([], least: 0, most: Double(course.recipe.epochs), tickCount: 6, isWhole: true)
  }

  func figures() -> [String] {
    (course.history.isEmpty ? [] : [loss(), accuracy()]) + [rate()]
  }

  private func points(_ value: (EpochRecord) -> Double?) -> [(x: Double, y: Double)] {
    course.history.compactMap { record in value(record).map { (Double(record.epoch), $0) } }
  }

  /// A ring around the best epoch, on the curve that decided.
  private func best(_ value: (EpochRecord) -> Double?) -> (x: Double, y: Double, name: String)? {
    let epoch = course.bestEpoch
    guard epoch > 0, epoch <= course.history.count, let y = value(course.history[epoch - 1])
    else { return nil }
    return (Double(epoch), y, "best epoch: \(epoch)")
  }

  private func loss() -> String {
    let training = points(\.loss)
    let validation = points(\.validationLoss)
    let all = (training + validation).map(\.y).filter { $0.isFinite && $0 > 0 }
    // A loss that falls a hundredfold would lie flat on a linear axis.
    let isSteep = (all.max() ?? 1) > 15 * (all.min() ?? 1)
    return Chart(
      title: isSteep ? "Loss (log)" : "Loss",
      lines: [
        .init(name: "training", kind: .training, points: training),
        .init(name: "validation", kind: .validation, points: validation),
      ], x: x, y: Axis(all, least: isSteep ? nil : 0, isLogarithmic: isSteep), format: plain,
      highlight: best { $0.validationLoss ?? $0.loss }
    ).figure()
  }

  private func accuracy() -> String {
    let training = points(\.accuracy)
    let validation = points(\.validationAccuracy)
    let all = (training + validation).map { $0.y * 100 }
    let scaled = { (points: [(x: Double, y: Double)]) in points.map { ($0.x, $0.y * 100) } }
    var ring = best { $0.validationAccuracy ?? $0.accuracy }
    ring?.y *= 100
    let rough = Axis(all)
    return Chart(
      title: "Accuracy",
      lines: [
        .init(name: "training", kind: .training, points: scaled(training)),
        .init(name: "validation", kind: .validation, points: scaled(validation)),
      ], x: x, y: rough.high > 100 ? Axis(all, most: 100) : rough,
      format: { plain($0) + " %" }, highlight: ring
    ).figure()
  }

  private func rate() -> String {
    let total = course.stepsPerEpoch * course.recipe.epochs
    let steps = Set((0...240).map { min(total - 1, $0 * total / 240) }).sorted()
    let all = steps.map { step in
      (
        x: Double(step) / Double(max(1, course.stepsPerEpoch)),
        y: Double(course.recipe.schedule.rate(step: step, of: total))
      )
    }
    let now = Double(course.step) / Double(max(1, course.stepsPerEpoch))
    let past = all.filter { $0.x <= now }
    let future = all.filter { $0.x >= now }
    return Chart(
      title: "Learning rate",
      lines: [
        .init(name: "so far", kind: .past, points: past, isMarked: false),
        .init(name: "to come", kind: .future, points: future, isMarked: false),
      ].filter { $0.points.count > 1 }, x: x, y: Axis(all.map(\.y), least: 0), format: plain
    ).figure()
  }
}
