// Quantised and integer operators of ONNX, computed on real numbers: float32 carries integers up to 2^24 exactly.
import Zoo

extension ONNXImporter {
  static let integerHandlers: [String: Handler] = [
    "QuantizeLinear": { importer, node throws(CompileError) in try importer.quantizeLinear(node) },
    "DequantizeLinear": { importer, node throws(CompileError) in
      try importer.dequantizeLinear(node)
    },
    "ConvInteger": { importer, node throws(CompileError) in
      try importer.integerProduct(node, "Conv")
    },
    "MatMulInteger": { importer, node throws(CompileError) in
      try importer.integerProduct(node, "MatMul")
    },
    "QLinearConv": { importer, node throws(CompileError) in
      try importer.quantizedProduct(node, "Conv", bias: 8)
    },
    "QLinearMatMul": { importer, node throws(CompileError) in
      try importer.quantizedProduct(node, "MatMul", bias: nil)
    },
  ]

  /// Operators that mean the same for integers that float32 carries; others would divide or round differently.
  static let acceptingIntegers: Set<String> = [
    "Cast", "Clip", "Concat", "ConvInteger", "DequantizeLinear", "Flatten", "Gather",
    "GatherElements",
    "Identity", "MatMulInteger", "Max", "MaxPool", "Min", "QLinearConv", "QLinearMatMul", "Reshape",
    "Shape", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze", "ArgMax", "ArgMin", "Expand",
    "DepthToSpace", "SpaceToDepth",
  ]

  /// Whether the results of `node` are integers, given whether one of its operands is.
  static func givesIntegers(_ node: ONNXNode, _ takesIntegers: Bool) -> Bool {
    switch node.proto.opType {
    case "DequantizeLinear": false
    case "ArgMax", "ArgMin", "ConvInteger", "MatMulInteger", "QuantizeLinear", "QLinearConv",
      "QLinearMatMul":
      true
    case "Cast":
      ONNXElementType(rawValue: Int32(truncatingIfNeeded: node.int("to", 0)))?.isFloat == false
    default: takesIntegers
    }
  }

  /// round(x / scale) + zero point, saturated, ties to even. It stays a float32 that holds an integer.
  private mutating func quantizeLinear(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    let range = try integerRange(node, zeroPoint: 2)
    let axis = node.int("axis", 1)
    let scale = try perAxis(node, 1, axis, of: x)
    let zero = try perAxis(node, 2, axis, of: x)
    let scaled = try graph.add(Binary(.divide), [x, scale], name: node.name + ".scaled")
    return [.tensor(try rounded(scaled, plus: zero, into: range, node))]
  }

  /// (x - zero point) scale
  private mutating func dequantizeLinear(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    let axis = node.int("axis", 1)
    guard let scale = try perAxis(node, 1, axis, of: x) else { throw CompileError("has no scale") }
    let centred = try centred(x, try perAxis(node, 2, axis, of: x), node)
    return [.tensor(try addFolded(Binary(.multiply), [centred, scale], name: node.name))]
  }

  /// ConvInteger and MatMulInteger: the float operator on operands less their zero points.
  private mutating func integerProduct(
    _ node: ONNXNode, _ operation: String
  ) throws(CompileError) -> [ONNXValue] {
    let a = try tensor(node, 0)
    let b = try tensor(node, 1)
    // Zero points of a are per tensor or per row; those of b per output channel, which Conv has first.
    let aCentred = try centred(a, try perAxis(node, 2, graph[a].shape.rank - 2, of: a), node)
    let axis = operation == "Conv" ? 0 : graph[b].shape.rank - 1
    let bCentred = try centred(b, try perAxis(node, 3, axis, of: b), node)
    return try lowered(node, to: operation, [aCentred, bCentred])
  }

  /// QLinearConv and QLinearMatMul: an integer product, scaled, rounded and saturated.
  private mutating func quantizedProduct(
    _ node: ONNXNode, _ operation: String, bias: Int?
  ) throws(CompileError) -> [ONNXValue] {
    let a = try tensor(node, 0)
    let b = try tensor(node, 3)
    let range = try integerRange(node, zeroPoint: 7)
    let isConv = operation == "Conv"
    let axis = isConv ? 0 : graph[b].shape.rank - 1
    let aCentred = try centred(a, try perAxis(node, 2, 0, of: a), node)
    let bCentred = try centred(b, try perAxis(node, 5, axis, of: b), node)
    var operands = [aCentred, bCentred]
    if let bias, optional(node, bias) != nil { operands.append(try tensor(node, bias)) }
    guard case .tensor(let sum)? = try lowered(node, to: operation, operands).first else {
      throw CompileError("no product")
    }
    guard let aScale = try constantFloats(node, 1), let bScale = try constantFloats(node, 4),
      let yScale = try constantFloats(node, 6), aScale.count == 1, yScale.count == 1
    else { throw CompileError("scales must be constant, those of input and output one number") }
    let factors = bScale.map { aScale[0] * $0 / yScale[0] }
    let outputAxis = isConv ? 1 : graph[sum].shape.rank - 1
    let factor = try aligned(
      graph.addConstant(node.name + ".scale", try Shape([factors.count]), factors),
      axis: outputAxis, of: sum, name: node.name)
    let scaled = try graph.add(Binary(.multiply), [sum, factor], name: node.name + ".scaled")
    let zero = try perAxis(node, 7, outputAxis, of: scaled)
    return [.tensor(try rounded(scaled, plus: zero, into: range, node))]
  }

  /// Applies another operator of ONNX, with the attributes of `node`, to `operands`.
  private mutating func lowered(
    _ node: ONNXNode, to operation: String, _ operands: [ValueID]
  ) throws(CompileError) -> [ONNXValue] {
    guard let handler = ONNXImporter.handlers[operation] else {
      throw CompileError("operator not supported")
    }
    var proto = node.proto
    proto.opType = operation
    proto.name = node.name
    proto.input = operands.indices.map { "\(node.name)#\($0)" }
    for (name, operand) in zip(proto.input, operands) { values[name] = .tensor(operand) }
    return try handler(&self, ONNXNode(proto))
  }

  /// x - zero, or x itself where there is no zero point.
  private mutating func centred(
    _ x: ValueID, _ zero: ValueID?, _ node: ONNXNode
  ) throws(CompileError) -> ValueID {
    guard let zero else { return x }
    return try addFolded(
      Binary(.subtract), [x, zero], name: "\(node.name).\(graph[x].name).centred")
  }

  /// The nearest integer (ties to even) plus `zero`, within `range`.
  ///
  /// 1.5 2^23 has a last place of 1: adding and subtracting it rounds. The clamp before keeps sums below 2^24.
  private mutating func rounded(
    _ x: ValueID, plus zero: ValueID?, into range: ClosedRange<Float>, _ node: ONNXNode
  ) throws(CompileError) -> ValueID {
    let clamped = try graph.add(
      Unary(Activation(.clamp, alpha: -0x1p21, beta: 0x1p21)), [x], name: node.name + ".clamped")
    let magic = graph.addConstant(node.name + ".magic", Shape(), [0x1.8p23])
    let up = try graph.add(Binary(.add), [clamped, magic], name: node.name + ".up")
    var result = try graph.add(Binary(.subtract), [up, magic], name: node.name + ".rounded")
    if let zero {
      result = try graph.add(Binary(.add), [result, zero], name: node.name + ".shifted")
    }
    return try graph.add(
      Unary(Activation(.clamp, alpha: range.lowerBound, beta: range.upperBound)), [result],
      name: node.name)
  }

  /// Operand `position` as a tensor that lines up with `axis` of `x`; nil if it was left out.
  private mutating func perAxis(
    _ node: ONNXNode, _ position: Int, _ axis: Int, of x: ValueID
  ) throws(CompileError) -> ValueID? {
    guard optional(node, position) != nil else { return nil }
    return try aligned(try tensor(node, position), axis: axis, of: x, name: node.name)
  }

  /// A scalar or a vector as a tensor that broadcasts along `axis` of `x`.
  private mutating func aligned(
    _ id: ValueID, axis: Int, of x: ValueID, name: String
  ) throws(CompileError) -> ValueID {
    let shape = graph[x].shape
    let count = graph[id].shape.elementCount
    guard graph[id].shape.rank <= 1 else { throw CompileError("blocked scales are not supported") }
    var extents: [Int] = []
    if count > 1 {
      let axis = try self.axis(axis, shape.rank)
      guard count == shape[axis] else {
        throw CompileError("\(count) scales or zero points for an axis of \(shape[axis])")
      }
      extents = [count] + [Int](repeating: 1, count: shape.rank - axis - 1)
    }
    return try addFolded(Reshape(try Shape(extents)), [id], name: name + ".aligned")
  }

  /// Adds a node; where its operands are constant the result is too. Weights less their zero point are weights again.
  private mutating func addFolded(
    _ operation: any Operation, _ inputs: [ValueID], name: String
  ) throws(CompileError) -> ValueID {
    let first = graph.nodes.count
    let result = try graph.add(operation, inputs, name: name)
    _ = try FoldConstants.fold(&graph, from: first)
    return result
  }

  /// What the output's integers can hold, from the zero point's type or the attribute.
  private func integerRange(
    _ node: ONNXNode, zeroPoint: Int
  ) throws(CompileError) -> ClosedRange<Float> {
    let given =
      node.proto.input.count > zeroPoint ? elementTypes[node.proto.input[zeroPoint]] : nil
    let named = Int32(truncatingIfNeeded: node.int("output_dtype", 0))
    switch given ?? ONNXElementType(rawValue: named) ?? .uint8 {
    case .uint8: return 0...255
    case .int8: return -128...127
    case .uint16: return 0...65535
    case .int16: return -32768...32767
    case let type: throw CompileError("quantised elements of type \(type) are not supported")
    }
  }
}
