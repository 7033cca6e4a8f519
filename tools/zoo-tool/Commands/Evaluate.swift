// How often a model is right.
import ArgumentParser
import CZoo
import Foundation
import Zoo
import ZooCompiler
import ZooTrain

struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure the accuracy of a model on a data set.",
    discussion: """
      DIR is as for 'train'; the test part is used, or the training part where there is no other. The exit code is 0
      when all images were evaluated.
      """)

  @Argument(help: "A .zoo file, or the name of a model.")
  var model: String

  @Option(help: ArgumentHelp("The data.", valueName: "dir"))
  var data: String

  @OptionGroup var execution: ExecutionOptions

  @Flag(help: "Evaluate on the training part.")
  var training = false

  @Flag(help: "Print JSON.")
  var json = false

  struct Result: Encodable {
    let model: String
    let images: Int
    let top1: Double
    let top5: Double
    let loss: Double
    let imagesPerSecond: Double

    enum CodingKeys: String, CodingKey {
      case model, images, top1, top5, loss
      case imagesPerSecond = "images_per_second"
    }
  }

  func run() throws {
    let path = try modelPath(model)
    let graph = try ModelFile(path: path).graph
    let workers = try Workers(threads: execution.threads, isa: execution.isa.value)
    guard let input = graph.inputs.first, graph[input].shape.rank == 4 else {
      throw ToolError("\(path): does not take pictures")
    }
    let parts = try loadDataset(
      data, height: graph[input].shape[1], width: graph[input].shape[2],
      preprocessing: graph.info.preprocessing ?? Preprocessing(), workers)
    guard let dataset = training ? parts.training : parts.test ?? parts.training else {
      throw ToolError("\(data): no such part")
    }
    let isLive = isatty(STDERR_FILENO) == 1
    let result = try Evaluator(graph, workers: workers, isOptimized: true).run(
      dataset,
      progress: {
        if isLive {
          FileHandle.standardError.write(Data("\r\u{1B}[K\($0) of \(dataset.count)".utf8))
        }
      })
    if isLive { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
    if json {
      return print(
        try zoo_tool.json(
          Result(
            model: model, images: result.images, top1: result.top1, top5: result.top5,
            loss: result.loss, imagesPerSecond: result.imagesPerSecond)))
    }
    show(result, dataset)
  }

  private func show(_ result: Evaluation, _ dataset: Dataset) {
    let names = dataset.classNames
    var rows = [["class", "images", "right", "recall", "precision", "taken for"]]
    for c in names.indices {
      let row = result.confusion[c]
      let count = row.reduce(0, +)
      guard count > 0 else { continue }
      let predicted = result.confusion.reduce(0) { $0 + $1[c] }
      let wrong = row.indices.filter { $0 != c && row[$0] > 0 }.sorted { row[$0] > row[$1] }
      rows.append([
        names[c], String(count), String(row[c]), percent(Double(row[c]) / Double(count)),
        predicted == 0 ? "-" : percent(Double(row[c]) / Double(predicted)),
        wrong.prefix(3).map { "\(names[$0]) \(row[$0])" }.joined(separator: ", "),
      ])
    }
    print(table(rows, rightAligned: [1, 2, 3, 4]))
    if names.count <= 20 {
      print("\nconfusion (rows: true class, columns: answer)")
      let short = names.map { String($0.prefix(6)) }
      print(
        table(
          [[""] + short]
            + names.indices.map { c in
              [names[c]] + names.indices.map { String(result.confusion[c][$0]) }
            },
          rightAligned: Set(1...names.count)))
    }
    print(
      "\n\(grouped(result.images)) images: top-1 \(percent(result.top1)), "
        + "top-5 \(percent(result.top5)), loss \(String(format: "%.4f", result.loss)), "
        + String(format: "%.0f images/s", result.imagesPerSecond))
  }
}
