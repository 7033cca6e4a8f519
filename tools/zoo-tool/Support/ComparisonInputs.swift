// What two models are compared on: a data set, photos, or random numbers.
import CZoo
import Foundation
import Zoo
import ZooCompiler
import ZooTrain

/// A model that is compared: its session, which tells each layer's output, and its graph.
struct ComparedModel {
  let path: String
  let graph: Graph
  let session: Session

  init(_ model: String, _ execution: ExecutionOptions) throws {
    path = try modelPath(model)
    graph = try ModelFile(path: path).graph
    session = try Session(
      path: path, isa: execution.isa.value, threads: execution.threads, observes: true)
  }
}

/// Inputs in order.
struct ComparisonInputs {
  let count: Int
  /// The photos' files, where the inputs are photos.
  let files: [String]
  /// Writes input `index` into a model as it wants it.
  let write: (_ index: Int, _ model: ComparedModel) throws -> Void

  /// The first `limit` pictures of a data set.
  init(data folder: String, limit: Int, like model: ComparedModel) throws {
    let shape = extents(model.session.input(0))
    guard shape.count == 4 else { throw ToolError("\(model.path): does not take pictures") }
    let parts = try loadDataset(
      folder, height: shape[1], width: shape[2],
      preprocessing: model.graph.info.preprocessing ?? Preprocessing(),
      try Workers(threads: 0))
    guard let data = parts.test ?? parts.training else { throw ToolError("\(folder): no pictures") }
    count = min(limit, data.count)
    files = []
    write = { index, model in
      let shape = extents(model.session.input(0))
      guard shape.count == 4 else { throw ToolError("\(model.path): does not take pictures") }
      let target = try realInput(model)
      var unused = RandomStream(seed: 0)
      InputWriter(
        height: shape[1], width: shape[2], channels: shape[3],
        preprocessing: model.graph.info.preprocessing ?? Preprocessing()
      ).write(data, index, Augmentation(), &unused, to: target.reals)
      target.commit()
    }
  }

  /// Photos; with `order` those whose names stand in that file, one per line, whatever their folders and formats.
  init(images: [String], order: String?, limit: Int) throws {
    var found = try expandedPhotos(images)
    if let order {
      guard let text = try? String(contentsOfFile: order, encoding: .utf8) else {
        throw ToolError("\(order): cannot read")
      }
      let stems = Dictionary(found.map { (stem($0), $0) }) { first, _ in first }
      found = try text.split(whereSeparator: \.isNewline).map { line in
        guard let file = stems[stem(String(line))] else {
          throw ToolError("\(order): no photo '\(line)' among those given")
        }
        return file
      }
    }
    let chosen = Array(found.prefix(limit))
    files = chosen
    count = chosen.count
    write = { index, model in try model.session.setImage(path: chosen[index]) }
  }

  /// Standard normal numbers.
  init(random limit: Int) {
    count = limit
    files = []
    write = { index, model in
      let target = try realInput(model)
      var random = RandomStream(seed: 1, index: UInt64(index))
      for element in 0..<extents(model.session.input(0)).reduce(1, *) {
        target.reals[element] = Float(random.normal())
      }
      target.commit()
    }
  }
}

private func stem(_ path: String) -> String {
  ((path as NSString).lastPathComponent as NSString).deletingPathExtension
}

private func realInput(_ model: ComparedModel) throws -> RealInput {
  do {
    return try RealInput(model.session.input(0))
  } catch { throw ToolError("\(model.path): \(error); compare it with --images") }
}
