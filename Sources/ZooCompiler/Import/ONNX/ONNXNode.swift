// A node of an ONNX graph with its attributes by name.
import Zoo

/// Attributes of a NodeProto with their defaults.
struct ONNXNode {
  let proto: Zoo_Onnx_NodeProto
  private let attributes: [String: Zoo_Onnx_AttributeProto]

  init(_ proto: Zoo_Onnx_NodeProto) {
    self.proto = proto
    attributes = Dictionary(proto.attribute.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
  }

  /// The node's name, or its first output's where it has none.
  var name: String { proto.name.isEmpty ? proto.output.first ?? "?" : proto.name }

  func has(_ attribute: String) -> Bool { attributes[attribute] != nil }
  func int(_ attribute: String, _ fallback: Int) -> Int {
    attributes[attribute].map { Int($0.i) } ?? fallback
  }
  func float(_ attribute: String, _ fallback: Float) -> Float {
    attributes[attribute]?.f ?? fallback
  }
  func string(_ attribute: String, _ fallback: String) -> String {
    attributes[attribute].map { String(decoding: $0.s, as: UTF8.self) } ?? fallback
  }
  func ints(_ attribute: String) -> [Int]? { attributes[attribute]?.ints.map { Int($0) } }
  func floats(_ attribute: String) -> [Float]? { attributes[attribute]?.floats }
  func tensor(_ attribute: String) -> Zoo_Onnx_TensorProto? {
    attributes[attribute].flatMap { $0.hasT ? $0.t : nil }
  }
}

extension ONNXImporter {
  /// One operator: its node in, its outputs out.
  typealias Handler = @Sendable (inout ONNXImporter, ONNXNode) throws(CompileError) -> [ONNXValue]

  /// All operators, by name.
  static let handlers: [String: Handler] = [
    layerHandlers, productHandlers, elementwiseHandlers, shapeHandlers, selectHandlers,
    resizeHandlers, integerHandlers, knownHandlers,
  ].reduce(into: [:]) { $0.merge($1) { $1 } }

  /// Input `position`, or nil if it was left out.
  func optional(_ node: ONNXNode, _ position: Int) -> ONNXValue? {
    guard position < node.proto.input.count, !node.proto.input[position].isEmpty else { return nil }
    return values[node.proto.input[position]]
  }

  /// Input `position` as a tensor; integer constants become floats.
  mutating func tensor(_ node: ONNXNode, _ position: Int) throws(CompileError) -> ValueID {
    switch optional(node, position) {
    case .tensor(let id)?: return id
    case .ints(let values, let shape)?:
      guard !values.isEmpty else { throw CompileError("input \(position) is empty") }
      return graph.addConstant(node.name, try Shape(shape), values.map { Float($0) })
    default: throw CompileError("input \(position) is missing")
    }
  }

  /// Input `position` as known integers, or nil if it was left out.
  func ints(_ node: ONNXNode, _ position: Int) throws(CompileError) -> [Int]? {
    guard let value = optional(node, position) else { return nil }
    guard case .ints(let ints, _) = value else {
      throw CompileError("input \(position) must be known when the model is converted")
    }
    return ints
  }

  /// Integers that older opsets keep in an attribute and newer ones in an input; nil if neither is there.
  func ints(
    _ node: ONNXNode, _ attribute: String, _ position: Int
  ) throws(CompileError) -> [Int]? {
    if let given = node.ints(attribute) { return given }
    return try ints(node, position)
  }

  /// Input `position` as known floats, or nil if it was left out.
  func constantFloats(_ node: ONNXNode, _ position: Int) throws(CompileError) -> [Float]? {
    switch optional(node, position) {
    case nil: return nil
    case .ints(let ints, _)?: return ints.map { Float($0) }
    case .tensor(let id)?:
      guard let floats = graph.floats(id) else {
        throw CompileError("input \(position) must be constant")
      }
      return floats
    case .unknown?: throw CompileError("input \(position) is unknown")
    }
  }

  /// An axis counted from the end if negative.
  func axis(_ axis: Int, _ rank: Int) throws(CompileError) -> Int {
    let result = axis < 0 ? axis + rank : axis
    guard result >= 0 && result < rank else {
      throw CompileError("axis \(axis) out of range for rank \(rank)")
    }
    return result
  }

  /// `id` of [n, c, h, w] or [n, c, l] as an NHWC image.
  mutating func image(_ id: ValueID, _ node: ONNXNode) throws(CompileError) -> ValueID {
    let shape = graph[id].shape
    var source = id
    if shape.rank == 3 {
      source = try graph.add(
        Reshape(try Shape([shape[0], shape[1], 1, shape[2]])), [id], name: node.name + ".image")
    } else if shape.rank != 4 {
      throw CompileError("needs an input of rank 3 or 4, got \(describe(shape))")
    }
    return try graph.add(transpose([0, 2, 3, 1]), [source], name: node.name + ".nhwc")
  }

  /// An NHWC image back in ONNX's order, of rank `rank`.
  mutating func planes(
    _ id: ValueID, rank: Int, _ node: ONNXNode
  ) throws(CompileError) -> [ONNXValue] {
    var result = try graph.add(transpose([0, 3, 1, 2]), [id], name: node.name + ".nchw")
    if rank == 3 {
      let shape = graph[result].shape
      result = try graph.add(
        Reshape(try Shape([shape[0], shape[1], shape[3]])), [result], name: node.name + ".line")
    }
    return [.tensor(result)]
  }
}
