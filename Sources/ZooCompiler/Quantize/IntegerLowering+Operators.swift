// Which operators have an integer form, and what it is.
import CZoo
import Foundation
import Zoo

extension IntegerLowering {
  /// Most products in one sum of 32 bits: 255 * 127 each, with room for the bias.
  private static let deepestSum = 32_768
  /// Most products in one sum of 48 bits, padding of quads left out (`IntegerConv2D`).
  private static let deepestWideSum = 1 << 23 - 4

  /// Whether `node` can have activations of i8: its operands and its result have a quantisation, and its operator an integer
  /// form.
  func isIntegral(_ node: GraphNode) -> Bool { hasForm(node, Int8.self) }

  /// Whether `node` can have activations of i16: as with i8, but no tables.
  func canBeWide(_ node: GraphNode) -> Bool {
    !(node.operation is Unary) && hasForm(node, Int16.self)
  }

  private func hasForm<Element: IntegerElement>(_ node: GraphNode, _ type: Element.Type) -> Bool {
    guard !options.floatNodes.contains(node.name), quantization(node.output, type) != nil,
      let first = node.inputs.first, canBe(first, type)
    else { return false }
    let activation = fusedActivation(node.operation)
    guard activation.kind == .none || activation.kind == .clamp else { return false }
    switch node.operation {
    case is Conv2D, is Dense, is DepthwiseConv2D:
      guard node.inputs.count > 1, let w = node.inputs[1], source[w].constant != nil else {
        return false
      }
      if node.inputs.count > 2, let bias = node.inputs[2], source[bias].constant == nil {
        return false
      }
      if node.inputs.count > 3, node.inputs[3] != nil, !canBe(node.inputs[3], type) {
        return false
      }
      return source[w].shape.elementCount / max(1, source[node.output].shape.last)
        <= (type.isWide ? IntegerLowering.deepestWideSum : IntegerLowering.deepestSum)
    case let binary as Binary:
      return binary.kind != .divide && canBe(node.inputs[1], type)
    case let mean as Mean:
      return mean.axes == 0b110 && source[first ?? node.output].shape.rank == 4
        && isSummable(node, type)
    case is Concat:
      return node.inputs.allSatisfy { canBe($0, type) }
    case is GlobalPool: return isSummable(node, type)
    case is Pool, is Unary, is Reshape, is Slice, is Transpose, is Pad:
      return true
    default:
      return false
    }
  }

  /// Whether `id` has steps of `type`.
  private func canBe<Element: IntegerElement>(_ id: ValueID?, _ type: Element.Type) -> Bool {
    quantization(id, type) != nil
  }

  /// Whether the pixels of the image that `node` reads can be summed (`IntegerGlobalPool`).
  private func isSummable<Element: IntegerElement>(
    _ node: GraphNode, _ type: Element.Type
  ) -> Bool {
    guard let x = node.inputs[0], source[x].shape.rank == 4 else { return false }
    return source[x].shape[1] * source[x].shape[2] <= type.mostSummed
  }

  /// Appends the form of `node` with activations of `type`; false if it turns out to have none.
  mutating func lower<Element: IntegerElement>(
    _ node: GraphNode, _ type: Element.Type
  ) throws(CompileError) -> Bool {
    guard let first = node.inputs[0], let x = quantization(first, type)?.single,
      let q = quantization(node.output, type), let y = q.single
    else { return false }
    let ratio = Float(Double(x.scale) / Double(y.scale))
    switch node.operation {
    case let op as Conv2D:
      var made = IntegerConv2D<Element>()
      made.window = op.window
      made.groups = op.groups
      made.bounds = q.bounds(op.activation, type)
      made.addendMultiplier = addendMultiplier(node, y.scale, type)
      append(node, made, try product(node, groups: Int(op.groups), type), type)
    case let op as Dense:
      var made = IntegerDense<Element>()
      made.bounds = q.bounds(op.activation, type)
      made.addendMultiplier = addendMultiplier(node, y.scale, type)
      append(node, made, try product(node, groups: 1, type), type)
    case let op as DepthwiseConv2D:
      var made = IntegerDepthwiseConv2D<Element>()
      made.window = op.window
      made.bounds = q.bounds(op.activation, type)
      append(node, made, try depthwiseOperands(node, type), type)
    case let op as Pool:
      var made = IntegerPool<Element>()
      made.window = op.window
      made.kind = op.kind
      made.ceil = op.ceil
      made.countsPadding = op.countsPadding
      made.bounds = q.bounds(op.activation, type)
      made.multiplier = ratio
      append(node, made, [try integer(first, type)], type)
    case let op as GlobalPool:
      var made = IntegerGlobalPool<Element>()
      made.kind = op.kind
      made.multiplier = ratio
      append(node, made, [try integer(first, type)], type)
    case is Mean:
      var made = IntegerGlobalPool<Element>()
      made.multiplier = ratio
      append(node, made, [try integer(first, type)], type)
    case let op as Binary:
      guard let second = node.inputs[1], let b = quantization(second, type)?.single else {
        return false
      }
      var made = IntegerBinary<Element>()
      made.kind = op.kind
      made.bounds = q.bounds(op.activation, type)
      made.multiplierA = ratio
      made.multiplierB = Float(Double(b.scale) / Double(y.scale))
      if op.kind == .multiply {
        made.multiplierA = Float(Double(x.scale) * Double(b.scale) / Double(y.scale))
      }
      append(node, made, [try integer(first, type), try integer(second, type)], type)
    case let op as Unary:
      guard let from = quantization(first) else { return false }
      let answer = try lookup(
        source[node.output].name, try integer(first, Int8.self), from, q,
        realFunction(op.activation))
      define(node.output, Int8.self, answer)
    case is Concat:
      var parts: [ValueID?] = []
      for input in node.inputs.compactMap({ $0 }) { parts.append(try integer(input, type, as: q)) }
      append(node, node.operation, parts, type)
    case var op as Pad:
      op.value = Float(q.integer(Double(op.value), type))
      append(node, op, [try integer(first, type, as: q)], type)
    default:  // moves elements
      append(node, node.operation, [try integer(first, type, as: q)], type)
    }
    return true
  }

  private func addendMultiplier<Element: IntegerElement>(
    _ node: GraphNode, _ scale: Float, _ type: Element.Type
  ) -> Float {
    guard node.inputs.count > 3, let addend = quantization(node.inputs[3], type)?.single else {
      return 0
    }
    return Float(Double(addend.scale) / Double(scale))
  }

  /// Weights of `node` as integers.
  private func weights<Element: IntegerElement>(
    _ node: GraphNode, groups: Int, columns: Int, _ type: Element.Type
  ) throws(CompileError) -> IntegerWeights {
    guard let w = node.inputs[1], let constant = source[w].constant,
      let x = quantization(node.inputs[0], type)?.single
    else { throw CompileError("layer '\(node.name)': no constant weights") }
    let bias = node.inputs.count > 2 ? node.inputs[2].flatMap { source[$0].constant?.floats } : nil
    let given = source[w].quantization.flatMap { q in
      q.zeroPoints.allSatisfy { $0 == 0 } ? q : nil
    }
    return try IntegerWeights(
      constant.floats, groups: groups, columns: columns, bias: bias, inputScale: x.scale,
      given: given, biasBits: type.isWide ? 48 : 32, layer: node.name)
  }

  /// x, weights, biases, multipliers and perhaps the addend of a convolution or dense layer.
  private mutating func product<Element: IntegerElement>(
    _ node: GraphNode, groups: Int, _ type: Element.Type
  ) throws(CompileError) -> [ValueID?] {
    guard let x = node.inputs[0], let qx = quantization(x, type)?.single,
      let y = quantization(node.output, type)?.single, let w = node.inputs[1]
    else { throw CompileError("layer '\(node.name)': no quantisation") }
    let columns = source[w].shape.last
    let weights = try weights(node, groups: groups, columns: columns, type)
    let (integers, rows) = weights.paddedRows(groups: groups, columns: columns)
    let outputs = groups * columns
    let shape =
      try source[w].shape.rank == 2
      ? Shape([rows, columns]) : Shape([groups, rows, columns])
    var operands: [ValueID?] = [
      try integer(x, type),
      addConstant(source[w].name, shape, Constant(integers)),
      addConstant(
        node.name + ".bias", try Shape([2, outputs]),
        Constant(
          type.isWide
            ? weights.wideBiases
            : weights.foldedBiases(groups: groups, columns: columns, zeroPoint: qx.zeroPoint))),
      addConstant(
        node.name + ".multipliers", try Shape([outputs]),
        Constant(weights.multipliers(inputScale: qx.scale, outputScale: y.scale))),
    ]
    if node.inputs.count > 3, let addend = node.inputs[3] {
      operands.append(try integer(addend, type))
    }
    return operands
  }

  private mutating func depthwiseOperands<Element: IntegerElement>(
    _ node: GraphNode, _ type: Element.Type
  ) throws(CompileError) -> [ValueID?] {
    guard let x = node.inputs[0], let qx = quantization(x, type)?.single,
      let y = quantization(node.output, type)?.single, let w = node.inputs[1]
    else { throw CompileError("layer '\(node.name)': no quantisation") }
    let channels = source[w].shape.last
    let weights = try weights(node, groups: 1, columns: channels, type)
    return [
      try integer(x, type),
      addConstant(source[w].name, source[w].shape, Constant(weights.integers)),
      addConstant(
        node.name + ".bias", try Shape(type.isWide ? [2, channels] : [channels]),
        Constant(
          type.isWide
            ? weights.wideBiases : weights.biases.map { Int32(truncatingIfNeeded: $0) })),
      addConstant(
        node.name + ".multipliers", try Shape([channels]),
        Constant(weights.multipliers(inputScale: qx.scale, outputScale: y.scale))),
    ]
  }
}

/// An activation in double precision.
func realFunction(_ activation: Activation) -> (Double) -> Double {
  let alpha = Double(activation.alpha)
  let beta = Double(activation.beta)
  return { x in
    switch activation.kind {
    case .none: x
    case .clamp: min(max(x, alpha), beta)
    case .leakyReLU: x < 0 ? alpha * x : x
    case .sigmoid: 1 / (1 + exp(-x))
    case .tanh: tanh(x)
    case .hardSigmoid: min(max(alpha * x + beta, 0), 1)
    case .hardSwish: x * min(max(x / 6 + 0.5, 0), 1)
    case .exp: exp(x)
    case .elu: x < 0 ? alpha * (exp(x) - 1) : x
    case .silu: x / (1 + exp(-alpha * x))
    }
  }
}
