// What a model says about itself.
import ArgumentParser
import Zoo
import ZooCompiler

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show a model's card, inputs, outputs, preprocessing and labels.")

  @Argument(help: "A .zoo file or a model's name.")
  var model: String

  @Flag(help: "Show all labels and the attributes of every operator.")
  var all = false

  func run() throws {
    let path = try modelPath(model)
    let file = try ModelFile(path: path)
    let graph = file.graph
    print("\(path): \(grouped(file.data.count)) bytes, checksums right")
    for (key, value) in graph.info.card { print("  \(key): \(value)") }
    for id in graph.inputs {
      print("input   \(graph[id].name)  \(describe(graph[id].shape))  \(graph[id].type.name)")
    }
    for id in graph.outputs {
      let kind = graph.info.outputsProbabilities ? "probabilities" : "logits"
      print(
        "output  \(graph[id].name)  \(describe(graph[id].shape))  \(graph[id].type.name), \(kind)")
    }
    print(
      "preprocessing  \(graph.info.preprocessing.map(zoo_tool.describe) ?? "none stored: stretch, rgb, x / 255")"
    )
    let labels = graph.info.labels
    let count = labels.isEmpty ? "none stored: classes have numbers" : "\(labels.count)"
    print("labels  \(count)\(graph.info.hasBackgroundClass ? ", class 0 is background" : "")")
    for (index, label) in labels.enumerated() where all || index < 5 {
      print("  \(index)  \(label)")
    }
    if !all && labels.count > 5 { print("  ... (--all shows all)") }
    guard all else { return }
    for node in graph.nodes {
      var printer = AttributePrinter()
      var operation = node.operation
      operation.archive(&printer)
      let text = printer.fields.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
      print("\(node.name)  \(operationName(node.operation))  \(text)")
    }
  }
}
