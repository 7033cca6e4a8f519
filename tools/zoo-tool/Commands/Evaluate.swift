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
      DIR is as for 'train'; the test part is used, or the training part where there is no other. Folders of photos
      are named by labels of the model. The exit code is 0 when all images were evaluated.
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

  @Option(help: ArgumentHelp("Write a page about the result.", valueName: "file.html"))
  var report: String?

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
    guard let part = training ? parts.training : parts.test ?? parts.training else {
      throw ToolError("\(data): no such part")
    }
    let dataset = try part.byLabels(of: graph.info)
    let isLive = isatty(STDERR_FILENO) == 1
    let result = try Evaluator(graph, workers: workers, isOptimized: true).run(
      dataset,
      progress: {
        if isLive {
          FileHandle.standardError.write(Data("\r\u{1B}[K\($0) of \(dataset.count)".utf8))
        }
      })
    if isLive { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
    if let report { try write(result, dataset, graph, to: report) }
    if json {
      return print(
        try zoo_tool.json(
          Result(
            model: model, images: result.images, top1: result.top1, top5: result.top5,
            loss: result.loss, imagesPerSecond: result.imagesPerSecond)))
    }
    show(result, dataset)
  }

  private func write(
    _ result: Evaluation, _ dataset: Dataset, _ graph: Graph, to path: String
  ) throws {
    let name = ((model as NSString).lastPathComponent as NSString).deletingPathExtension
    var page = Report(
      network: graph.info["name"] ?? name, subtitle: "Evaluated on \(dataset.name)", graph: graph)
    page.result = Report.Result(
      evaluation: result, data: dataset, model: graph, origin: "model \(name)")
    page.settings = [("data", words(dataset))] + graph.info.card.map { ($0.key, $0.value) }
    page.command = commandLine()
    page.signature = signature()
    try ModelWriter.write(Data(try page.html().utf8), to: path)
  }

  private func show(_ result: Evaluation, _ dataset: Dataset) {
    let names = dataset.classNames
    let rows = result.classResults(names).map { row in
      [
        row.name, String(row.count), String(row.right), percent(row.recall),
        row.precision.map(percent) ?? "-",
        row.confusions.prefix(3).map { "\($0.name) \($0.count)" }.joined(separator: ", "),
      ]
    }
    let head = ["class", "images", "right", "recall", "precision", "taken for"]
    print(table([head] + rows, rightAligned: [1, 2, 3, 4]))
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

extension Dataset {
  /// Photos with the model's classes, each that whose label their folder is named by.
  ///
  /// - Throws: `ToolError` if the model has no such label.
  fileprivate func byLabels(of info: ModelInfo) throws -> Dataset {
    let known = Array(info.labels.dropFirst(info.hasBackgroundClass ? 1 : 0))
    guard !files.isEmpty, !known.isEmpty else { return self }
    let classes = try classNames.map { name in
      guard let index = known.firstIndex(of: name) else {
        let some = known.prefix(3).joined(separator: ", ") + (known.count > 3 ? " ..." : "")
        throw ToolError(
          "\(self.name): no class of the model is called '\(name)'; there are \(some)")
      }
      return Int32(index)
    }
    return try Dataset(
      name: name, height: height, width: width, channels: channels, pixels: pixels,
      labels: labels.map { classes[Int($0)] }, classNames: known, files: files)
  }
}
