// How good a model is on a data set, through the runtime that its users run.
import CZoo
import Foundation
import Zoo
package import ZooCompiler

/// Counts over a data set.
package struct Evaluation: Codable, Sendable {
  package var images = 0
  package var top1Count = 0
  package var top5Count = 0
  /// Mean cross-entropy.
  package var loss = 0.0
  package var seconds = 0.0
  /// confusion[actual][predicted]
  package var confusion: [[Int]] = []
  /// The images whose wrong answer was given with the most confidence: index, predicted class, its probability.
  package var mistakes: [Mistake] = []

  package struct Mistake: Codable, Sendable {
    package let index: Int
    package let actual: Int
    package let predicted: Int
    package let probability: Double

    package init(index: Int, actual: Int, predicted: Int, probability: Double) {
      self.index = index
      self.actual = actual
      self.predicted = predicted
      self.probability = probability
    }
  }

  package init() {}

  package var top1: Double { images == 0 ? 0 : Double(top1Count) / Double(images) }
  package var top5: Double { images == 0 ? 0 : Double(top5Count) / Double(images) }
  package var imagesPerSecond: Double { seconds > 0 ? Double(images) / seconds : 0 }
}

/// A compiled model that takes batches of a data set.
package struct Evaluator {
  private let runner: Runner
  private let writer: InputWriter
  private let batch: Int
  private let classes: Int
  private let isProbability: Bool
  /// The first class that counts: 1 if class 0 is the background.
  private let firstClass: Int
  private let workers: Workers

  /// Compiles `graph` (as described, trained or read from a file) for batches.
  package init(
    _ graph: Graph, batch: Int = 50, workers: Workers, isOptimized: Bool = false
  ) throws(CompileError) {
    var graph = graph
    if !isOptimized { try optimize(&graph) }
    if graph.isQuantized { graph = try lowerToIntegers(graph) }
    graph = try rebatched(graph, batch: batch)
    guard let input = graph.inputs.first, graph.inputs.count == 1 else {
      throw CompileError("the model does not take one picture")
    }
    guard let output = graph.outputs.first else { throw CompileError("the model has no output") }
    runner = try Runner(
      try ModelWriter.encode(graph), parallel: workers.runtime.pointee.parallel)
    writer = InputWriter(
      batch: graph[input].shape, preprocessing: graph.info.preprocessing ?? Preprocessing())
    self.batch = batch
    classes = graph[output].shape.elementCount / batch
    firstClass = graph.info.hasBackgroundClass ? 1 : 0
    isProbability =
      graph.info.outputsProbabilities
      || graph.nodes.last.map { $0.operation is Softmax && $0.output == output } ?? false
    self.workers = workers
  }

  /// Runs all images of `data`, or those until `shouldStop` says so.
  package func run(
    _ data: any TrainingSet, progress: (Int) -> Void = { _ in }, shouldStop: () -> Bool = { false }
  ) throws(CompileError) -> Evaluation {
    let known = classes - firstClass
    guard data.classNames.count <= max(known, 2) else {
      throw CompileError(
        "\(data.name) has \(data.classNames.count) classes, the model tells \(known)")
    }
    try data.check(writer)
    var result = Evaluation()
    let labels = max(known, 2)
    result.confusion = Array(repeating: Array(repeating: 0, count: labels), count: labels)
    let input = try RealInput(runner.input(0))
    let elements = writer.height * writer.width * writer.channels
    let clock = ContinuousClock()
    let start = clock.now
    var first = 0
    while first < data.count, !shouldStop() {
      let count = min(batch, data.count - first)
      let begin = first
      workers.forEach(count) { index in
        var unused = RandomStream(seed: 0)
        data.write(
          begin + index, for: writer, Augmentation(), &unused, to: input.reals + index * elements)
      }
      input.commit()
      try runner.run()
      let outputs = runner.outputFloats(0)
      for index in 0..<count {
        let row = Array(outputs[index * classes + firstClass..<(index + 1) * classes])
        tally(row, Int(data.labels[first + index]), first + index, &result)
      }
      first += count
      result.images = first
      progress(first)
    }
    result.loss /= Double(max(1, result.images))
    result.seconds =
      Double((clock.now - start).components.seconds)
      + Double((clock.now - start).components.attoseconds) * 1e-18
    result.mistakes.sort { $0.probability > $1.probability }
    return result
  }

  private func tally(_ row: [Float], _ label: Int, _ index: Int, _ result: inout Evaluation) {
    let p: [Double]
    if row.count == 1 {
      let one = isProbability ? Double(row[0]) : 1 / (1 + exp(-Double(row[0])))
      p = [1 - one, one]
    } else if isProbability {
      p = row.map(Double.init)
    } else {
      let peak = Double(row.max() ?? 0)
      let e = row.map { exp(Double($0) - peak) }
      let sum = e.reduce(0, +)
      p = e.map { $0 / sum }
    }
    var best = 0
    for c in p.indices where p[c] > p[best] { best = c }
    let better = p.indices.filter { p[$0] > p[label] || (p[$0] == p[label] && $0 < label) }.count
    if best == label { result.top1Count += 1 }
    if better < 5 { result.top5Count += 1 }
    result.loss -= log(max(p[label], 1e-30))
    result.confusion[label][best] += 1
    if best != label {
      result.mistakes.append(
        Evaluation.Mistake(index: index, actual: label, predicted: best, probability: p[best]))
      if result.mistakes.count > 4096 {
        result.mistakes.sort { $0.probability > $1.probability }
        result.mistakes.removeLast(2048)
      }
    }
  }
}
