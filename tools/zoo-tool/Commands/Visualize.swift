// What the layers of a network look for and what they find.
import ArgumentParser
import CZoo
import Foundation
import Zoo
import ZooCompiler
import ZooTrain

struct Visualize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show filters and feature maps of a model for a photo, as PNG sheets and a page.",
    discussion: """
      Writes for each convolution and pooling layer NN-NAME.png, the maps of its output, and NN-NAME-filters.png, the
      filters; and index.html, which shows them all. A sheet has at most \(ContactSheet.limit) tiles. Layers are those of
      the compiled model: an activation is part of the convolution before it.
      """)

  @Argument(help: "A .zoo file, or the name of a model.")
  var model: String

  @Argument(help: "A PNG or JPEG file.")
  var photo: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Folder for the pictures; made if missing.", valueName: "dir"))
  var output: String

  @Option(
    help: ArgumentHelp(
      "Only these layers, of any kind, as 'zoo-tool summary' names them.", valueName: "name,..."))
  var layers: String?

  @OptionGroup var execution: ExecutionOptions

  func validate() throws {
    guard layers.map({ !$0.split(separator: ",").isEmpty }) ?? true else {
      throw ValidationError("--layers wants names, as in conv1,pool1")
    }
  }

  func run() throws {
    let path = try modelPath(model)
    let graph = try ModelFile(path: path).graph
    let chosen = try choose(graph)
    let session = try Session(
      path: path, isa: execution.isa.value, threads: execution.threads, observes: true)
    try session.setImage(path: photo)
    guard let seen = FeatureMaps(session.input(0)) else {
      throw ToolError("\(path): the input is no picture of f32, i8 or u8")
    }
    // Memory is reused from layer to layer, so each output is copied as soon as it is there.
    var maps: [Int: FeatureMaps] = [:]
    session.observer = { node, done in
      let index = Int(node.pointee.index)
      guard done, chosen.contains(index), let outputs = node.pointee.outputs else { return }
      maps[index] = FeatureMaps(outputs[0])
    }
    try session.run()
    do {
      try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
    } catch {
      throw ToolError("\(output): cannot make this folder: \(error.localizedDescription)")
    }
    let order = graph.info.preprocessing?.channelOrder ?? .rgb
    try save(seen.picture(isBGR: order == .bgr), "00-input.png")
    var page = LayerPage(
      model: graph.info["name"]
        ?? ((path as NSString).lastPathComponent as NSString).deletingPathExtension,
      photo: photo, input: ("00-input.png", graph[graph.inputs[0]].shape),
      answers: answers(session))
    var count = 1
    for (position, index) in chosen.enumerated() {
      let layer = LayerPictures(
        number: position + 1, of: chosen.count, node: graph.nodes[index], graph: graph,
        maps: maps[index])
      let sheets = layer.sheets()
      for sheet in sheets { try save(sheet.picture, sheet.file) }
      page.add(layer, sheets)
      count += sheets.count
    }
    let index = (output as NSString).appendingPathComponent("index.html")
    try ModelWriter.write(Data(page.finish(signature: signature()).utf8), to: index)
    print("\(index): \(chosen.count) layers, \(count) pictures")
  }

  /// Indices of the nodes to show, in the order they run.
  private func choose(_ graph: Graph) throws -> [Int] {
    guard let layers else {
      let found = graph.nodes.indices.filter {
        let operation = graph.nodes[$0].operation
        return operation is Conv2D || operation is DepthwiseConv2D || operation is Pool
          || operation is GlobalPool
      }
      guard !found.isEmpty else {
        throw ToolError("\(model): no convolution or pooling layer; name others with --layers")
      }
      return found
    }
    let names = layers.split(separator: ",").map(String.init)
    for name in names where !graph.nodes.contains(where: { $0.name == name }) {
      let known = graph.nodes.map(\.name)
      throw ToolError(
        "\(model): no layer '\(name)'; there are \(known.prefix(12).joined(separator: ", "))"
          + (known.count > 12 ? " and \(known.count - 12) more ('zoo-tool summary')" : ""))
    }
    return graph.nodes.indices.filter { names.contains(graph.nodes[$0].name) }
  }

  /// The best five, if the model tells classes.
  private func answers(_ session: Session) -> [(label: String, probability: Double)] {
    var top = [zoo_prediction](repeating: zoo_prediction(), count: 5)
    var count = top.count
    guard zoo_label_count(session.handle) > 0, zoo_top(session.handle, &top, &count, nil) == ZOO_OK
    else { return [] }
    return top.prefix(count).map { (String(cString: $0.label), Double($0.probability)) }
  }

  private func save(_ picture: Picture, _ name: String) throws {
    try ModelWriter.write(
      Data(try picture.png()), to: (output as NSString).appendingPathComponent(name))
  }
}
