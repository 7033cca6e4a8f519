// The table of layers.
import ArgumentParser
import Foundation
import ModelZoo
import Zoo
import ZooCompiler

struct Summary: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the layers, parameters, MACs and memory of a model.",
    discussion: """
      Networks of 'zoo-tool list --architectures' are shown as they are described, without weights and memory.
      """)

  @Argument(help: "A .zoo file, or the name of a model or of a network.")
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
    let fileBytes: Int?
    let arenaBytes: Int?
    let arenaLowerBound: Int?

    enum CodingKeys: String, CodingKey {
      case model, layers, parameters, macs
      case fileBytes = "file_bytes"
      case arenaBytes = "arena_bytes"
      case arenaLowerBound = "arena_lower_bound"
    }
  }

  func run() throws {
    let (graph, path, file) = try find()
    let layers = graph.nodes.map { node in
      let cost = Cost(node, graph)
      return Layer(
        name: node.name, operator: title(node), output: graph[node.output].shape.extents,
        parameters: cost.parameters, macs: cost.macs, bytes: cost.outputByteCount)
    }
    let report = Report(
      model: path, layers: layers, parameters: layers.reduce(0) { $0 + $1.parameters },
      macs: layers.reduce(0) { $0 + $1.macs }, fileBytes: file?.data.count,
      arenaBytes: file?.planByteCount, arenaLowerBound: file?.planLowerBound)
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
    print("")
    print("parameters   \(grouped(report.parameters))")
    print("MACs         \(grouped(report.macs))")
    print("labels       \(zoo_tool.describe(graph.info.labels))")
    guard let file else { return }
    let ratio = Double(file.planByteCount) / Double(max(file.planLowerBound, 1))
    print("file         \(grouped(file.data.count)) bytes")
    print(
      "arena        \(grouped(file.planByteCount)) bytes, lower bound \(grouped(file.planLowerBound)) (\(String(format: "%.3f", ratio)) of it)"
    )
  }

  /// The model of that name, or else the network as the zoo describes it.
  private func find() throws -> (Graph, path: String, ModelFile?) {
    do {
      let path = try modelPath(model)
      let file = try ModelFile(path: path)
      return (file.graph, path, file)
    } catch let error as ToolError {
      guard let network = try? architecture(model) else { throw error }
      var graph = try network.graph(NoWeights())
      graph.info.labels = network.labels
      return (graph, network.name, nil)
    }
  }

  private func shape(_ extents: [Int]) -> String { extents.map(String.init).joined(separator: "x") }
}
