// Layers as ONNX nodes: convolution, dense, pooling, normalisation.
import Zoo

extension ONNXExporter {
  /// Weights [groups][kh kw c][m] become [groups m][c][kh][kw].
  mutating func convolution(_ node: GraphNode, _ op: Conv2D) throws(CompileError) {
    let (x, weights) = try operands(node)
    let shape = graph[weights].shape
    let (height, width) = (Int(op.window.kernelHeight), Int(op.window.kernelWidth))
    let (groups, outputs) = (shape[0], shape[2])
    let depth = shape[1] / (height * width)
    let weight = try constant(
      weights, [groups * outputs, depth, height, width],
      order: (
        [groups, outputs, depth, height, width],
        [shape[1] * outputs, 1, outputs, width * depth * outputs, depth * outputs]
      ))
    try convolution(node, x, weight, op.window, groups: groups, op.activation)
  }

  /// Weights [kh][kw][c] become [c][1][kh][kw].
  mutating func depthwise(_ node: GraphNode, _ op: DepthwiseConv2D) throws(CompileError) {
    let (x, weights) = try operands(node)
    let shape = graph[weights].shape
    let (height, width, channels) = (shape[0], shape[1], shape[2])
    let weight = try constant(
      weights, [channels, 1, height, width],
      order: ([channels, height, width], [1, width * channels, channels]))
    try convolution(node, x, weight, op.window, groups: channels, op.activation)
  }

  private mutating func convolution(
    _ node: GraphNode, _ x: ValueID, _ weight: String, _ window: Window, groups: Int,
    _ activation: Activation
  ) throws(CompileError) {
    var inputs = [try operand(x), weight]
    if let bias = input(node, 2) { inputs.append(try operand(bias)) }
    let attributes = windowAttributes(window) + [.make("group", groups)]
    try finish(node, emit("Conv", inputs, name: node.name, attributes), activation)
  }

  /// A matrix of rows becomes a Gemm with weights [out][in]; images a convolution of one pixel.
  mutating func dense(_ node: GraphNode, _ op: Dense) throws(CompileError) {
    let (x, weights) = try operands(node)
    let shape = graph[weights].shape
    let rank = graph[x].shape.rank
    guard rank == 2 || rank == 4 else {
      let matrix = try constant(weights, shape.extents, axis: 1)
      var result = emit("MatMul", [try operand(x), matrix], name: node.name)
      if let bias = input(node, 2) {
        result = emit("Add", [result, try operand(bias)], name: node.name + ".biased")
      }
      return try finish(node, result, op.activation)
    }
    let columns = shape[1]
    let picture = flattened[x].map { [$0[1], $0[2], $0[3]] } ?? [1, 1, shape[0]]
    let matrix = try constant(
      weights, rank == 2 ? [columns, shape[0]] : [columns, shape[0], 1, 1],
      order: (
        [columns, picture[2], picture[0], picture[1]],
        [1, columns, picture[1] * picture[2] * columns, picture[2] * columns]
      ))
    var inputs = [try operand(x), matrix]
    if let bias = input(node, 2) { inputs.append(try operand(bias)) }
    let result =
      rank == 2
      ? emit("Gemm", inputs, name: node.name, [.make("transB", 1)])
      : emit("Conv", inputs, name: node.name, [.make("kernel_shape", [1, 1])])
    try finish(node, result, op.activation)
  }

  mutating func batchNorm(_ node: GraphNode, _ op: BatchNorm) throws(CompileError) {
    guard let x = input(node, 0), let scale = input(node, 1), let shift = input(node, 2) else {
      throw CompileError("operands are missing")
    }
    let isImage = graph[x].shape.rank == 4
    var factors: [String] = []
    for id in [scale, shift] {
      let values = try constantFloats(id, "'\(graph[id].name)'")
      factors.append(
        constant(graph[id].name, isImage ? [values.count, 1, 1] : [values.count], values))
    }
    let scaled = emit("Mul", [try operand(x), factors[0]], name: node.name + ".scaled")
    try finish(node, emit("Add", [scaled, factors[1]], name: node.name), op.activation)
  }

  mutating func localResponseNorm(
    _ node: GraphNode, _ op: LocalResponseNorm
  ) throws(CompileError) {
    let x = try operands(node).x
    guard graph[x].shape.rank == 4 else { throw CompileError("of images only") }
    let result = emit(
      "LRN", [try operand(x)], name: node.name,
      [
        .make("size", Int(op.size)), .make("alpha", op.alpha * Float(op.size)),
        .make("beta", op.beta), .make("bias", op.bias),
      ])
    define(node.output, result)
  }

  mutating func pool(_ node: GraphNode, _ op: Pool) throws(CompileError) {
    let x = try operand(try operands(node).x)
    var attributes = windowAttributes(op.window, dilations: op.kind != .average)
    if op.ceil { attributes.append(.make("ceil_mode", 1)) }
    switch op.kind {
    case .max: try finish(node, emit("MaxPool", [x], name: node.name, attributes), op.activation)
    case .min:
      let negative = emit("Neg", [x], name: node.name + ".negative")
      let largest = emit("MaxPool", [negative], name: node.name + ".largest", attributes)
      try finish(node, emit("Neg", [largest], name: node.name), op.activation)
    case .average:
      guard op.window.dilationHeight == 1, op.window.dilationWidth == 1 else {
        throw CompileError("a mean with dilation is not in opset 17")
      }
      if op.countsPadding { attributes.append(.make("count_include_pad", 1)) }
      try finish(node, emit("AveragePool", [x], name: node.name, attributes), op.activation)
    }
  }

  mutating func globalPool(_ node: GraphNode, _ op: GlobalPool) throws(CompileError) {
    let x = try operand(try operands(node).x)
    switch op.kind {
    case .average: define(node.output, emit("GlobalAveragePool", [x], name: node.name))
    case .max: define(node.output, emit("GlobalMaxPool", [x], name: node.name))
    case .min:
      let negative = emit("Neg", [x], name: node.name + ".negative")
      let largest = emit("GlobalMaxPool", [negative], name: node.name + ".largest")
      define(node.output, emit("Neg", [largest], name: node.name))
    }
  }

  mutating func mean(_ node: GraphNode, _ op: Mean) throws(CompileError) {
    let x = try operands(node).x
    let rank = graph[x].shape.rank
    let axes = (0..<rank).filter { op.axes & (1 << Int32($0)) != 0 }
    let result = emit(
      "ReduceMean", [try operand(x)], name: node.name,
      [.make("axes", axes.map { onnxAxis($0, rank: rank) }.sorted()), .make("keepdims", 1)])
    define(node.output, result)
  }

  mutating func softmax(_ node: GraphNode, _ op: Softmax) throws(CompileError) {
    let id = try operands(node).x
    var x = try operand(id)
    if op.scale != 1 {
      x = emit(
        "Mul", [x, constant(node.name + ".scale", [], [op.scale])], name: node.name + ".scaled")
    }
    let result = emit(
      op.isLogarithm ? "LogSoftmax" : "Softmax", [x], name: node.name,
      [.make("axis", onnxAxis(Int(op.axis), rank: graph[id].shape.rank))])
    define(node.output, result)
  }

  /// What follows the arithmetic of a layer: its addend and its activation.
  mutating func finish(
    _ node: GraphNode, _ result: String, _ activation: Activation
  ) throws(CompileError) {
    var result = result
    if let addend = input(node, 3) {
      result = emit("Add", [result, try operand(addend)], name: node.name + ".add")
    }
    define(node.output, self.activation(activation, result, name: node.name))
  }

  /// Operand `position` of a layer, or nil if it was left out.
  func input(_ node: GraphNode, _ position: Int) -> ValueID? {
    position < node.inputs.count ? node.inputs[position] : nil
  }

  /// The first two operands; the second is the first where there is one only.
  func operands(_ node: GraphNode) throws(CompileError) -> (x: ValueID, y: ValueID) {
    guard let x = input(node, 0) else { throw CompileError("has no operand") }
    return (x, input(node, 1) ?? x)
  }

  private func windowAttributes(
    _ window: Window, dilations: Bool = true
  ) -> [Zoo_Onnx_AttributeProto] {
    func pair(_ name: String, _ a: Int32, _ b: Int32) -> Zoo_Onnx_AttributeProto {
      .make(name, [Int(a), Int(b)])
    }
    let pads = [window.padTop, window.padLeft, window.padBottom, window.padRight]
    return [
      pair("kernel_shape", window.kernelHeight, window.kernelWidth),
      pair("strides", window.strideHeight, window.strideWidth), .make("pads", pads.map { Int($0) }),
    ] + (dilations ? [pair("dilations", window.dilationHeight, window.dilationWidth)] : [])
  }
}
