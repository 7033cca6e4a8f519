import CZoo
// From a graph to an ONNX file (opset 17): the driver, which knows no single operator.
package import Foundation
import SwiftProtobuf
import Zoo

/// The bytes of an ONNX file with the network of `graph`, its labels, preprocessing and card.
///
/// Images are [n, c, h, w] there, as users of ONNX expect, and so are other tensors of rank 4. Integer networks become float
/// operators between QuantizeLinear and DequantizeLinear, with inputs and outputs of floats.
///
/// - Throws: `CompileError` naming the node or tensor that has no ONNX form.
package func exportONNX(_ graph: Graph) throws(CompileError) -> Data {
  var exporter = ONNXExporter(try raiseToFloats(graph))
  let model = try exporter.run()
  do {
    return try model.serializedBytes()
  } catch { throw CompileError("cannot write as ONNX: \(error)") }
}

/// The state of an export. Operators are in the extensions.
struct ONNXExporter {
  /// How a tensor of rank 4 lies in the ONNX graph; all others lie as in ours.
  enum Layout {
    /// [n, c, h, w]
    case planes
    /// [n, h, w, c]
    case pixels
  }

  let graph: Graph
  let consumers: [ValueID: [Int]]
  /// Vectors that ONNX flattened from [n, c, h, w]: dense layers after them take their weights in that order.
  var flattened: [ValueID: Shape] = [:]
  private var proto = Zoo_Onnx_GraphProto()
  private var names: Set<String> = []
  private var planes: [ValueID: String] = [:]
  private var pixels: [ValueID: String] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    consumers = graph.consumers()
  }

  mutating func run() throws(CompileError) -> Zoo_Onnx_ModelProto {
    for id in graph.inputs {
      let name = unique(graph[id].name.isEmpty ? "input" : graph[id].name)
      proto.input.append(.make(name, onnxExtents(graph[id].shape)))
      define(id, name)
    }
    for node in graph.nodes { try convert(node) }
    for id in graph.outputs {
      var name = try operand(id)
      // An output is the result of a node, once.
      if graph.inputs.contains(id) || graph[id].constant != nil
        || proto.output.contains(where: { $0.name == name })
      {
        name = emit("Identity", [name], name: name + ".output")
      }
      proto.output.append(.make(name, onnxExtents(graph[id].shape)))
    }
    let outputs = Set(proto.output.map(\.name))
    proto.valueInfo.removeAll { outputs.contains($0.name) }
    proto.name = graph.info["name"] ?? "network"
    var model = Zoo_Onnx_ModelProto()
    model.irVersion = 8
    model.producerName = "zoo"
    model.graph = proto
    var opset = Zoo_Onnx_OperatorSetIdProto()
    opset.version = 17
    model.opsetImport = [opset]
    model.metadataProps = graph.info.onnxMetadata
    return model
  }

  private mutating func convert(_ node: GraphNode) throws(CompileError) {
    do throws(CompileError) {
      switch node.operation {
      case let op as Conv2D: try convolution(node, op)
      case let op as DepthwiseConv2D: try depthwise(node, op)
      case let op as Dense: try dense(node, op)
      case let op as BatchNorm: try batchNorm(node, op)
      case let op as LocalResponseNorm: try localResponseNorm(node, op)
      case let op as Pool: try pool(node, op)
      case let op as GlobalPool: try globalPool(node, op)
      case let op as Mean: try mean(node, op)
      case let op as Softmax: try softmax(node, op)
      case let op as Unary: try unary(node, op)
      case let op as Binary: try binary(node, op)
      case let op as Concat: try concat(node, op)
      case let op as Slice: try slice(node, op)
      case let op as Pad: try pad(node, op)
      case let op as Transpose: try transposition(node, op)
      case is Reshape: try reshape(node)
      case is Lookup: try lookup(node)
      default: throw CompileError("has no ONNX form")
      }
    } catch {
      throw CompileError("node '\(node.name)' (\(operationName(node.operation))): \(error)")
    }
  }

  // MARK: Tensors

  /// `id` is the ONNX tensor `name` from now on, rounded to its steps if it has some.
  mutating func define(_ id: ValueID, _ name: String, _ layout: Layout = .planes) {
    record(id, rounded(name, id), layout)
  }

  /// `id` is the ONNX tensor `name`, as it is.
  mutating func record(_ id: ValueID, _ name: String, _ layout: Layout = .planes) {
    let isPlanes = layout == .planes || graph[id].shape.rank != 4
    if isPlanes { planes[id] = name } else { pixels[id] = name }
    let shape = graph[id].shape
    proto.valueInfo.append(.make(name, isPlanes ? onnxExtents(shape) : shape.extents))
  }

  /// The ONNX tensor of `id` in `layout`; one in the other layout is transposed first.
  mutating func operand(_ id: ValueID, _ layout: Layout = .planes) throws(CompileError) -> String {
    let isPlanes = layout == .planes || graph[id].shape.rank != 4
    if let name = isPlanes ? planes[id] : pixels[id] { return name }
    if graph[id].constant != nil {
      let shape = graph[id].shape
      let name = try constant(
        id, isPlanes ? onnxExtents(shape) : shape.extents,
        order: shape.rank == 4 && isPlanes ? onnxOrder(shape) : nil)
      if isPlanes { planes[id] = name } else { pixels[id] = name }
      return name
    }
    guard let other = isPlanes ? pixels[id] : planes[id] else {
      throw CompileError("reads '\(graph[id].name)', which nothing produces")
    }
    let name = emit(
      "Transpose", [other], name: other + (isPlanes ? ".nchw" : ".nhwc"),
      [.make("perm", isPlanes ? [0, 3, 1, 2] : [0, 2, 3, 1])])
    record(id, name, layout)
    return name
  }

  /// The elements of a constant operand.
  func constantFloats(_ id: ValueID?, _ what: String) throws(CompileError) -> [Float] {
    guard let floats = graph.floats(id) else { throw CompileError("\(what) is not constant") }
    return floats
  }

  /// A new initialiser.
  mutating func constant<Element: ONNXElement>(
    _ name: String, _ extents: [Int], _ values: [Element]
  ) -> String {
    var tensor = Zoo_Onnx_TensorProto()
    tensor.name = unique(name)
    tensor.dataType = Element.onnxType.rawValue
    tensor.dims = extents.map { Int64($0) }
    tensor.rawData = values.withUnsafeBytes { Data($0) }
    proto.initializer.append(tensor)
    return tensor.name
  }

  /// A new initialiser of numbers that are not data: axes, shapes and the like.
  mutating func constant(_ name: String, _ values: [Int]) -> String {
    constant(name, [values.count], values.map { Int64($0) })
  }

  // MARK: Nodes

  /// Appends a node; its name, which is its output's too, is `name` or the next free one.
  @discardableResult
  mutating func emit(
    _ operation: String, _ inputs: [String], name: String,
    _ attributes: [Zoo_Onnx_AttributeProto] = []
  ) -> String {
    var node = Zoo_Onnx_NodeProto()
    node.name = unique(name.isEmpty ? operation.lowercased() : name)
    node.opType = operation
    node.input = inputs
    node.output = [node.name]
    node.attribute = attributes
    proto.node.append(node)
    return node.name
  }

  private mutating func unique(_ name: String) -> String {
    var result = name
    var count = 1
    while !names.insert(result).inserted {
      count += 1
      result = "\(name)_\(count)"
    }
    return result
  }
}

/// The extents ONNX has for a tensor of ours: [n, h, w, c] becomes [n, c, h, w].
func onnxExtents(_ shape: Shape) -> [Int] {
  shape.rank == 4 ? [shape[0], shape[3], shape[1], shape[2]] : shape.extents
}

/// Which axis of the ONNX tensor is axis `axis` of ours.
func onnxAxis(_ axis: Int, rank: Int) -> Int { rank == 4 ? [0, 2, 3, 1][axis] : axis }

/// Extents and strides of [n, h, w, c] elements as [n, c, h, w].
func onnxOrder(_ shape: Shape) -> (extents: [Int], strides: [Int]) {
  let (height, width, channels) = (shape[1], shape[2], shape[3])
  return (
    [shape[0], channels, height, width],
    [height * width * channels, 1, width * channels, channels]
  )
}
