// Element-wise functions as ONNX nodes.
import Zoo

extension ONNXExporter {
  mutating func unary(_ node: GraphNode, _ op: Unary) throws(CompileError) {
    let x = try operand(try operands(node).x)
    define(node.output, activation(op.activation, x, name: node.name, isWhole: true))
  }

  mutating func binary(_ node: GraphNode, _ op: Binary) throws(CompileError) {
    let (a, b) = try operands(node)
    let rank = graph[node.output].shape.rank
    let operation =
      switch op.kind {
      case .add: "Add"
      case .subtract: "Sub"
      case .multiply: "Mul"
      case .divide: "Div"
      case .maximum: "Max"
      case .minimum: "Min"
      }
    let inputs = [
      try broadcastable(a, rank: rank, node), try broadcastable(b, rank: rank, node),
    ]
    define(
      node.output,
      activation(op.activation, emit(operation, inputs, name: node.name), name: node.name),
      rank == 4 ? .planes : .pixels)
  }

  /// An operand lined up for a result of `rank`: vectors of channels become [c, 1, 1] beside images.
  private mutating func broadcastable(
    _ id: ValueID, rank: Int, _ node: GraphNode
  ) throws(CompileError) -> String {
    let shape = graph[id].shape
    guard shape.rank != rank, shape.rank > 0 else { return try operand(id) }
    guard rank == 4 else { return try operand(id, .pixels) }
    let extents = [Int](repeating: 1, count: 4 - shape.rank) + shape.extents
    let full = try Shape(extents)
    if graph[id].constant != nil {
      return try constant(id, onnxExtents(full), order: onnxOrder(full))
    }
    let pixels = emit(
      "Reshape", [try operand(id), constant(node.name + ".extents", extents)],
      name: node.name + ".image")
    return emit(
      "Transpose", [pixels], name: node.name + ".image.nchw", [.make("perm", [0, 3, 1, 2])])
  }

  /// `activation` of the tensor `x`; its node is called `name` if it is the whole operator, else after the function.
  mutating func activation(
    _ activation: Activation, _ x: String, name: String, isWhole: Bool = false
  ) -> String {
    func title(_ function: String) -> String { isWhole ? name : "\(name).\(function)" }
    let alpha = Zoo_Onnx_AttributeProto.make("alpha", activation.alpha)
    switch activation.kind {
    case .none: return x
    case .clamp:
      if activation.alpha == 0, activation.beta == .infinity {
        return emit("Relu", [x], name: title("relu"))
      }
      var inputs = [x, "", ""]
      if activation.alpha > -.infinity {
        inputs[1] = constant(name + ".min", [], [activation.alpha])
      }
      if activation.beta < .infinity { inputs[2] = constant(name + ".max", [], [activation.beta]) }
      while inputs.last == "" { inputs.removeLast() }
      return emit("Clip", inputs, name: title("clip"))
    case .leakyReLU: return emit("LeakyRelu", [x], name: title("leakyrelu"), [alpha])
    case .sigmoid: return emit("Sigmoid", [x], name: title("sigmoid"))
    case .tanh: return emit("Tanh", [x], name: title("tanh"))
    case .hardSigmoid:
      return emit(
        "HardSigmoid", [x], name: title("hardsigmoid"), [alpha, .make("beta", activation.beta)])
    case .hardSwish: return emit("HardSwish", [x], name: title("hardswish"))
    case .exp: return emit("Exp", [x], name: title("exp"))
    case .elu: return emit("Elu", [x], name: title("elu"), [alpha])
    case .silu:
      var argument = x
      if activation.alpha != 1 {
        argument = emit(
          "Mul", [x, constant(name + ".alpha", [], [activation.alpha])], name: name + ".scaled")
      }
      let gate = emit("Sigmoid", [argument], name: name + ".sigmoid")
      return emit("Mul", [x, gate], name: title("silu"))
    }
  }
}
