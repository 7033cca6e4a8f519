// What would become of a model file, without writing anything.
import ArgumentParser
import Foundation
import Zoo
import ZooCompiler

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say whether a model file would convert, and what stands in the way.",
    discussion: """
      Nothing is written. The exit code is 0 if the file would convert, else 1 with all operators that cannot be.
      """)

  @Argument(help: "An .onnx, .tflite or .zoo file.", completion: .file())
  var file: String

  @Option(help: "Input size H,W for models that leave it open.")
  var inputSize: String?

  @Option(
    help: ArgumentHelp("As for 'convert'; may be repeated.", valueName: "operator"))
  var custom: [String] = []

  @Flag(help: "Print JSON.")
  var json = false

  struct Report: Encodable {
    struct Operator: Encodable {
      let name: String
      let count: Int
      let isKnown: Bool
    }
    let file: String
    let converts: Bool
    /// Operators of the file.
    let operators: [Operator]
    let problems: [String]
    var input: [Int]?
    var output: [Int]?
    var parameters: Int?
    var macs: Int?
    var layers: Int?
    var fileBytes: Int?
    var arenaBytes: Int?
  }

  func run() throws {
    var options = ImportOptions()
    options.inputSize = try inputSize.map(parseInputSize)
    options.customOperators = Set(custom)
    let operators = try operatorSurvey(path: file).map {
      Report.Operator(name: $0.name, count: $0.count, isKnown: $0.isKnown)
    }
    do {
      var graph = try importModel(path: file, options: options)
      try optimize(&graph)
      if graph.isQuantized { graph = try lowerToIntegers(graph) }
      let model = try ModelFile(try ModelWriter.encode(graph))
      let costs = model.graph.nodes.map { Cost($0, model.graph) }
      try finish(
        Report(
          file: file, converts: true, operators: operators, problems: [],
          input: graph.inputs.first.map { graph[$0].shape.extents },
          output: graph.outputs.first.map { graph[$0].shape.extents },
          parameters: costs.reduce(0) { $0 + $1.parameters },
          macs: costs.reduce(0) { $0 + $1.macs }, layers: graph.nodes.count,
          fileBytes: model.data.count, arenaBytes: model.planByteCount))
    } catch let error as CompileError {
      let lines = error.description.split(separator: "\n").map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      try finish(
        Report(
          file: file, converts: false, operators: operators,
          problems: lines.count > 1 ? Array(lines.dropFirst()) : lines))
    }
  }

  private func finish(_ report: Report) throws {
    if json { print(try zoo_tool.json(report)) } else { show(report) }
    if !report.converts { throw ExitCode(1) }
  }

  private func show(_ report: Report) {
    if !report.operators.isEmpty {
      let rows = report.operators.map {
        [$0.isKnown ? $0.name : $0.name + " (unknown)", String($0.count)]
      }
      print(table([["operator", "count"]] + rows, rightAligned: [1]))
      print("")
    }
    guard report.converts else {
      print("\(file): does not convert")
      for problem in report.problems { print("  \(problem)") }
      return
    }
    func shape(_ extents: [Int]?) -> String {
      (extents ?? []).map(String.init).joined(separator: "x")
    }
    print("\(file): converts")
    print("  \(shape(report.input)) to \(shape(report.output)), \(report.layers ?? 0) layers")
    print("  \(grouped(report.parameters ?? 0)) parameters, \(grouped(report.macs ?? 0)) MACs")
    print("  file \(bytes(report.fileBytes ?? 0)), arena \(bytes(report.arenaBytes ?? 0))")
  }
}

/// "H,W" as two extents.
func parseInputSize(_ text: String) throws -> (height: Int, width: Int) {
  let parts = text.split(separator: ",").compactMap { Int($0) }
  guard parts.count == 2, parts.allSatisfy({ $0 > 0 && $0 < 65536 }) else {
    throw ValidationError("--input-size wants H,W, each 1 to 65535, got '\(text)'")
  }
  return (parts[0], parts[1])
}
