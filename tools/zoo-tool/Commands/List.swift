// Which models can be used by name.
import ArgumentParser
import Foundation
import ModelZoo
import Zoo
import ZooCompiler

struct List: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the models that can be used by name, or the networks that can be built.")

  @Flag(help: "List the networks that 'train' and 'convert --arch' know.")
  var architectures = false

  @Flag(help: "Print JSON.")
  var json = false

  struct Entry: Encodable {
    let name: String
    let path: String
    let parameters: Int
    let macs: Int
    let input: [Int]
    let classes: Int
  }

  /// A network without weights.
  struct Network: Encodable {
    let name: String
    let summary: String
    let parameters: Int
    let macs: Int
    let input: [Int]
    let classes: Int
    let weights: String

    init(_ network: Architecture) throws {
      let graph = try network.graph(NoWeights())
      name = network.name
      summary = network.summary
      parameters = network.parameterCount
      macs = graph.nodes.reduce(0) { $0 + Cost($1, graph).macs }
      input = [network.input.height, network.input.width, network.input.channels]
      classes = network.classes
      weights = network.weights.rawValue
    }
  }

  func run() throws {
    if architectures { return try listArchitectures() }
    var entries: [Entry] = []
    for (name, path) in namedModels() {
      do {
        let graph = try ModelFile(path: path).graph
        let costs = graph.nodes.map { Cost($0, graph) }
        entries.append(
          Entry(
            name: name, path: path, parameters: costs.reduce(0) { $0 + $1.parameters },
            macs: costs.reduce(0) { $0 + $1.macs },
            input: graph.inputs.first.map { graph[$0].shape.extents } ?? [],
            classes: graph.outputs.first.map { graph[$0].shape.last } ?? 0))
      } catch { note("Error: \(error)") }
    }
    if json { return print(try zoo_tool.json(entries)) }
    guard !entries.isEmpty else {
      return print("no models in \(modelFolders().joined(separator: ", "))")
    }
    print(
      table(
        [["name", "parameters", "MACs", "input", "classes", "file"]]
          + entries.map {
            [
              $0.name, grouped($0.parameters), grouped($0.macs),
              $0.input.map(String.init).joined(separator: "x"), String($0.classes), $0.path,
            ]
          }, rightAligned: [1, 2, 4]))
  }

  private func listArchitectures() throws {
    let networks = try allArchitectures.map { try Network($0) }
    if json { return print(try zoo_tool.json(networks)) }
    print(
      table(
        [["name", "parameters", "MACs", "input", "classes", "weights from", "what"]]
          + networks.map {
            [
              $0.name, grouped($0.parameters), grouped($0.macs),
              $0.input.map(String.init).joined(separator: "x"), String($0.classes), $0.weights,
              $0.summary,
            ]
          }, rightAligned: [1, 2, 4]))
  }
}
