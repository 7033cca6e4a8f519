// Element-wise operators of TFLite, and those that move elements.
import Zoo

extension TFLiteImporter {
  /// By builtin operator code.
  static let elementHandlers: [Int: Handler] = [
    0: { importer, node, name throws(CompileError) in try importer.binary(node, name, .add) },
    2: { importer, node, name throws(CompileError) in try importer.concat(node, name) },
    6: { importer, node, name throws(CompileError) in try importer.copy(node, name) },
    14: { importer, node, name throws(CompileError) in
      try importer.unary(node, name, Activation(.sigmoid))
    },
    18: { importer, node, name throws(CompileError) in try importer.binary(node, name, .multiply) },
    19: { importer, node, name throws(CompileError) in try importer.unary(node, name, .relu) },
    20: { importer, node, name throws(CompileError) in
      try importer.unary(node, name, Activation(.clamp, alpha: -1, beta: 1))
    },
    21: { importer, node, name throws(CompileError) in try importer.unary(node, name, .relu6) },
    22: { importer, node, name throws(CompileError) in try importer.reshape(node, name) },
    28: { importer, node, name throws(CompileError) in
      try importer.unary(node, name, Activation(.tanh))
    },
    34: { importer, node, name throws(CompileError) in try importer.pad(node, name) },
    39: { importer, node, name throws(CompileError) in try importer.permute(node, name) },
    41: { importer, node, name throws(CompileError) in try importer.binary(node, name, .subtract) },
    42: { importer, node, name throws(CompileError) in try importer.binary(node, name, .divide) },
    43: { importer, node, name throws(CompileError) in try importer.reshape(node, name) },
    55: { importer, node, name throws(CompileError) in try importer.binary(node, name, .maximum) },
    57: { importer, node, name throws(CompileError) in try importer.binary(node, name, .minimum) },
    60: { importer, node, name throws(CompileError) in try importer.pad(node, name) },
    65: { importer, node, name throws(CompileError) in try importer.slice(node, name) },
    70: { importer, node, name throws(CompileError) in try importer.reshape(node, name) },
    98: { importer, node, name throws(CompileError) in
      try importer.unary(
        node, name, Activation(.leakyReLU, alpha: try node.options?.float(0) ?? 0))
    },
    111: { importer, node, name throws(CompileError) in
      try importer.unary(node, name, Activation(.elu, alpha: 1))
    },
    114: { importer, node, name throws(CompileError) in try importer.copy(node, name) },
    117: { importer, node, name throws(CompileError) in
      try importer.unary(node, name, Activation(.hardSwish))
    },
  ]

  private mutating func unary(
    _ node: TFLiteOperator, _ name: String, _ activation: Activation
  ) throws(CompileError) {
    try finish(
      try graph.add(Unary(activation), [try value(node, 0)], name: name), node, name: name)
  }

  private mutating func binary(
    _ node: TFLiteOperator, _ name: String, _ kind: BinaryKind
  ) throws(CompileError) {
    let result = try graph.add(
      Binary(kind), [try value(node, 0), try value(node, 1)], name: name)
    // MAXIMUM and MINIMUM have no fused activation.
    let hasActivation = kind != .maximum && kind != .minimum
    try finish(
      result, node, activation: hasActivation ? try node.options?.int(0, Int8.self) ?? 0 : 0,
      name: name)
  }

  /// QUANTIZE and DEQUANTIZE: the same real values in another representation.
  private mutating func copy(_ node: TFLiteOperator, _ name: String) throws(CompileError) {
    let x = try value(node, 0)
    let to = file.tensors[node.outputs[0]].activationQuantization
    if let from = graph[x].quantization, let to, !from.isSame(as: to) {
      let same = Unary(Activation(.clamp, alpha: -.infinity, beta: .infinity))
      return try finish(try graph.add(same, [x], name: name), node, name: name)
    }
    try finish(x, node, name: name)
  }

  private mutating func concat(_ node: TFLiteOperator, _ name: String) throws(CompileError) {
    var parts: [ValueID] = []
    for position in node.inputs.indices { parts.append(try value(node, position)) }
    guard let first = parts.first else { throw CompileError("nothing to join") }
    let given = try node.options?.int(0, Int32.self) ?? 0
    let axis = given < 0 ? given + graph[first].shape.rank : given
    let result = try graph.add(Concat(axis: axis), parts, name: name)
    try finish(result, node, activation: try node.options?.int(1, Int8.self) ?? 0, name: name)
  }

  /// RESHAPE, SQUEEZE, EXPAND_DIMS: the output's own shape says what is wanted; the batch follows the input.
  private mutating func reshape(_ node: TFLiteOperator, _ name: String) throws(CompileError) {
    let x = try value(node, 0)
    var extents = file.tensors[node.outputs[0]].shape.map { $0 < 1 ? 1 : $0 }
    let count = graph[x].shape.elementCount
    if !extents.isEmpty, extents.reduce(1, &*) != count {
      let rest = extents.dropFirst().reduce(1, &*)
      guard rest > 0, count % rest == 0 else { throw CompileError("shape \(extents)") }
      extents[0] = count / rest
    }
    try finish(
      try graph.add(Reshape(try Shape(extents)), [x], name: name), node, name: name)
  }

  private mutating func pad(_ node: TFLiteOperator, _ name: String) throws(CompileError) {
    let x = try value(node, 0)
    let rank = graph[x].shape.rank
    guard let pads = try ints(node, 1), pads.count == rank * 2,
      pads.allSatisfy({ $0 >= 0 && $0 < 1 << 24 })
    else { throw CompileError("pads must be constant and not negative") }
    var operation = Pad()
    for axis in 0..<rank {
      operation.before[axis] = pads[axis * 2]
      operation.after[axis] = pads[axis * 2 + 1]
    }
    if node.inputs.count > 2 { operation.value = try floats(node, 2).first ?? 0 }
    try finish(try graph.add(operation, [x], name: name), node, name: name)
  }

  private mutating func permute(_ node: TFLiteOperator, _ name: String) throws(CompileError) {
    let x = try value(node, 0)
    guard let axes = try ints(node, 1), axes.sorted() == Array(0..<graph[x].shape.rank) else {
      throw CompileError("permutation must be constant")
    }
    try finish(try graph.add(transpose(axes), [x], name: name), node, name: name)
  }

  private mutating func slice(_ node: TFLiteOperator, _ name: String) throws(CompileError) {
    let x = try value(node, 0)
    let shape = graph[x].shape
    guard let begin = try ints(node, 1), let size = try ints(node, 2), begin.count == shape.rank,
      size.count == shape.rank, begin.allSatisfy({ $0 >= 0 && $0 < 1 << 30 })
    else { throw CompileError("begin and size must be constant") }
    var operation = Slice()
    for axis in 0..<shape.rank {
      operation.start[axis] = begin[axis]
      operation.count[axis] = size[axis] == -1 ? shape[axis] - begin[axis] : size[axis]
    }
    try finish(try graph.add(operation, [x], name: name), node, name: name)
  }
}

/// Names of operators for messages; the number where it is not listed.
func tfliteOperatorName(_ code: Int) -> String {
  let names: [Int: String] = [
    0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D",
    5: "DEPTH_TO_SPACE", 6: "DEQUANTIZE", 9: "FULLY_CONNECTED", 14: "LOGISTIC", 17: "MAX_POOL_2D",
    18: "MUL", 19: "RELU", 21: "RELU6", 22: "RESHAPE", 23: "RESIZE_BILINEAR", 25: "SOFTMAX",
    28: "TANH", 32: "CUSTOM", 34: "PAD", 36: "GATHER", 39: "TRANSPOSE", 40: "MEAN", 41: "SUB",
    42: "DIV", 43: "SQUEEZE", 45: "STRIDED_SLICE", 49: "SPLIT", 54: "PRELU", 56: "ARG_MAX",
    65: "SLICE", 67: "TRANSPOSE_CONV", 77: "SHAPE", 83: "PACK", 97: "RESIZE_NEAREST_NEIGHBOR",
    98: "LEAKY_RELU", 100: "MIRROR_PAD", 114: "QUANTIZE", 117: "HARD_SWISH",
  ]
  return names[code] ?? "builtin \(code)"
}
