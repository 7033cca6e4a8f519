// Where two models begin to differ.
import ArgumentParser
import CZoo
import Foundation
import Zoo
import ZooCompiler

struct Compare: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare two models, or a model with stored outputs, layer by layer.",
    discussion: """
      Both models see the same inputs, each preprocessed as it says. Layers are paired by name, or else by operator and shape
      in their order. For each pair the largest difference is shown, also relative to the largest value of A, and the ratio
      of signal to noise (SQNR); a layer diverges if the relative difference exceeds --tolerance.

        zoo-tool compare resnet.zoo resnet-int8.zoo --data cifar10
        zoo-tool compare squeezenet.zoo golden.npy --images input-224 --order ORDER.txt
      """)

  @Argument(help: "A .zoo file or a model's name.")
  var a: String

  @Argument(help: "Another, or a .npy file with one row of outputs for each input.")
  var b: String

  @Option(help: ArgumentHelp("A data set, as for 'evaluate'.", valueName: "dir"))
  var data: String?

  @Option(help: ArgumentHelp("Photos, or a directory of photos.", valueName: "dir"))
  var images: [String] = []

  @Option(help: ArgumentHelp("Text file with the photos' names in order.", valueName: "file"))
  var order: String?

  @Option(help: "At most this many inputs; without data and images, random numbers.")
  var limit = 100

  @Option(help: "Relative difference above which a layer counts as diverged.")
  var tolerance = 1e-3

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var execution: ExecutionOptions

  func validate() throws {
    guard data == nil || images.isEmpty else {
      throw ValidationError("--data and --images exclude each other")
    }
    guard order == nil || !images.isEmpty else { throw ValidationError("--order needs --images") }
    guard limit > 0 else { throw ValidationError("--limit must be at least 1") }
    guard tolerance > 0 else { throw ValidationError("--tolerance must be above 0") }
  }

  struct Layer: Encodable {
    let name: String
    let other: String
    let shape: [Int]
    let largest: Float
    let relative: Double
    /// Absent where nothing differs.
    let sqnr: Double?

    init(_ name: String, _ other: String, _ shape: [Int], _ difference: Difference) {
      self.name = name
      self.other = other
      self.shape = shape
      largest = difference.largest
      relative = difference.relative
      sqnr = difference.sqnr.isFinite ? difference.sqnr : nil
    }
  }

  struct Report: Encodable {
    let inputs: Int
    let layers: [Layer]
    let output: Layer
    let top1Agreement: Double
    let firstDiverging: String?

    enum CodingKeys: String, CodingKey {
      case inputs, layers, output
      case top1Agreement = "top1_agreement"
      case firstDiverging = "first_diverging"
    }
  }

  func run() throws {
    let model = try ComparedModel(a, execution)
    let inputs =
      if let data {
        try ComparisonInputs(data: data, limit: limit, like: model)
      } else if !images.isEmpty {
        try ComparisonInputs(images: images, order: order, limit: limit)
      } else {
        ComparisonInputs(random: min(limit, 10))
      }
    let report =
      b.hasSuffix(".npy")
      ? try compare(model, rows: try openTensorFile(b), inputs)
      : try compare(model, try ComparedModel(b, execution), inputs)
    if json { print(try zoo_tool.json(report)) } else { show(report) }
  }

  // MARK: Two models

  private func compare(
    _ a: ComparedModel, _ b: ComparedModel, _ inputs: ComparisonInputs
  ) throws -> Report {
    let pairs = pairedLayers(a.graph, b.graph)
    var layers = [Difference](repeating: Difference(), count: pairs.count)
    var output = Difference()
    var agreeing = 0
    let wantsProbabilities = a.graph.info.outputsProbabilities != b.graph.info.outputsProbabilities
    func scores(_ model: ComparedModel) throws -> [Float] {
      let values = try realValues(model.session.output(0))
      return wantsProbabilities && !model.graph.info.outputsProbabilities ? softmax(values) : values
    }
    for index in 0..<inputs.count {
      try inputs.write(index, a)
      try inputs.write(index, b)
      let left = try outputs(a, pairs.map(\.a))
      let right = try outputs(b, pairs.map(\.b))
      for (position, pair) in pairs.enumerated() {
        layers[position].add(left[pair.a] ?? [], right[pair.b] ?? [])
      }
      let (x, y) = (try scores(a), try scores(b))
      guard x.count == y.count else {
        throw ToolError("\(a.path) has \(x.count) outputs, \(b.path) has \(y.count)")
      }
      output.add(x, y)
      if best(x) == best(y) { agreeing += 1 }
    }
    let lines = zip(pairs, layers).map { pair, difference in
      let node = a.graph.nodes[pair.a]
      return Layer(
        node.name, b.graph.nodes[pair.b].name, a.graph[node.output].shape.extents, difference)
    }
    return Report(
      inputs: inputs.count, layers: lines,
      output: Layer("output", "output", extents(a.session.output(0)), output),
      top1Agreement: Double(agreeing) / Double(inputs.count),
      firstDiverging: lines.first { !($0.relative <= tolerance) }?.name)
  }

  /// Runs a model and returns what the nodes of these indices gave.
  private func outputs(_ model: ComparedModel, _ wanted: [Int]) throws -> [Int: [Float]] {
    let wanted = Set(wanted)
    var values: [Int: [Float]] = [:]
    var failure: (any Error)?
    // Read at once: the memory is used again by later nodes.
    model.session.observer = { node, isDone in
      let index = Int(node.pointee.index)
      guard isDone, wanted.contains(index), let output = node.pointee.outputs else { return }
      do { values[index] = try realValues(output.pointee) } catch { failure = error }
    }
    try model.session.run()
    if let failure { throw failure }
    return values
  }

  // MARK: Stored outputs

  private func compare(
    _ model: ComparedModel, rows file: any TensorFile, _ inputs: ComparisonInputs
  ) throws -> Report {
    guard let name = file.names.first, let shape = file.shape(name), let count = shape.first else {
      throw ToolError("\(b): no rows inside")
    }
    let values = try file.floats(name)
    let width = values.count / max(count, 1)
    guard inputs.count <= count else {
      throw ToolError("\(b): \(count) rows for \(inputs.count) inputs")
    }
    var output = Difference()
    var agreeing = 0
    for index in 0..<inputs.count {
      try inputs.write(index, model)
      try model.session.run()
      let x = try realValues(model.session.output(0))
      let y = Array(values[index * width..<(index + 1) * width])
      guard x.count == y.count else {
        throw ToolError("\(model.path) has \(x.count) outputs, \(b) has rows of \(y.count)")
      }
      output.add(x, y)
      if best(x) == best(y) { agreeing += 1 }
    }
    return Report(
      inputs: inputs.count, layers: [],
      output: Layer("output", b, extents(model.session.output(0)), output),
      top1Agreement: Double(agreeing) / Double(inputs.count), firstDiverging: nil)
  }

  // MARK: Details

  private func best(_ values: [Float]) -> Int {
    values.indices.max { values[$0] < values[$1] } ?? 0
  }

  private func softmax(_ values: [Float]) -> [Float] {
    let peak = values.max() ?? 0
    let powers = values.map { exp($0 - peak) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  private func show(_ report: Report) {
    let renamed = report.layers.contains { $0.name != $0.other }
    func row(_ layer: Layer) -> [String] {
      let ratio = layer.sqnr.map { String(format: "%.1f dB", $0) }
      var cells = [
        String(layer.name.suffix(44)), layer.shape.map(String.init).joined(separator: "x"),
        String(format: "%.2e", layer.largest), String(format: "%.2e", layer.relative),
        ratio ?? (layer.largest == 0 ? "equal" : "-"),
      ]
      if renamed { cells.append(layer.other == layer.name ? "" : String(layer.other.suffix(44))) }
      return cells
    }
    let header = ["layer", "output", "difference", "relative", "SQNR"] + (renamed ? ["in B"] : [])
    print(
      table([header] + (report.layers + [report.output]).map(row), rightAligned: [2, 3, 4]))
    print(
      "\n\(report.inputs) inputs: top-1 agreement \(percent(report.top1Agreement)), "
        + "\(report.layers.count) layers compared")
    if let first = report.firstDiverging {
      print("first layer that diverges by more than \(tolerance): \(first)")
    } else if !report.layers.isEmpty {
      print("no layer diverges by more than \(tolerance) of its largest value")
    }
  }
}
