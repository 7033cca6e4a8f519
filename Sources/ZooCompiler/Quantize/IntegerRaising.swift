// From a graph that runs in integers to the float graph it stands for, whose values say how they are quantised.
import CZoo
import Zoo

/// The opposite of `lowerToIntegers`: operators on real numbers, values of f32 that keep their quantisation.
///
/// Each value with a quantisation is meant to be rounded to its steps. Weights stay i8 and biases become i32 in steps of
/// scale(x) scale(w[o]), both with a scale for each output channel. Tables become the function whose answers they hold;
/// those of no known function stay a `Lookup`. A graph without integers is returned as it is.
///
/// - Throws: `CompileError` naming the tensor or node that stands for no real numbers.
package func raiseToFloats(_ graph: Graph) throws(CompileError) -> Graph {
  var raising = IntegerRaising(graph: graph)
  try raising.run()
  return raising.graph
}

/// The state of a raising: `graph` is rewritten node by node.
private struct IntegerRaising {
  var graph: Graph

  mutating func run() throws(CompileError) {
    for index in graph.values.indices where graph.values[index].constant == nil {
      let value = graph.values[index]
      if value.type == ZOO_I8, value.quantization?.single != nil {
        graph.values[index].type = ZOO_F32
      } else if value.type == ZOO_I16 {
        throw CompileError(
          "tensor '\(value.name)' has activations of 16 bits (16x8): ONNX has them from opset 21 on, 17 is written"
        )
      } else if value.type != ZOO_F32 {
        throw CompileError(
          "tensor '\(value.name)' is not float32, and not int8 with one scale: no real numbers")
      }
    }
    for index in graph.nodes.indices {
      var node = graph.nodes[index]
      do throws(CompileError) {
        try raise(&node)
        graph.nodes[index] = node
      } catch {
        throw CompileError("node '\(node.name)' (\(operationName(node.operation))): \(error)")
      }
    }
  }

  private mutating func raise(_ node: inout GraphNode) throws(CompileError) {
    switch node.operation {
    case let op as IntegerConv2D<Int8>:
      var made = Conv2D()
      (made.window, made.groups) = (op.window, op.groups)
      made.activation = activation(op.bounds, node.output)
      let taps = Int(op.window.kernelHeight) * Int(op.window.kernelWidth)
      let channels = node.inputs[0].map { graph[$0].shape.last } ?? 0
      node.inputs = try product(node, rows: taps * channels / max(1, Int(op.groups)))
      node.operation = made
    case let op as IntegerDense<Int8>:
      var made = Dense()
      made.activation = activation(op.bounds, node.output)
      node.inputs = try product(node, rows: node.inputs[0].map { graph[$0].shape.last } ?? 0)
      node.operation = made
    case let op as IntegerDepthwiseConv2D<Int8>:
      var made = DepthwiseConv2D()
      made.window = op.window
      made.activation = activation(op.bounds, node.output)
      let layer = try layer(node)
      node.inputs = [layer.x, addWeights(layer, layer.weights, graph[layer.w].shape)]
      node.inputs.append(try addBiases(layer, layer.biases))
      node.operation = made
    case let op as IntegerPool<Int8>:
      var made = Pool()
      (made.window, made.kind) = (op.window, op.kind)
      (made.ceil, made.countsPadding) = (op.ceil, op.countsPadding)
      made.activation = activation(op.bounds, node.output)
      node.operation = made
    case let op as IntegerGlobalPool<Int8>: node.operation = GlobalPool(op.kind)
    case let op as IntegerBinary<Int8>:
      var made = Binary(op.kind)
      made.activation = activation(op.bounds, node.output)
      node.operation = made
    case var op as Pad:
      if let q = graph[node.output].quantization { op.value = Float(q.real(Int8(op.value))) }
      node.operation = op
    case is Lookup:
      if let function = function(node) {
        node.operation = Unary(function)
        node.inputs = [node.inputs[0]]
      }
    case is Quantize<Int8>, is Dequantize<Int8>: node.operation = Unary(.none)
    default: break
    }
  }

  /// The clamp that `bounds` stand for; a bound of the type itself is no clamp, for rounding to it does the same.
  private func activation(_ bounds: IntegerBounds, _ output: ValueID) -> Activation {
    guard let q = graph[output].quantization, bounds.lower > -128 || bounds.upper < 127 else {
      return .none
    }
    func real(_ bound: Int32) -> Float { Float(q.real(Int8(clamping: bound))) }
    return Activation(
      .clamp, alpha: bounds.lower > -128 ? real(bounds.lower) : -.infinity,
      beta: bounds.upper < 127 ? real(bounds.upper) : .infinity)
  }

  // MARK: Weights

  /// What the integer layers have in common.
  private struct Layer {
    let x: ValueID
    let w: ValueID
    let bias: ValueID
    let weights: [Int8]
    let biases: [Int32]
    /// Of the input, and of the weights of each output channel.
    let inputScale: Float
    let inputZero: Int32
    let scales: [Float]
  }

  private func layer(_ node: GraphNode) throws(CompileError) -> Layer {
    guard node.inputs.count >= 4, let x = node.inputs[0], let w = node.inputs[1],
      let bias = node.inputs[2], let weights: [Int8] = graph[w].constant?.elements(),
      let biases: [Int32] = graph[bias].constant?.elements(),
      let multipliers = graph.floats(node.inputs[3])
    else { throw CompileError("weights, biases and multipliers are not constant") }
    guard let qx = graph[x].quantization?.single, let qy = graph[node.output].quantization?.single
    else { throw CompileError("input and output have no scale") }
    return Layer(
      x: x, w: w, bias: bias, weights: weights, biases: biases, inputScale: qx.scale,
      inputZero: qx.zeroPoint,
      scales: multipliers.map { Float(Double($0) * Double(qy.scale) / Double(qx.scale)) })
  }

  /// x, weights, biases and the addend of a convolution or dense layer with `rows` weights for each output.
  ///
  /// Rows that fill up quads are dropped, and the input's zero point is taken out of the biases.
  private mutating func product(
    _ node: GraphNode, rows: Int
  ) throws(CompileError) -> [ValueID?] {
    let layer = try layer(node)
    let shape = graph[layer.w].shape
    let columns = shape.last
    let groups = shape.rank == 3 ? shape[0] : 1
    let padded = shape[shape.rank - 2]
    guard rows <= padded, layer.biases.count >= groups * columns else {
      throw CompileError("weights have \(padded) rows, expected \(rows)")
    }
    var weights: [Int8] = []
    var biases = Array(layer.biases[..<(groups * columns)])
    for group in 0..<groups {
      let first = group * padded * columns
      let part = layer.weights[first..<first + rows * columns]
      weights += part
      for (index, weight) in part.enumerated() {
        biases[group * columns + index % columns] &+= layer.inputZero &* Int32(weight)
      }
    }
    let extents = shape.rank == 3 ? [groups, rows, columns] : [rows, columns]
    var inputs: [ValueID?] = [
      layer.x, addWeights(layer, weights, try Shape(extents)), try addBiases(layer, biases),
    ]
    if node.inputs.count > 4 { inputs.append(node.inputs[4]) }
    return inputs
  }

  private mutating func addWeights(_ layer: Layer, _ weights: [Int8], _ shape: Shape) -> ValueID {
    graph.addValue(
      Value(
        name: graph[layer.w].name, type: ZOO_I8, shape: shape, constant: Constant(weights),
        quantization: Quantization(perChannel: layer.scales, axis: shape.rank - 1)))
  }

  private mutating func addBiases(
    _ layer: Layer, _ biases: [Int32]
  ) throws(CompileError) -> ValueID {
    let scales = layer.scales.map { Float(Double($0) * Double(layer.inputScale)) }
    return graph.addValue(
      Value(
        name: graph[layer.bias].name, type: ZOO_I32, shape: try Shape([biases.count]),
        constant: Constant(biases), quantization: Quantization(perChannel: scales, axis: 0)))
  }

  // MARK: Tables

  /// The function that gives all 256 answers of a table, if it is one that networks are made of.
  private func function(_ node: GraphNode) -> Activation? {
    guard node.inputs.count == 2, let x = node.inputs[0], let table = node.inputs[1],
      let answers: [Int8] = graph[table].constant?.elements(), answers.count == 256,
      let from = graph[x].quantization, let to = graph[node.output].quantization
    else { return nil }
    var candidates: [Activation] = [
      .none, .relu, .relu6, Activation(.sigmoid), Activation(.tanh), Activation(.hardSwish),
      Activation(.silu, alpha: 1), Activation(.elu, alpha: 1), Activation(.exp),
      Activation(.hardSigmoid, alpha: 1 / 6, beta: 0.5),
      Activation(.hardSigmoid, alpha: 0.2, beta: 0.5),
    ]
    candidates += [0.01, 0.05, 0.1, 0.2, 0.25, 0.3].map { Activation(.leakyReLU, alpha: $0) }
    return candidates.first { candidate in
      let function = realFunction(candidate)
      return answers.indices.allSatisfy {
        answers[$0] == to.integer(function(from.real(Int8(bitPattern: UInt8($0)))))
      }
    }
  }
}

extension Quantization {
  /// Symmetric, with one scale for each channel.
  fileprivate init(perChannel scales: [Float], axis: Int) {
    self.init(scales: scales, zeroPoints: [Int32](repeating: 0, count: scales.count), axis: axis)
  }
}
