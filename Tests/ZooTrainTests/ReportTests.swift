// The report page: well-formed, complete, and safe from what stands in names.
import Foundation
import FoundationXML
import ModelZoo
import Testing
import Zoo
import ZooCompiler
import ZooTrain

/// Elements and texts of a page that is well-formed; the parser's complaint otherwise.
private final class Outline: NSObject, XMLParserDelegate {
  var elements: [String: Int] = [:]
  var classes: [String: Int] = [:]
  var sources: [String] = []
  var texts = ""
  var headings: [String] = []
  var complaint: String?
  private var isHeading = false

  init(_ page: String) {
    super.init()
    let parser = XMLParser(data: Data(page.utf8))
    parser.delegate = self
    if !parser.parse() {
      complaint = "line \(parser.lineNumber): \(parser.parserError.map { "\($0)" } ?? "unknown")"
    }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    elements[name, default: 0] += 1
    for word in (attributes["class"] ?? "").split(separator: " ") {
      classes[String(word), default: 0] += 1
    }
    if let source = attributes["src"] ?? attributes["href"] { sources.append(source) }
    isHeading = name == "h2"
    if isHeading { headings.append("") }
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    isHeading = false
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    texts += string
    if isHeading { headings[headings.count - 1] += string }
  }
}

struct ReportTests {
  private let nasty = "<b>&\"'\u{1}"

  /// Noise with labels in turn.
  private func dataset(_ names: [String], count: Int, side: Int = 8) throws -> Dataset {
    var random = RandomStream(seed: 5, name: "report")
    return try Dataset(
      name: "made/\(nasty)", height: side, width: side, channels: 3,
      pixels: (0..<count * side * side * 3).map { _ in UInt8(random.below(256)) },
      labels: (0..<count).map { Int32($0 % names.count) }, classNames: names)
  }

  private func network(_ classes: Int, side: Int = 8) throws -> Graph {
    var builder = NetworkBuilder(RandomWeights(seed: 2))
    let image = builder.image(height: side, width: side, channels: 3)
    let conv = try builder.relu(try builder.convolution("\(nasty)1", image, channels: 8, kernel: 3))
    let flat = try builder.flatten(try builder.globalPool(.average, conv))
    let output = try builder.softmax(try builder.dense("fc", flat, classes))
    return try builder.finish(output)
  }

  /// An evaluation with one mistake in four.
  private func evaluation(_ data: Dataset) -> Evaluation {
    let classes = data.classNames.count
    var result = Evaluation()
    result.images = data.count
    result.confusion = Array(repeating: Array(repeating: 0, count: classes), count: classes)
    for index in 0..<data.count {
      let actual = Int(data.labels[index])
      let answer = index % 4 == 3 ? (actual + 1) % classes : actual
      result.confusion[actual][answer] += 1
      if answer == actual {
        result.top1Count += 1
      } else {
        result.mistakes.append(
          .init(
            index: index, actual: actual, predicted: answer,
            probability: 0.99996 - Double(index) / 1e4))
      }
    }
    result.top5Count = data.count
    return result
  }

  /// A record as a log has it.
  private func record(
    _ epoch: Int, loss: Double, validationLoss: Double, validationAccuracy: Double
  ) throws -> EpochRecord {
    let line = """
      {"epoch": \(epoch), "steps": \(epoch * 10), "rate": 0.1, "loss": \(loss), "accuracy": 0.5, "seconds": 61,
      "imagesPerSecond": 1234, "validationLoss": \(validationLoss), "validationAccuracy": \(validationAccuracy)}
      """
    return try JSONDecoder().decode(EpochRecord.self, from: Data(line.utf8))
  }

  private func report(classes: Int, count: Int) throws -> Report {
    let names = [nasty] + (1..<classes).map { "class \($0)" }
    let data = try dataset(names, count: count)
    let graph = try network(classes)
    var report = Report(network: nasty, subtitle: "Evaluated on \(nasty)", graph: graph)
    report.result = Report.Result(
      evaluation: evaluation(data), data: data, model: graph, origin: "model \(nasty)")
    report.settings = [(nasty, nasty)]
    report.command = "zoo-tool \(nasty)"
    report.signature = nasty
    return report
  }

  @Test func pageIsWellFormedWhateverNamesSay() throws {
    let html = try report(classes: 3, count: 400).html()
    let page = Outline(html)
    #expect(page.complaint == nil)
    #expect(!html.contains("<b>&\"") && !html.contains("\u{1}"))
    #expect(page.texts.contains("<b>&\"'\u{FFFD}"))
  }

  @Test func pageNeedsNothingElse() throws {
    let html = try report(classes: 3, count: 400).html()
    for source in Outline(html).sources { #expect(source.hasPrefix("data:image/png;base64,")) }
    for word in ["<script", "<link", "url(", "@import"] { #expect(!html.contains(word)) }
    let addresses = html.replacingOccurrences(of: "http://www.w3.org/", with: "")
    #expect(!addresses.contains("http"), "only names of namespaces")
  }

  @Test func fewClassesAreATableOfNumbers() throws {
    let page = Outline(try report(classes: 3, count: 400).html())
    #expect(
      page.headings == [
        "Confusion matrix", "Worst mistakes", "Classes", "First-layer filters", "Settings",
      ])
    #expect(page.classes["good"] == 3)
    #expect(page.classes["matrix"] == 1)
    // 40 mistakes and 8 filters.
    #expect(page.elements["img"] == 48)
    #expect(page.texts.contains("the 40 of 100 wrong answers"))
    #expect(page.texts.contains("\u{2265} 99.9 %"), "not 100 %, which it is not")
    #expect(page.texts.contains("75.00 %"))
  }

  @Test func manyClassesAreAHeatMapAndTheWorstPairs() throws {
    let page = Outline(try report(classes: 100, count: 800).html())
    #expect(page.complaint == nil)
    #expect(page.classes["heat"] == 1)
    #expect(page.classes["matrix"] == nil)
    #expect(page.texts.contains("taken for"))
  }

  @Test func perfectModelsHaveNoMistakes() throws {
    var report = try report(classes: 3, count: 30)
    report.result?.evaluation.top1Count = 30
    report.result?.evaluation.mistakes = []
    let page = Outline(try report.html())
    #expect(page.headings.contains("Mistakes"))
    #expect(page.texts.contains(": none."))
  }

  @Test func modelsMayKnowMoreClassesThanTheData() throws {
    var report = try report(classes: 3, count: 30)
    report.result?.evaluation.confusion = Array(
      repeating: Array(repeating: 1, count: 5), count: 5)
    let page = Outline(try report.html())
    #expect(page.complaint == nil)
    #expect(page.texts.contains("class 4"))
  }

  @Test func curvesFollowTheHistory() throws {
    var report = try report(classes: 3, count: 30)
    var recipe = Recipe()
    recipe.epochs = 5
    let history = try (1...3).map { epoch in
      try record(
        epoch, loss: 1 / Double(epoch), validationLoss: 0.02 / Double(epoch),
        validationAccuracy: 0.25 * Double(epoch))
    }
    report.course = Report.Course(
      recipe: recipe, history: history, bestEpoch: 3, stepsPerEpoch: 10, step: 30)
    let page = Outline(try report.html())
    #expect(page.complaint == nil)
    #expect(page.headings.first == "Curves")
    #expect(page.elements["svg"] == 3)
    #expect(page.elements["circle"] == 14, "3 points on each of 4 curves, and 2 rings")
    #expect(page.texts.contains("validation, epoch 2: 50 %"))
    #expect(page.texts.contains("Loss (log)"))
    #expect(page.texts.contains("to come"))
    #expect(!page.texts.contains("-0 %"), "no negative zero on an axis")
    #expect(page.texts.contains("3 min 3 s"))
    report.course?.history = []
    report.course?.step = 0
    report.course?.bestEpoch = 0
    report.result = nil
    let empty = Outline(try report.html())
    #expect(empty.complaint == nil)
    #expect(empty.texts.contains("Nothing has been measured yet."))
  }

  @Test func lossesThatAreNotNumbersDoNotBreakThePage() throws {
    var report = try report(classes: 3, count: 30)
    var record = try record(1, loss: 0, validationLoss: 0, validationAccuracy: 0)
    record.loss = .nan
    record.validationLoss = .infinity
    report.course = Report.Course(
      recipe: Recipe(), history: [record], bestEpoch: 1, stepsPerEpoch: 10, step: 10)
    let html = try report.html()
    #expect(Outline(html).complaint == nil)
    #expect(!html.contains("\"nan\"") && !html.contains("\"inf\""))
  }

  @Test func aRunWritesItsPage() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent("report.html").path
    let data = try dataset(["a", "b", nasty], count: 96)
    var recipe = Recipe()
    recipe.architecture = "tiny"
    recipe.epochs = 2
    recipe.batch = 16
    let trainer = try Trainer(
      try network(3), recipe, training: data, validation: data, workers: try Workers(threads: 1))
    let report = TrainingReport(trainer, path: path, command: "train", signature: { "test" })
    try report.write(state: "epoch 0 of 2")
    #expect(Outline(try String(contentsOfFile: path, encoding: .utf8)).elements["svg"] == 1)
    var epochs = 0
    let follow = { (event: Trainer.Event) throws(CompileError) in
      guard case .epoch(_, let isBest) = event else { return }
      epochs += 1
      report.note(isBest: isBest)
      try report.write(state: "epoch \(epochs) of 2")
    }
    _ = try trainer.run(shouldStop: { false }, follow)
    let page = Outline(try String(contentsOfFile: path, encoding: .utf8))
    #expect(page.complaint == nil)
    #expect(page.texts.contains("epoch 2 of 2"))
    #expect(page.elements["svg"] == 3)
    #expect(page.classes["matrix"] == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["report.html"])
    let resumed = TrainingReport(trainer, path: path, command: "train", signature: { "test" })
    try resumed.measure()
    try resumed.write(state: "resumed")
    #expect(try String(contentsOfFile: path, encoding: .utf8).contains("when resumed"))
    let nowhere = TrainingReport(
      trainer, path: "/nowhere/report.html", command: "", signature: { "" })
    #expect(throws: CompileError.self) { try nowhere.write(state: "") }
  }

  @Test func layersHaveSafeFileNames() throws {
    let graph = try network(3)
    let layer = LayerPictures(
      number: 3, of: 4, node: graph.nodes[0], graph: graph,
      maps: FeatureMaps(
        height: 6, width: 6, channels: 300, values: .init(repeating: 1, count: 10800)))
    #expect(layer.stem == "03-b-----1")
    let sheets = layer.sheets()
    #expect(sheets.map(\.file) == ["03-b-----1-filters.png", "03-b-----1.png"])
    #expect(sheets[1].caption == "The first 256 of 300 feature maps of 6\u{D7}6")
    var page = LayerPage(
      model: nasty, photo: "a/\(nasty).jpg", input: ("00-input.png", graph[graph.inputs[0]].shape),
      answers: [(nasty, 0.5)])
    page.add(layer, sheets)
    let outline = Outline(page.finish(signature: nasty))
    #expect(outline.complaint == nil)
    #expect(outline.headings == ["3  <b>&\"'\u{FFFD}1"])
  }
}
