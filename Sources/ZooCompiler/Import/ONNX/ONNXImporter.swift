// From an ONNX file to a graph: the driver, which knows no single operator.
import CZoo
import Foundation
import SwiftProtobuf
import Zoo

/// Reads `path` and returns its network, with every NCHW layer between transposes that the passes cancel.
///
/// - Throws: `CompileError`; for operators that cannot be converted one that lists all of them.
package func importONNX(
  path: String, options: ImportOptions = ImportOptions()
) throws(CompileError) -> Graph {
  let url = URL(fileURLWithPath: path)
  let data = try mapFile(path)
  let model: Zoo_Onnx_ModelProto
  do {
    model = try Zoo_Onnx_ModelProto(serializedBytes: data)
  } catch {
    throw CompileError("\(path): not an ONNX file, or damaged (\(error))")
  }
  guard model.hasGraph, !model.graph.node.isEmpty else {
    throw CompileError("\(path): no network inside; not an ONNX file, or damaged")
  }
  do throws(CompileError) {
    var importer = ONNXImporter(model, folder: url.deletingLastPathComponent(), options: options)
    return try importer.run()
  } catch {
    throw CompileError("\(path): \(error)")
  }
}

/// What a name of the ONNX graph stands for.
enum ONNXValue {
  /// A tensor of the graph, in ONNX's own order of axes.
  case tensor(ValueID)
  /// Integers known now: shapes, axes, indices.
  case ints([Int], shape: [Int])
  /// The result of a node that could not be converted.
  case unknown
}

/// The state of an import. Operators are in the extensions.
struct ONNXImporter {
  let model: Zoo_Onnx_ModelProto
  let folder: URL
  let options: ImportOptions
  let opset: Int
  var graph = Graph()
  var values: [String: ONNXValue] = [:]
  /// The element types of named constants, for operators whose result depends on them.
  var elementTypes: [String: ONNXElementType] = [:]
  /// Computed tensors that hold integers; float32 carries them.
  private var integers: Set<ValueID> = []
  private var problems: [String] = []

  init(_ model: Zoo_Onnx_ModelProto, folder: URL, options: ImportOptions) {
    self.model = model
    self.folder = folder
    self.options = options
    opset = Int(
      model.opsetImport.first { $0.domain.isEmpty || $0.domain == "ai.onnx" }?.version ?? 1)
  }

  mutating func run() throws(CompileError) -> Graph {
    guard opset >= 1 && opset < 1000 else { throw CompileError("opset \(opset) is not valid") }
    try checkCustomOperators()
    if model.producerName == "zoo" {
      graph.info = try ModelInfo(onnxMetadata: model.metadataProps)
    }
    for tensor in model.graph.initializer { try define(try ONNXTensor(tensor, folder: folder)) }
    for input in model.graph.input where values[input.name] == nil { try addInput(input) }
    for node in model.graph.node { convert(node) }
    guard problems.isEmpty else {
      throw CompileError(
        "\(problems.count) of \(model.graph.node.count) nodes cannot be converted:\n  "
          + problems.joined(separator: "\n  "))
    }
    guard !graph.inputs.isEmpty else {
      throw CompileError("nothing is computed from an input: all outputs are constants")
    }
    for output in model.graph.output {
      var id = try result(output.name)
      // An output needs memory of its own, also where it is just an input or a constant.
      if graph.inputs.contains(id) || graph[id].constant != nil || graph.outputs.contains(id) {
        id = try graph.add(Reshape(graph[id].shape), [id], name: output.name)
      }
      if !options.keepsLayout && graph[id].shape.rank == 4 && graph[id].constant == nil {
        id = try graph.add(transpose([0, 2, 3, 1]), [id], name: output.name)
      }
      graph[id].name = output.name
      graph.outputs.append(id)
    }
    return graph
  }

  /// The tensor of an output; integers known by now become a constant of floats.
  private mutating func result(_ name: String) throws(CompileError) -> ValueID {
    func fail(_ what: String) -> CompileError { CompileError("output '\(name)' \(what)") }
    switch values[name] {
    case .tensor(let id)?: return id
    case .ints(let ints, let shape)?:
      guard !ints.isEmpty else { throw fail("has no elements: shape \(shape)") }
      guard ints.allSatisfy({ $0.magnitude <= 1 << 24 }) else {
        throw fail("holds integers beyond 2^24, which float32 cannot carry")
      }
      return graph.addConstant(name, try Shape(shape), ints.map { Float($0) })
    default: throw fail("is never produced")
    }
  }

  /// Whether a computed tensor holds integers in float32.
  func holdsIntegers(_ id: ValueID) -> Bool { integers.contains(id) }

  /// Makes a constant known under its name.
  mutating func define(_ tensor: ONNXTensor) throws(CompileError) {
    elementTypes[tensor.name] = tensor.type
    values[tensor.name] = try constant(tensor)
  }

  mutating func constant(_ tensor: ONNXTensor) throws(CompileError) -> ONNXValue {
    switch tensor.elements {
    case .ints(let ints): return .ints(ints, shape: tensor.shape)
    case .floats(let floats):
      // ONNX allows tensors without elements (optional scales, regions of interest); nothing reads them.
      guard !floats.isEmpty else { return .ints([], shape: [0]) }
      return .tensor(graph.addConstant(tensor.name, try Shape(tensor.shape), floats))
    }
  }

  private mutating func addInput(_ info: Zoo_Onnx_ValueInfoProto) throws(CompileError) {
    if var tensor = options.constants[info.name] {
      tensor.name = info.name
      return try define(tensor)
    }
    guard case .tensorType(let type)? = info.type.value,
      let element = ONNXElementType(rawValue: type.elemType)
    else { throw CompileError("input '\(info.name)' is no tensor of a known type") }
    var extents: [Int] = []
    for (axis, dim) in type.shape.dim.enumerated() {
      if case .dimValue(let value)? = dim.value, value > 0 {
        extents.append(Int(value))
      } else if axis == 0 {
        extents.append(options.batch)
      } else {
        extents.append(0)
      }
    }
    if extents.count == 4, let size = options.inputSize {
      (extents[2], extents[3]) = (size.height, size.width)
    }
    guard !extents.contains(0) else {
      throw CompileError("input '\(info.name)' has open extents \(extents); give --input-size H,W")
    }
    let shape = try Shape(extents)
    defer {
      if !element.isFloat, case .tensor(let id)? = values[info.name] { integers.insert(id) }
    }
    if extents.count == 4 && !options.keepsLayout {
      let id = graph.addInput(
        info.name, try Shape([extents[0], extents[2], extents[3], extents[1]]))
      values[info.name] = .tensor(
        try graph.add(transpose([0, 3, 1, 2]), [id], name: info.name + ".nchw"))
    } else {
      values[info.name] = .tensor(graph.addInput(info.name, shape))
    }
  }

  /// Converts one node, or notes why not and goes on, so that all problems are told at once.
  private mutating func convert(_ proto: Zoo_Onnx_NodeProto) {
    let node = ONNXNode(proto)
    let inputs = proto.input.map { $0.isEmpty ? nil : values[$0] }
    for case .unknown? in inputs {
      for output in proto.output { values[output] = .unknown }
      return
    }
    do throws(CompileError) {
      let name = ONNXImporter.operatorName(proto)
      // Names of other domains have a dot, so that they are no keys.
      guard
        let handler = options.customOperators.contains(name)
          ? ONNXImporter.customHandler : ONNXImporter.handlers[name]
      else {
        throw CompileError("operator not supported; '--custom \(name)' leaves it to your program")
      }
      for (position, name) in proto.input.enumerated()
      where !name.isEmpty && inputs[position] == nil {
        throw CompileError("input '\(name)' is never produced")
      }
      let takesIntegers = inputs.contains {
        if case .tensor(let id)? = $0 { integers.contains(id) } else { false }
      }
      guard !takesIntegers || ONNXImporter.acceptingIntegers.contains(proto.opType) else {
        throw CompileError("takes integers only where they are known when the model is converted")
      }
      let first = graph.nodes.count
      let results = try handler(&self, node)
      _ = try FoldConstants.fold(&graph, from: first)
      if ONNXImporter.givesIntegers(node, takesIntegers) {
        for case .tensor(let id) in results { integers.insert(id) }
      }
      for (name, value) in zip(proto.output, results) { values[name] = value }
      for name in proto.output.dropFirst(results.count) where !name.isEmpty {
        values[name] = .unknown
      }
    } catch {
      let shapes = inputs.map { value in
        switch value {
        case .tensor(let id)?: describe(graph[id].shape)
        case .ints(_, let shape)?: "int\(shape)"
        default: "-"
        }
      }
      problems.append(
        "node '\(node.name)' \(proto.opType)(\(shapes.joined(separator: ", "))): \(error)")
      for output in proto.output { values[output] = .unknown }
    }
  }
}

/// A transpose with this permutation.
func transpose(_ permutation: [Int]) -> Transpose {
  var result = Transpose()
  for (axis, source) in permutation.enumerated() { result.permutation[axis] = source }
  return result
}

/// Names of the inputs of an ONNX file that are no initialisers, in order.
package func inputNames(ofONNX path: String) throws(CompileError) -> [String] {
  do {
    let model = try Zoo_Onnx_ModelProto(
      serializedBytes: Data(contentsOf: URL(fileURLWithPath: path)))
    let initializers = Set(model.graph.initializer.map(\.name))
    return model.graph.input.map(\.name).filter { !initializers.contains($0) }
  } catch {
    throw CompileError("\(path): not an ONNX file, or damaged (\(error))")
  }
}
