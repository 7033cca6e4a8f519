// From a float graph whose values say how they are quantised to one that runs in integers.
import CZoo
import Zoo

/// What becomes integers.
package struct IntegerLoweringOptions {
  /// Names of nodes that stay in float.
  package var floatNodes: Set<String> = []
  /// Whether outputs of the model become f32, whatever makes them.
  package var hasFloatOutputs = true

  package init() {}
}

/// Rewrites every node whose operands and result have a quantisation (`Value.quantization`, of values of f32) into its
/// integer form; values change form where they must, and rows of one form share it.
///
/// Weights may have a quantisation of their own (symmetric, per channel); without one it is made from their largest magnitudes.
///
/// - Throws: `CompileError` naming the layer whose weights cannot become integers.
package func lowerToIntegers(
  _ graph: Graph, _ options: IntegerLoweringOptions = IntegerLoweringOptions()
) throws(CompileError) -> Graph {
  var lowering = IntegerLowering(graph, options)
  return try lowering.run()
}

extension Graph {
  /// Whether any value says how it is quantised.
  package var isQuantized: Bool { values.contains { $0.quantization != nil && $0.type == ZOO_F32 } }

  /// Makes this a network of floats and nothing else.
  package mutating func forgetQuantization() {
    for index in values.indices where values[index].type == ZOO_F32 {
      values[index].quantization = nil
    }
  }

  /// Gives values that are the same numbers as their neighbours, but for order and shape, the neighbours' quantisation.
  mutating func spreadQuantization() {
    let moves = nodes.filter { node in
      node.operation is Reshape || node.operation is Transpose || node.operation is Slice
    }
    for node in moves {
      guard let input = node.inputs[0], self[node.output].quantization == nil else { continue }
      self[node.output].quantization = self[input].quantization
    }
    for node in moves.reversed() {
      guard let input = node.inputs[0], self[input].quantization == nil else { continue }
      self[input].quantization = self[node.output].quantization
    }
  }
}

/// Whether the results of a node are some of its operands, in another place.
func movesNumbers(_ node: GraphNode) -> Bool {
  switch node.operation {
  case is Reshape, is Transpose, is Slice, is Concat, is Pad: true
  case let pool as Pool: pool.kind != .average && pool.activation.kind == .none
  default: false
  }
}

/// The state of a lowering; how each operator is lowered is in the extensions.
struct IntegerLowering {
  private(set) var source: Graph
  let options: IntegerLoweringOptions
  var result = Graph()
  /// Values of the result that hold an old value, in one form or the other.
  private var integers: [ValueID: ValueID] = [:]
  private var reals: [ValueID: ValueID] = [:]

  init(_ graph: Graph, _ options: IntegerLoweringOptions) {
    source = graph
    self.options = options
    result.info = graph.info
    source.spreadQuantization()
  }

  mutating func run() throws(CompileError) -> Graph {
    let lowered = loweredNodes()
    for input in source.inputs {
      let readers = source.nodes.indices.filter { source.nodes[$0].inputs.contains(input) }
      let value = source[input]
      if value.quantization?.single != nil, readers.contains(where: { lowered[$0] }) {
        integers[input] = addInteger(value.name, value.shape, value.quantization)
        result.inputs.append(integers[input] ?? ValueID(index: 0))
      } else {
        reals[input] = result.addInput(value.name, value.shape, type: value.type)
      }
    }
    for (index, node) in source.nodes.enumerated() {
      if lowered[index], try lower(node) { continue }
      try keep(node)
    }
    for output in source.outputs {
      let id: ValueID
      if !options.hasFloatOutputs, let integer = integers[output] {
        id = integer
      } else {
        id = try real(output)
      }
      result.outputs.append(id)
    }
    _ = try RemoveDeadCode.run(&result)
    try result.sortNodes()
    try result.verify(after: "quantisation")
    return result
  }

  /// Which nodes become integers. What only moves numbers does so only behind integers: it would gain nothing otherwise.
  private func loweredNodes() -> [Bool] {
    var hasIntegers = Set(source.inputs)
    return source.nodes.map { node in
      guard isIntegral(node) else { return false }
      let inputs = node.inputs.compactMap { $0 }
      guard !movesNumbers(node) || inputs.contains(where: { hasIntegers.contains($0) }) else {
        return false
      }
      hasIntegers.insert(node.output)
      return true
    }
  }

  /// The quantisation of a value that has one for all its elements.
  func quantization(_ id: ValueID?) -> Quantization? {
    guard let id, let q = source[id].quantization, q.scales.count == 1 else { return nil }
    return q
  }

  /// Whether the integer form of `id` exists already.
  func isInteger(_ id: ValueID?) -> Bool { id.map { integers[$0] != nil } ?? false }

  /// A value of i8 in the result.
  mutating func addInteger(_ name: String, _ shape: Shape, _ q: Quantization?) -> ValueID {
    result.addValue(Value(name: name, type: ZOO_I8, shape: shape, quantization: q))
  }

  mutating func addConstant(_ name: String, _ shape: Shape, _ constant: Constant) -> ValueID {
    result.addValue(Value(name: name, type: constant.type, shape: shape, constant: constant))
  }

  /// The integer form of `id`.
  mutating func integer(_ id: ValueID) throws(CompileError) -> ValueID {
    if let known = integers[id] { return known }
    let value = source[id]
    guard let q = quantization(id) else {
      throw CompileError("'\(value.name)' has no quantisation")
    }
    let made: ValueID
    if let constant = value.constant {
      made = addInteger(value.name, value.shape, q)
      result[made].constant = Constant(constant.floats.map { q.integer(Double($0)) })
    } else {
      made = addInteger(value.name + ".quantized", value.shape, q)
      let from = try real(id)
      result.nodes.append(
        GraphNode(
          name: value.name + ".quantize", operation: Quantize(), inputs: [from], output: made))
    }
    integers[id] = made
    return made
  }

  /// The integer form of `id` in the steps of `q`.
  mutating func integer(_ id: ValueID, as q: Quantization) throws(CompileError) -> ValueID {
    guard let own = quantization(id), !own.isSame(as: q) else { return try integer(id) }
    let from = try integer(id)
    let name = source[id].name + ".rescaled"
    return try lookup(name, from, own, q) { $0 }
  }

  /// The f32 form of `id`.
  mutating func real(_ id: ValueID) throws(CompileError) -> ValueID {
    if let known = reals[id] { return known }
    let value = source[id]
    let made: ValueID
    if let integer = integers[id], value.constant == nil {
      made = result.addValue(
        Value(name: value.name + ".real", type: ZOO_F32, shape: value.shape))
      result.nodes.append(
        GraphNode(
          name: value.name + ".dequantize", operation: Dequantize(), inputs: [integer],
          output: made))
    } else {
      var copy = value
      copy.quantization = nil
      made = result.addValue(copy)
    }
    reals[id] = made
    return made
  }

  /// Appends a node whose result is the integer form of `id`.
  mutating func append(
    _ node: GraphNode, _ operation: any Operation, _ inputs: [ValueID?]
  ) {
    let output = addInteger(
      source[node.output].name, source[node.output].shape, quantization(node.output))
    result.nodes.append(
      GraphNode(name: node.name, operation: operation, inputs: inputs, output: output))
    integers[node.output] = output
  }

  /// Appends a node of the result whose output is `value`, in integers.
  mutating func append(
    _ name: String, _ operation: any Operation, _ inputs: [ValueID?], _ shape: Shape,
    _ q: Quantization
  ) -> ValueID {
    let output = addInteger(name, shape, q)
    result.nodes.append(
      GraphNode(name: name, operation: operation, inputs: inputs, output: output))
    return output
  }

  mutating func define(_ id: ValueID, integer: ValueID) { integers[id] = integer }

  /// A table from steps of `from` to steps of `to`.
  mutating func lookup(
    _ name: String, _ input: ValueID, _ from: Quantization, _ to: Quantization,
    _ function: (Double) -> Double
  ) throws(CompileError) -> ValueID {
    let answers = (0..<256).map {
      to.integer(function(from.real(Int8(bitPattern: UInt8($0)))))
    }
    let table = addConstant(name + ".table", try Shape([256]), Constant(answers))
    return append(name, Lookup(), [input, table], result[input].shape, to)
  }

  /// The node as it is, on f32.
  private mutating func keep(_ node: GraphNode) throws(CompileError) {
    var copy = node
    for index in node.inputs.indices {
      if let input = node.inputs[index] { copy.inputs[index] = try real(input) }
    }
    var value = source[node.output]
    value.quantization = nil
    copy.output = result.addValue(value)
    reals[node.output] = copy.output
    result.nodes.append(copy)
  }
}
