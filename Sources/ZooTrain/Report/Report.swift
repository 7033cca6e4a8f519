// What a training run or an evaluation came to, as one page.
import Foundation
import Zoo
package import ZooCompiler

/// The content of a report; parts that are nil are left out.
package struct Report {
  /// A model measured on data.
  package struct Result {
    package var evaluation: Evaluation
    package var data: Dataset
    package var model: Graph
    /// Which model: "epoch 3, the best so far".
    package var origin: String

    package init(evaluation: Evaluation, data: Dataset, model: Graph, origin: String) {
      self.evaluation = evaluation
      self.data = data
      self.model = model
      self.origin = origin
    }
  }

  /// The course of a training run.
  package struct Course {
    package var recipe: Recipe
    package var history: [EpochRecord]
    package var bestEpoch: Int
    package var stepsPerEpoch: Int
    /// Steps done.
    package var step: Int

    package init(
      recipe: Recipe, history: [EpochRecord], bestEpoch: Int, stepsPerEpoch: Int, step: Int
    ) {
      self.recipe = recipe
      self.history = history
      self.bestEpoch = bestEpoch
      self.stepsPerEpoch = stepsPerEpoch
      self.step = step
    }
  }

  /// The network's name.
  package var network: String
  /// What happened to it: "trained on DIR: epoch 2 of 3".
  package var subtitle: String
  /// The network, for its size.
  package var graph: Graph
  package var course: Course?
  package var result: Result?
  /// Pairs for the table of settings, after those of the recipe.
  package var settings: [(name: String, value: String)] = []
  /// The command that was run.
  package var command: String?
  /// When and by what the page was written.
  package var signature = ""

  package init(network: String, subtitle: String, graph: Graph) {
    self.network = network
    self.subtitle = subtitle
    self.graph = graph
  }

  /// The page.
  ///
  /// - Throws: `CompileError` if there is no memory for its pictures.
  package func html() throws(CompileError) -> String {
    var page = Page(
      title: network, subtitle: escapeMarkup(subtitle),
      style: FactList.style + Chart.style + ConfusionTable.style + Thumbnails.style)
    page.add(headline())
    if let course { addCurves(course, to: &page) }
    if let result {
      let names = names(result)
      let confusion = try ConfusionTable.markup(result.evaluation, names)
      page.section(
        "Confusion matrix", note: "\(of(result)). \(confusion.note)", confusion.content)
      try addMistakes(result, to: &page)
      page.section("Classes", classTable(result, names))
    } else {
      page.section(
        "Confusion matrix",
        note: course?.history.isEmpty == true
          ? "Nothing has been measured yet." : "No images were held out, so nothing was measured.",
        "")
    }
    try addFilters(to: &page)
    addSettings(to: &page)
    page.add("<footer>\(escapeMarkup(signature))</footer>")
    return page.html()
  }

  // MARK: Sections

  private func headline() -> String {
    var facts: [(String, String, String)] = []
    if let course, course.bestEpoch > 0, course.bestEpoch <= course.history.count {
      let best = course.history[course.bestEpoch - 1]
      let kind = best.validationAccuracy == nil ? "best training accuracy" : "best accuracy"
      facts.append(
        (kind, percent(best.validationAccuracy ?? best.accuracy), "epoch \(course.bestEpoch)"))
    } else if let result {
      facts.append(("accuracy", percent(result.evaluation.top1), "top-1"))
    }
    if let result {
      if result.evaluation.confusion.count > 5 {
        facts.append(
          ("top-5 accuracy", percent(result.evaluation.top5), course == nil ? "" : result.origin))
      }
      facts.append(("loss", String(format: "%.4f", result.evaluation.loss), "cross-entropy"))
      facts.append(
        (
          "mistakes", grouped(result.evaluation.images - result.evaluation.top1Count),
          "of \(grouped(result.evaluation.images)) images"
        ))
    }
    let costs = graph.nodes.map { Cost($0, graph) }
    facts.append(
      (
        "parameters", grouped(costs.reduce(0) { $0 + $1.parameters }),
        "\(rounded(costs.reduce(0) { $0 + $1.macs })) MACs"
      ))
    if let course, let last = course.history.last {
      facts.append(
        (
          "training time", duration(seconds: course.history.reduce(0) { $0 + $1.seconds }),
          "\(grouped(Int(last.imagesPerSecond.rounded()))) images/s"
        ))
    } else if let result, result.evaluation.seconds > 0 {
      facts.append(
        ("speed", grouped(Int(result.evaluation.imagesPerSecond.rounded())), "images/s"))
    }
    return FactList.markup(facts)
  }

  private func addCurves(_ course: Course, to page: inout Page) {
    let charts = Curves(course).figures()
    page.section(
      "Curves",
      note: course.history.isEmpty
        ? "No epoch is done yet."
        : "Training numbers are means over the epoch, of pictures and weights as they were then, changed at random where the settings say so. The ring is the best epoch.",
      "<div class=\"charts\">\(charts.joined(separator: "\n"))</div>")
  }

  private func addMistakes(_ result: Result, to page: inout Page) throws(CompileError) {
    let count = result.evaluation.images - result.evaluation.top1Count
    guard count > 0 else {
      return page.section("Mistakes", note: "\(of(result)): none.", "")
    }
    let shown = min(Thumbnails.mostMistakes, count)
    page.section(
      "Worst mistakes",
      note:
        "\(of(result)): the \(shown == count ? "" : "\(shown) of ")\(grouped(count)) wrong answers\(shown == count ? "" : " that were given") with the most confidence. The true class, then the answer and its probability.",
      try Thumbnails.mistakes(result.evaluation, result.data))
  }

  private func classTable(_ result: Result, _ names: [String]) -> String {
    let rows = result.evaluation.classResults(names).map { row in
      [
        escapeMarkup(row.name), grouped(row.count), grouped(row.right), percent(row.recall),
        row.precision.map(percent) ?? "\u{2013}",
        row.confusions.prefix(3).map { "\(escapeMarkup($0.name))\u{A0}(\($0.count))" }
          .joined(separator: ", "),
      ]
    }
    return listTable(
      ["class", "images", "right", "recall", "precision", "taken for"], rows,
      numbers: [1, 2, 3, 4])
  }

  private func addFilters(to page: inout Page) throws(CompileError) {
    let model = result?.model ?? graph
    guard let node = firstConvolution(model),
      let filters = FilterTiles(
        node, model, order: model.info.preprocessing?.channelOrder ?? .rgb, limit: 128)
    else { return }
    let (height, width, channels) = filters.extents
    var note =
      "\(grouped(filters.count)) filters of \(height)\u{D7}\(width)\u{D7}\(channels) in <b>\(escapeMarkup(node.name))</b>"
    if !filters.isMatrix && filters.count > filters.tiles.count {
      note += ", the first \(filters.tiles.count) of them"
    }
    note += filters.isMatrix ? ": \(filters.matrixLegend)." : "."
    page.section(
      "First-layer filters",
      note: note + " Mid-grey is zero"
        + (filters.isMatrix ? "." : "; each filter is scaled by itself."),
      try Thumbnails.filters(filters))
  }

  private func addSettings(to page: inout Page) {
    let rows = (course?.recipe.words ?? []) + settings
    let list = rows.map { [escapeMarkup($0.name), escapeMarkup($0.value)] }
    let code = command.map { "<pre><code>\(escapeMarkup($0))</code></pre>" } ?? ""
    guard !list.isEmpty || !code.isEmpty else { return }
    page.section("Settings", (list.isEmpty ? "" : listTable(["setting", "value"], list)) + code)
  }

  // MARK: Words

  /// "12.5 M".
  private func rounded(_ count: Int) -> String {
    switch count {
    case ..<1_000_000: grouped(count)
    case ..<1_000_000_000: String(format: "%.1f M", Double(count) / 1e6)
    default: String(format: "%.2f G", Double(count) / 1e9)
    }
  }

  /// "10,000 images of mnist, epoch 3", as markup.
  private func of(_ result: Result) -> String {
    escapeMarkup(
      "\(grouped(result.evaluation.images)) images of \((result.data.name as NSString).lastPathComponent), \(result.origin)"
    )
  }

  /// A name for every answer: a model may know more classes than the data has.
  private func names(_ result: Result) -> [String] {
    let known = result.data.classNames
    let labels = result.model.info.labels.dropFirst(result.model.info.hasBackgroundClass ? 1 : 0)
    let labelled = Array(labels)
    return result.evaluation.confusion.indices.map { index in
      index < known.count
        ? known[index] : index < labelled.count ? labelled[index] : "class \(index)"
    }
  }
}
