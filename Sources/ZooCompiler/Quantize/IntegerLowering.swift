// From a float graph whose values say how they are quantised to one that runs in integers: values and their forms.
import CZoo
import Zoo

/// What a node computes in.
enum ArithmeticForm {
  case real
  /// Activations of i8.
  case narrow
  /// Activations of i16.
  case wide
}

/// The state of a lowering; how each operator is lowered is in the extensions.
struct IntegerLowering {
  private(set) var source: Graph
  let options: IntegerLoweringOptions
  var result = Graph()
  /// Values of the result that hold an old value, in one form or another.
  private var narrow: [ValueID: ValueID] = [:]
  private var wide: [ValueID: ValueID] = [:]
  private var reals: [ValueID: ValueID] = [:]

  init(_ graph: Graph, _ options: IntegerLoweringOptions) {
    source = graph
    self.options = options
    result.info = graph.info
    source.spreadQuantization()
  }

  mutating func run() throws(CompileError) -> Graph {
    let forms = nodeForms()
    for input in source.inputs {
      let value = source[input]
      let readers = Set(
        source.nodes.indices.filter { source.nodes[$0].inputs.contains(input) }.map { forms[$0] })
      if quantization(input) != nil, readers.contains(.narrow) {
        result.inputs.append(add(input, Int8.self))
      } else if wideQuantization(input) != nil, readers.contains(.wide) {
        result.inputs.append(add(input, Int16.self))
      } else {
        reals[input] = result.addInput(value.name, value.shape, type: value.type)
      }
    }
    for (index, node) in source.nodes.enumerated() {
      switch forms[index] {
      case .narrow: if try lower(node, Int8.self) { continue }
      case .wide: if try lower(node, Int16.self) { continue }
      case .real: break
      }
      try keep(node)
    }
    for output in source.outputs {
      if !options.hasFloatOutputs, let integer = narrow[output] ?? wide[output] {
        result.outputs.append(integer)
      } else {
        result.outputs.append(try real(output))
      }
    }
    _ = try RemoveDeadCode.run(&result)
    try result.sortNodes()
    try result.verify(after: "quantisation")
    return result
  }

  /// What each node becomes. What only moves numbers follows what it moves: it would gain nothing otherwise.
  private func nodeForms() -> [ArithmeticForm] {
    var forms: [ValueID: ArithmeticForm] = [:]
    return source.nodes.map { node in
      let form = form(node, forms)
      forms[node.output] = form
      return form
    }
  }

  private func form(
    _ node: GraphNode, _ forms: [ValueID: ArithmeticForm]
  ) -> ArithmeticForm {
    let inputs = node.inputs.compactMap { $0 }
    if movesNumbers(node) {
      let moved = Set(inputs.compactMap { source.inputs.contains($0) ? .narrow : forms[$0] })
      let isWanted = moved.contains(.wide) || options.wideNodes.contains(node.name)
      if !moved.isEmpty, isWanted, canBeWide(node) { return .wide }
      return isIntegral(node) && moved.contains(.narrow) ? .narrow : .real
    }
    if options.wideNodes.contains(node.name) { return canBeWide(node) ? .wide : .real }
    return isIntegral(node) ? .narrow : .real
  }

  /// The quantisation of a value that has one for all its elements.
  func quantization(_ id: ValueID?) -> Quantization? {
    guard let id, let q = source[id].quantization, q.scales.count == 1 else { return nil }
    return q
  }

  /// The steps of 16 bits of a value, if it may have some.
  func wideQuantization(_ id: ValueID?) -> Quantization? { id.flatMap { options.wide[$0] } }

  func quantization<Element: IntegerElement>(_ id: ValueID?, _ type: Element.Type) -> Quantization?
  {
    type.isWide ? wideQuantization(id) : quantization(id)
  }

  /// The value of the result that holds `id` in integers of `type`, if there is one.
  private func known<Element: IntegerElement>(_ id: ValueID, _ type: Element.Type) -> ValueID? {
    type.isWide ? wide[id] : narrow[id]
  }

  /// `made` holds `id` in integers of `type`.
  mutating func define<Element: IntegerElement>(
    _ id: ValueID, _ type: Element.Type, _ made: ValueID
  ) {
    if type.isWide { wide[id] = made } else { narrow[id] = made }
  }

  /// A new value of the result that holds `id` in integers of `type`.
  private mutating func add<Element: IntegerElement>(
    _ id: ValueID, _ type: Element.Type, suffix: String = ""
  ) -> ValueID {
    let made = addInteger(
      source[id].name + suffix, source[id].shape, quantization(id, type), type)
    define(id, type, made)
    return made
  }

  mutating func addInteger<Element: IntegerElement>(
    _ name: String, _ shape: Shape, _ q: Quantization?, _ type: Element.Type
  ) -> ValueID {
    result.addValue(Value(name: name, type: type.type, shape: shape, quantization: q))
  }

  mutating func addConstant(_ name: String, _ shape: Shape, _ constant: Constant) -> ValueID {
    result.addValue(Value(name: name, type: constant.type, shape: shape, constant: constant))
  }

  /// The form of `id` in integers of `type`; if it has none yet, made from what holds most of it.
  mutating func integer<Element: IntegerElement>(
    _ id: ValueID, _ type: Element.Type
  ) throws(CompileError) -> ValueID {
    if let known = known(id, type) { return known }
    let value = source[id]
    guard let q = quantization(id, type) else {
      throw CompileError("'\(value.name)' has no quantisation")
    }
    if let constant = value.constant {
      let made = add(id, type)
      let integers = constant.floats.map { q.integer(Double($0), type) }
      result[made].constant = Constant(
        type: type.type, bytes: integers.withUnsafeBytes { Array($0) })
      return made
    }
    if reals[id] == nil, let other = type.isWide ? narrow[id] : wide[id],
      let from = type.isWide ? quantization(id) : wideQuantization(id)
    {
      let made = add(id, type, suffix: type.isWide ? ".widened" : ".narrowed")
      appendRequantize(result[made].name, other, from, made, q)
      return made
    }
    let from = try real(id)
    let made = add(id, type, suffix: ".quantized")
    result.nodes.append(
      GraphNode(
        name: value.name + ".quantize", operation: Quantize<Element>(), inputs: [from],
        output: made))
    return made
  }

  /// The form of `id` in integers of `type` and the steps of `q`.
  mutating func integer<Element: IntegerElement>(
    _ id: ValueID, _ type: Element.Type, as q: Quantization
  ) throws(CompileError) -> ValueID {
    let from = try integer(id, type)
    guard let own = quantization(id, type), !own.isSame(as: q) else { return from }
    let name = source[id].name + ".rescaled"
    guard type.isWide else { return try lookup(name, from, own, q) { $0 } }
    let made = addInteger(name, source[id].shape, q, type)
    appendRequantize(name, from, own, made, q)
    return made
  }

  private mutating func appendRequantize(
    _ name: String, _ input: ValueID, _ from: Quantization, _ output: ValueID, _ to: Quantization
  ) {
    var operation = Requantize()
    operation.multiplier = Float(Double(from.scales[0]) / Double(to.scales[0]))
    result.nodes.append(
      GraphNode(name: name, operation: operation, inputs: [input], output: output))
  }

  /// The f32 form of `id`, from what holds most of it.
  mutating func real(_ id: ValueID) throws(CompileError) -> ValueID {
    if let known = reals[id] { return known }
    let value = source[id]
    let made: ValueID
    if let integer = wide[id] ?? narrow[id], value.constant == nil {
      made = result.addValue(
        Value(name: value.name + ".real", type: ZOO_F32, shape: value.shape))
      let operation: any Operation =
        wide[id] != nil ? Dequantize<Int16>() : Dequantize<Int8>()
      result.nodes.append(
        GraphNode(
          name: value.name + ".dequantize", operation: operation, inputs: [integer], output: made))
    } else {
      var copy = value
      copy.quantization = nil
      made = result.addValue(copy)
    }
    reals[id] = made
    return made
  }

  /// Appends a node whose result is the form of its output in integers of `type`.
  mutating func append<Element: IntegerElement>(
    _ node: GraphNode, _ operation: any Operation, _ inputs: [ValueID?], _ type: Element.Type
  ) {
    let output = add(node.output, type)
    result.nodes.append(
      GraphNode(name: node.name, operation: operation, inputs: inputs, output: output))
  }

  /// Appends a table from steps of i8 of `from` to those of `to`.
  mutating func lookup(
    _ name: String, _ input: ValueID, _ from: Quantization, _ to: Quantization,
    _ function: (Double) -> Double
  ) throws(CompileError) -> ValueID {
    let answers: [Int8] = (0..<256).map {
      to.integer(function(from.real(Int8(bitPattern: UInt8($0)))))
    }
    let table = addConstant(name + ".table", try Shape([256]), Constant(answers))
    let output = addInteger(name, result[input].shape, to, Int8.self)
    result.nodes.append(
      GraphNode(name: name, operation: Lookup(), inputs: [input, table], output: output))
    return output
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
