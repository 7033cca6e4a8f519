// Element-wise operators of ONNX.
import Zoo

extension ONNXImporter {
  static let elementwiseHandlers: [String: Handler] = [
    "Relu": { importer, node throws(CompileError) in try importer.unary(node, .relu) },
    "Sigmoid": { importer, node throws(CompileError) in
      try importer.unary(node, Activation(.sigmoid))
    },
    "Tanh": { importer, node throws(CompileError) in try importer.unary(node, Activation(.tanh)) },
    "Exp": { importer, node throws(CompileError) in try importer.unary(node, Activation(.exp)) },
    "HardSwish": { importer, node throws(CompileError) in
      try importer.unary(node, Activation(.hardSwish))
    },
    "LeakyRelu": { importer, node throws(CompileError) in
      try importer.unary(node, Activation(.leakyReLU, alpha: node.float("alpha", 0.01)))
    },
    "Elu": { importer, node throws(CompileError) in
      try importer.unary(node, Activation(.elu, alpha: node.float("alpha", 1)))
    },
    "Swish": { importer, node throws(CompileError) in
      try importer.unary(node, Activation(.silu, alpha: node.float("alpha", 1)))
    },
    "HardSigmoid": { importer, node throws(CompileError) in
      try importer.unary(
        node,
        Activation(
          .hardSigmoid, alpha: node.float("alpha", 0.2), beta: node.float("beta", 0.5)))
    },
    "Clip": { importer, node throws(CompileError) in try importer.clip(node) },
    "PRelu": { importer, node throws(CompileError) in try importer.parametricReLU(node) },
    "Neg": { importer, node throws(CompileError) in try importer.negate(node) },
    "Add": { importer, node throws(CompileError) in try importer.binary(node, .add) },
    "Sub": { importer, node throws(CompileError) in try importer.binary(node, .subtract) },
    "Mul": { importer, node throws(CompileError) in try importer.binary(node, .multiply) },
    "Div": { importer, node throws(CompileError) in try importer.binary(node, .divide) },
    "Sum": { importer, node throws(CompileError) in try importer.chain(node, .add) },
    "Max": { importer, node throws(CompileError) in try importer.chain(node, .maximum) },
    "Min": { importer, node throws(CompileError) in try importer.chain(node, .minimum) },
  ]

  private mutating func unary(
    _ node: ONNXNode, _ activation: Activation
  ) throws(CompileError) -> [ONNXValue] {
    [.tensor(try graph.add(Unary(activation), [try tensor(node, 0)], name: node.name))]
  }

  /// Clip: bounds are attributes before opset 11, inputs since.
  private mutating func clip(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let lower = try constantFloats(node, 1)?.first ?? node.float("min", -.infinity)
    let upper = try constantFloats(node, 2)?.first ?? node.float("max", .infinity)
    return try unary(node, Activation(.clamp, alpha: lower, beta: upper))
  }

  /// PReLU as max(x, 0) + slope min(x, 0).
  private mutating func parametricReLU(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    var slope = try tensor(node, 1)
    // Before opset 7 a vector of slopes belongs to the channels, whatever their axis.
    let (shape, count) = (graph[x].shape, graph[slope].shape.elementCount)
    if graph[slope].shape.rank == 1, shape.rank > 2, count == shape[1], count != shape.last {
      let ones = [Int](repeating: 1, count: shape.rank - 2)
      slope = try graph.add(Reshape(try Shape([count] + ones)), [slope], name: node.name + ".slope")
    }
    let positive = try graph.add(Unary(.relu), [x], name: node.name + ".positive")
    let negative = try graph.add(
      Unary(Activation(.clamp, alpha: -.infinity, beta: 0)), [x], name: node.name + ".negative")
    let scaled = try graph.add(
      Binary(.multiply), [negative, slope], name: node.name + ".scaled")
    return [.tensor(try graph.add(Binary(.add), [positive, scaled], name: node.name))]
  }

  private mutating func negate(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let minus = graph.addConstant(node.name + ".minus", Shape(), [-1])
    return [
      .tensor(try graph.add(Binary(.multiply), [try tensor(node, 0), minus], name: node.name))
    ]
  }

  private mutating func binary(
    _ node: ONNXNode, _ kind: BinaryKind
  ) throws(CompileError) -> [ONNXValue] {
    if case .ints(let a, let shape)? = optional(node, 0),
      case .ints(let b, let other)? = optional(node, 1)
    {
      return [try integers(kind, a, shape, b, other)]
    }
    let a = try tensor(node, 0)
    var b = try tensor(node, 1)
    // Before opset 7, `axis` says where the axes of b line up with those of a.
    if node.has("axis") {
      let rank = graph[a].shape.rank
      let start = try axis(node.int("axis", 0), rank)
      let extents = graph[b].shape.extents
      guard start + extents.count <= rank else { throw CompileError("axis \(start)") }
      let ones = [Int](repeating: 1, count: rank - start - extents.count)
      b = try graph.add(Reshape(try Shape(extents + ones)), [b], name: node.name + ".aligned")
    }
    return [.tensor(try graph.add(Binary(kind), [a, b], name: node.name))]
  }

  /// Arithmetic on shapes, which is done at once.
  private func integers(
    _ kind: BinaryKind, _ a: [Int], _ shape: [Int], _ b: [Int], _ other: [Int]
  ) throws(CompileError) -> ONNXValue {
    guard a.count == b.count || a.count == 1 || b.count == 1 else {
      throw CompileError("integer operands of \(a.count) and \(b.count) elements")
    }
    var result: [Int] = []
    for index in 0..<max(a.count, b.count) {
      let (x, y) = (a[a.count == 1 ? 0 : index], b[b.count == 1 ? 0 : index])
      let value: (partialValue: Int, overflow: Bool)
      switch kind {
      case .add: value = x.addingReportingOverflow(y)
      case .subtract: value = x.subtractingReportingOverflow(y)
      case .multiply: value = x.multipliedReportingOverflow(by: y)
      case .divide: value = x.dividedReportingOverflow(by: y)
      case .maximum: value = (max(x, y), false)
      case .minimum: value = (min(x, y), false)
      }
      guard !value.overflow else { throw CompileError("integer overflow") }
      result.append(value.partialValue)
    }
    return .ints(result, shape: a.count >= b.count ? shape : other)
  }

  private mutating func chain(
    _ node: ONNXNode, _ kind: BinaryKind
  ) throws(CompileError) -> [ONNXValue] {
    var result = try tensor(node, 0)
    for position in 1..<max(1, node.proto.input.count) {
      result = try graph.add(
        Binary(kind), [result, try tensor(node, position)], name: "\(node.name).\(position)")
    }
    return [.tensor(result)]
  }
}
