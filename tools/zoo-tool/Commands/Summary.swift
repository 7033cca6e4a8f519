// The table of layers.
import ArgumentParser
import Foundation
import Zoo
import ZooCompiler

struct Summary: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show a model's layers, parameters, MACs and memory.")

  @Argument(help: "A .zoo file or a model's name.")
  var model: String

  @Flag(help: "Print JSON.")
  var json = false

  struct Layer: Encodable {
    let name: String
    let `operator`: String
    let output: [Int]
    let parameters: Int
    let macs: Int
    let bytes: Int
  }

  struct Report: Encodable {
    let model: String
    let layers: [Layer]
    let parameters: Int
    let macs: Int
    let fileBytes: Int
    let arenaBytes: Int
    let arenaLowerBound: Int

    enum CodingKeys: String, CodingKey {
      case model, layers, parameters, macs
      case fileBytes = "file_bytes"
      case arenaBytes = "arena_bytes"
      case arenaLowerBound = "arena_lower_bound"
    }
  }

  func run() throws {
    let path = try modelPath(model)
    let file = try ModelFile(path: path)
    let graph = file.graph
    let layers = graph.nodes.map { node in
      let cost = Cost(node, graph)
      return Layer(
        name: node.name, operator: title(node), output: graph[node.output].shape.extents,
        parameters: cost.parameters, macs: cost.macs, bytes: cost.outputByteCount)
    }
    let report = Report(
      model: path, layers: layers, parameters: layers.reduce(0) { $0 + $1.parameters },
      macs: layers.reduce(0) { $0 + $1.macs }, fileBytes: file.data.count,
      arenaBytes: file.planByteCount, arenaLowerBound: file.planLowerBound)
    if json { return print(try zoo_tool.json(report)) }
    var rows = [["layer", "operator", "output", "parameters", "MACs", "bytes"]]
    for input in graph.inputs {
      let value = graph[input]
      rows.append([
        value.name, "Input", shape(value.shape.extents), "0", "0",
        grouped(value.shape.elementCount * value.type.byteWidth),
      ])
    }
    for layer in layers {
      rows.append([
        String(layer.name.suffix(44)), layer.operator, shape(layer.output),
        grouped(layer.parameters), grouped(layer.macs), grouped(layer.bytes),
      ])
    }
    print(table(rows, rightAligned: [3, 4, 5]))
    let ratio = Double(report.arenaBytes) / Double(max(report.arenaLowerBound, 1))
    print("")
    print("parameters   \(grouped(report.parameters))")
    print("MACs         \(grouped(report.macs))")
    print("file         \(grouped(report.fileBytes)) bytes")
    print(
      "arena        \(grouped(report.arenaBytes)) bytes, lower bound \(grouped(report.arenaLowerBound)) (\(String(format: "%.3f", ratio)) of it)"
    )
  }

  private func shape(_ extents: [Int]) -> String { extents.map(String.init).joined(separator: "x") }
}
