// Where the inputs that a quantiser looks at come from.
import CZoo
import Foundation
import Zoo
import ZooCompiler
import ZooTrain

/// The inputs in `path` for a model: a data set, photos in any folders, or tensors in .npy files.
///
/// A photo that cannot be read is reported and left out. Labels are those of a data set with the model's classes.
func calibrationSet(_ path: String, for graph: Graph, modelPath: String) throws -> CalibrationSet {
  guard let input = graph.inputs.first, graph.inputs.count == 1 else {
    throw ToolError("\(modelPath): does not take one input")
  }
  var isDirectory: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
    throw ToolError("\(path): no such file or folder")
  }
  let count = graph[input].shape.elementCount
  let tensors =
    isDirectory.boolValue
    ? files(in: path, endingIn: ".npy") : [path].filter { $0.hasSuffix(".npy") }
  if !tensors.isEmpty { return try tensorSet(path, tensors, count: count) }
  if isDirectory.boolValue, CIFAR.isAt(path) || IDX.isAt(path) {
    return try labelledSet(path, graph, input)
  }
  return try photoSet(path, graph, input, modelPath)
}

/// PNG and JPEG files in `path` and all folders below it, or the file itself, in a fixed order.
private func photos(under path: String) -> [String] {
  let endings = ["png", "jpg", "jpeg"]
  guard let below = FileManager.default.enumerator(atPath: path) else { return [path] }
  let names = below.compactMap { $0 as? String }.filter {
    endings.contains(($0 as NSString).pathExtension.lowercased())
  }
  return names.isEmpty && (try? FileManager.default.contentsOfDirectory(atPath: path)) == nil
    ? [path] : names.sorted().map { path + "/" + $0 }
}

private func files(in folder: String, endingIn suffix: String) -> [String] {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  return names.filter { $0.hasSuffix(suffix) }.sorted().map { folder + "/" + $0 }
}

/// Rows of `count` numbers of .npy files.
private func tensorSet(_ path: String, _ files: [String], count: Int) throws -> CalibrationSet {
  var rows: [[Float]] = []
  for file in files {
    let array = try NumpyArray(path: file)
    guard !array.floats.isEmpty, array.floats.count % count == 0 else {
      throw ToolError("\(file): \(array.floats.count) numbers, the model takes \(count)")
    }
    for start in stride(from: 0, to: array.floats.count, by: count) {
      rows.append(Array(array.floats[start..<start + count]))
    }
  }
  return CalibrationSet(name: path, count: rows.count) { index, target in
    target.update(from: rows[index], count: count)
  }
}

/// IDX or CIFAR files. The training part is calibrated on if there is one, so that the test part stays unseen.
private func labelledSet(_ path: String, _ graph: Graph, _ input: ValueID) throws -> CalibrationSet
{
  let shape = graph[input].shape
  guard shape.rank == 4 else { throw ToolError("\(path): the model does not take pictures") }
  let preprocessing = graph.info.preprocessing ?? Preprocessing()
  let parts = try loadDataset(
    path, height: shape[1], width: shape[2], preprocessing: preprocessing, try Workers(threads: 0))
  guard let data = parts.training ?? parts.test else { throw ToolError("\(path): no pictures") }
  try data.check(InputWriter(batch: shape, preprocessing: preprocessing))
  return calibrationSet(data, graph, input)
}

/// The pictures of `data`, in random order: files may be sorted by class.
func calibrationSet(_ data: Dataset, _ graph: Graph, _ input: ValueID) -> CalibrationSet {
  let writer = InputWriter(
    batch: graph[input].shape, preprocessing: graph.info.preprocessing ?? Preprocessing())
  let classes = graph.outputs.first.map { graph[$0].shape.last } ?? 0
  var order = Array(0..<data.count)
  var random = RandomStream(seed: 1, name: "calibration")
  order.shuffle(using: &random)
  let chosen = order
  return CalibrationSet(
    name: data.name, count: data.count,
    labels: data.classNames.count == classes ? chosen.map { Int(data.labels[$0]) } : []
  ) { index, target in
    var unused = RandomStream(seed: 0)
    writer.write(data, chosen[index], Augmentation(), &unused, to: target)
  }
}

/// Photos, decoded when they are asked for; those that cannot be read are dropped first.
private func photoSet(
  _ path: String, _ graph: Graph, _ input: ValueID, _ modelPath: String
) throws -> CalibrationSet {
  let session = try Session(path: modelPath, isa: ZOO_ISA_AUTO, threads: 1)
  let found = photos(under: path)
  guard !found.isEmpty else { throw ToolError("\(path): no pictures") }
  var good: [String] = []
  for photo in found {
    do {
      try session.setImage(path: photo)
      good.append(photo)
    } catch { note("skipped \(photo): \(error)") }
  }
  if good.count < found.count { note("\(found.count - good.count) pictures could not be read") }
  guard !good.isEmpty else { throw ToolError("\(path): no picture could be read") }
  var random = RandomStream(seed: 1, name: "calibration")
  good.shuffle(using: &random)
  let chosen = good
  return CalibrationSet(name: path, count: chosen.count) { index, target throws(CompileError) in
    do { try session.setImage(path: chosen[index]) } catch { throw CompileError("\(error)") }
    let values = floats(session.input(0))
    target.update(from: values, count: values.count)
  }
}
