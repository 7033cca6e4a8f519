// Foreign model files to .zoo.
import ArgumentParser
import CZoo
import Foundation
import ModelZoo
import Zoo
import ZooCompiler

struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Convert an ONNX or TFLite model, or weights of a known network, to a .zoo file.",
    discussion: """
      Files of weights (safetensors, PyTorch, NumPy) do not say what to do with them: name the network with --arch, as
      'zoo-tool list --architectures' has it. Its usual preprocessing and labels are taken. Tensors that are missing, surplus
      or misshapen are all listed.

        zoo-tool convert resnet50.safetensors --arch resnet50 -o resnet50.zoo

      What a model file does not say about preprocessing is guessed from its input and shown; options override it.
      Pixels are 0...255 before y = (x - mean) * scale, in the network's channel order.
      Operators that cannot be converted are all listed at once, and nothing is written.
      """)

  @Argument(
    help: "An .onnx or .tflite file; with --arch a .safetensors, .pt, .pth, .th or .npz file.",
    completion: .file())
  var input: String?

  @Option(help: ArgumentHelp("The network whose weights the file holds.", valueName: "name"))
  var arch: String?

  @Option(help: "Classes of the network, if not the usual ones.")
  var classes: Int?

  @Option(
    help: ArgumentHelp(
      "With --arch instead of a file: random weights, to measure speed and memory.",
      valueName: "seed"))
  var randomWeights: UInt64?

  @Option(name: .shortAndLong, help: "The .zoo file to write.")
  var output: String

  @OptionGroup var preprocessing: PreprocessingOptions

  @Option(
    help:
      "Text file with one label per line, or a CSV file with a column 'name'; an empty one for no labels."
  )
  var labels: String?

  @Flag(help: "Class 0 means 'none of these' and is not offered as an answer.")
  var backgroundClass = false

  @Option(help: "Input size H,W for models that leave it open, or of a network of --arch.")
  var inputSize: String?

  @Option(parsing: .unconditional, help: "Images per run, for inputs that leave it open.")
  var batch = 1

  @Flag(help: "Keep the layout of inputs and outputs (NCHW for ONNX).")
  var keepLayout = false

  @Flag(help: "Turn a network of integers into one of floats.")
  var float = false

  @Flag(
    help: """
      The smallest arena: run layers band by band wherever that is possible, not just where it keeps data in the cache. \
      May be slower.
      """)
  var smallArena = false

  @Option(
    help: ArgumentHelp(
      "Leave this operator of an ONNX file, as 'check' names it, to the program that runs the model; may be repeated.",
      valueName: "operator"))
  var custom: [String] = []

  @Option(help: "Name stored in the model; the file's name otherwise.")
  var name: String?

  func validate() throws {
    guard (1...1024).contains(batch) else { throw ValidationError("--batch must be 1 to 1024") }
    guard (input == nil) == (randomWeights != nil) else {
      throw ValidationError(
        input == nil ? "no file to convert" : "--random-weights takes the place of a file")
    }
    guard arch != nil || (classes == nil && randomWeights == nil) else {
      throw ValidationError("--classes and --random-weights need --arch")
    }
    guard arch == nil || (batch == 1 && !keepLayout && custom.isEmpty) else {
      throw ValidationError(
        "--arch fixes the network; --batch, --keep-layout and --custom are for model files")
    }
    guard (1...1_000_000).contains(classes ?? 1) else {
      throw ValidationError("--classes must be 1 to 1000000")
    }
    _ = try size()
  }

  /// --input-size as numbers.
  private func size() throws -> (height: Int, width: Int)? {
    guard let inputSize else { return nil }
    return try parseInputSize(inputSize)
  }

  func run() throws {
    var graph = try network()
    try optimize(&graph)
    if graph.isQuantized {
      if float { graph.forgetQuantization() } else { graph = try lowerToIntegers(graph) }
    }
    try describe(&graph)
    let weights = graph.nodes.flatMap(\.inputs).compactMap { $0.flatMap { graph[$0].constant } }
    let progress = ProgressLine("writing", total: weights.reduce(0) { $0 + $1.byteCount })
    let size = try ModelWriter.write(graph, to: output, bands: smallArena ? .memory : .cache) {
      progress.add($0)
    }
    progress.finish()
    print(
      "\(output): \(bytes(size.byteCount)), \(graph.nodes.count) operators, arena \(bytes(size.planByteCount))"
    )
  }

  /// The graph as the file has it, or as described in the zoo.
  private func network() throws -> Graph {
    if let arch {
      var architecture = try architecture(arch)
      if let size = try size() {
        architecture = architecture.sized(height: size.height, width: size.width)
      }
      if let randomWeights {
        return try architecture.graph(RandomWeights(seed: randomWeights), classes: classes)
      }
      let path = input ?? ""
      let weights = try openTensorFile(path)
      let progress = ProgressLine("reading", total: architecture.parameterCount)
      defer { progress.finish() }
      do {
        return try architecture.graph(weights, classes: classes) { progress.add($0) }
      } catch { throw ToolError("\(path): \(error)") }
    }
    var options = ImportOptions()
    options.batch = batch
    options.keepsLayout = keepLayout
    options.inputSize = try size()
    options.customOperators = Set(custom)
    return try importModel(path: input ?? "", options: options)
  }

  /// Labels, preprocessing and card.
  private func describe(_ graph: inout Graph) throws {
    let source = ((input ?? "random weights") as NSString).lastPathComponent
    graph.info["name"] = name ?? arch ?? (source as NSString).deletingPathExtension
    graph.info["source"] = source
    if let labels {
      graph.info.labels = try readLabels(labels)
      graph.info.hasBackgroundClass = false
    }
    if backgroundClass { graph.info.hasBackgroundClass = true }
    if let last = graph.outputs.first, let producer = graph.producers()[last] {
      var node = graph.nodes[producer]
      while node.operation is Reshape, let before = node.inputs[0],
        let earlier = graph.producers()[before]
      {
        node = graph.nodes[earlier]
      }
      if let softmax = node.operation as? Softmax {
        graph.info.outputsProbabilities = !softmax.isLogarithm
      }
    }
    let classes = graph.outputs.first.map { graph[$0].shape.last } ?? 0
    if !graph.info.labels.isEmpty && graph.info.labels.count + 1 == classes {
      graph.info.labels.insert("background", at: 0)
      graph.info.hasBackgroundClass = true
      note("note: \(classes) classes and \(classes - 1) labels: taking class 0 as background")
    }
    if !graph.info.labels.isEmpty && graph.info.labels.count != classes {
      throw ToolError(
        "\(labels ?? source): expected \(classes) labels, one for each class, got \(graph.info.labels.count)"
      )
    }
    guard let first = graph.inputs.first, graph[first].shape.rank == 4, !keepLayout else {
      if preprocessing.isGiven { throw ToolError("preprocessing options need an image input") }
      return
    }
    let (settled, isGuessed) = try preprocessing.settle(graph, input: graph[first].shape)
    graph.info.preprocessing = settled
    print(
      "preprocessing\(isGuessed ? " (guessed; see --mean, --scale, --channels, --resize)" : ""): \(zoo_tool.describe(settled))"
    )
    let known = graph.info.labels
    print("labels: \(known.isEmpty ? "none; give --labels FILE" : zoo_tool.describe(known))")
  }
}

/// Reads any model file the compiler knows, told apart by content.
func importModel(path: String, options: ImportOptions) throws -> Graph {
  guard let file = FileHandle(forReadingAtPath: path) else {
    throw ToolError("\(path): no such file, or no permission to read it")
  }
  var isDirectory: ObjCBool = false
  if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue
  {
    throw ToolError("\(path): is a directory")
  }
  let head = (try? file.read(upToCount: 8)) ?? Data()
  guard !head.isEmpty else { throw ToolError("\(path): file is empty") }
  let isONNX =
    !head.starts(with: [0x89, 0x5A, 0x4F, 0x4F]) && head.dropFirst(4) != Data("TFL3".utf8)
  guard isONNX || options.customOperators.isEmpty else {
    throw ToolError("\(path): --custom is for ONNX files")
  }
  if head.starts(with: [0x89, 0x5A, 0x4F, 0x4F]) { return try ModelFile(path: path).graph }
  if head.count >= 8, head[4..<8] == Data("TFL3".utf8) {
    return try importTFLite(path: path, options: options)
  }
  if let weights = try? openTensorFile(path) {
    throw ToolError(
      "\(path): holds \(weights.names.count) tensors (\(weights.format)) but no network; say which with --arch NAME"
    )
  }
  return try importONNX(path: path, options: options)
}
