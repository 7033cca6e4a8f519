// Operators that move elements, as ONNX nodes.
import Zoo

extension ONNXExporter {
  mutating func concat(_ node: GraphNode, _ op: Concat) throws(CompileError) {
    var parts: [String] = []
    for id in node.inputs.compactMap({ $0 }) { parts.append(try operand(id)) }
    let axis = onnxAxis(Int(op.axis), rank: graph[node.output].shape.rank)
    define(node.output, emit("Concat", parts, name: node.name, [.make("axis", axis)]))
  }

  mutating func slice(_ node: GraphNode, _ op: Slice) throws(CompileError) {
    let x = try operands(node).x
    let shape = graph[x].shape
    let cut = (0..<shape.rank).filter {
      op.start[$0] != 0 || op.step[$0] != 1 || op.count[$0] != shape[$0]
    }
    guard !cut.isEmpty else {
      return define(node.output, emit("Identity", [try operand(x)], name: node.name))
    }
    func end(_ axis: Int) -> Int {
      let last = op.start[axis] + (op.count[axis] - 1) * op.step[axis]
      let end = last + (op.step[axis] > 0 ? 1 : -1)
      // Before the first element: -1 would count from the end.
      return end < 0 ? -(1 << 31) : end
    }
    let columns: [(String, [Int])] = [
      ("starts", cut.map { op.start[$0] }), ("ends", cut.map(end)),
      ("axes", cut.map { onnxAxis($0, rank: shape.rank) }), ("steps", cut.map { op.step[$0] }),
    ]
    var inputs = [try operand(x)]
    for (name, values) in columns { inputs.append(constant("\(node.name).\(name)", values)) }
    define(node.output, emit("Slice", inputs, name: node.name))
  }

  mutating func pad(_ node: GraphNode, _ op: Pad) throws(CompileError) {
    let x = try operands(node).x
    let rank = graph[x].shape.rank
    var pads = [Int](repeating: 0, count: rank * 2)
    for axis in 0..<rank {
      pads[onnxAxis(axis, rank: rank)] = op.before[axis]
      pads[rank + onnxAxis(axis, rank: rank)] = op.after[axis]
    }
    var inputs = [try operand(x), constant(node.name + ".pads", pads)]
    if op.mode == .constant { inputs.append(constant(node.name + ".value", [], [op.value])) }
    define(node.output, emit("Pad", inputs, name: node.name, [.make("mode", "\(op.mode)")]))
  }

  mutating func transposition(_ node: GraphNode, _ op: Transpose) throws(CompileError) {
    let x = try operands(node).x
    let rank = graph[x].shape.rank
    var permutation = [Int](repeating: 0, count: rank)
    for axis in 0..<rank {
      permutation[onnxAxis(axis, rank: rank)] = onnxAxis(op.permutation[axis], rank: rank)
    }
    let result = emit(
      "Transpose", [try operand(x)], name: node.name, [.make("perm", permutation)])
    define(node.output, result)
  }

  /// Reshape keeps our order of elements, so an image goes back to it first; but not where that order is the same, and
  /// not before dense layers, whose weights follow ONNX's order instead.
  mutating func reshape(_ node: GraphNode) throws(CompileError) {
    let x = try operands(node).x
    let (from, to) = (graph[x].shape, graph[node.output].shape)
    if from == to {
      return define(node.output, emit("Identity", [try operand(x)], name: node.name))
    }
    let feedsDense =
      !graph.outputs.contains(node.output)
      && consumers[node.output, default: []].allSatisfy {
        graph.nodes[$0].operation is Dense && graph.nodes[$0].inputs[0] == node.output
      }
    if from.rank == 4, to.rank == 2, from[0] == to[0],
      from[1] * from[2] == 1 || from[3] == 1 || feedsDense
    {
      if from[1] * from[2] > 1 && from[3] > 1 { flattened[node.output] = from }
      let result = emit("Flatten", [try operand(x)], name: node.name, [.make("axis", 1)])
      return define(node.output, result)
    }
    // A row of channels per image is an image of one pixel, in either order.
    let isVector = from.rank == 2 && to.rank == 4 && to[1] * to[2] == 1
    let extents = isVector ? onnxExtents(to) : to.extents
    let inputs = [
      try operand(x, .pixels), constant(node.name + ".extents", extents),
    ]
    define(
      node.output, emit("Reshape", inputs, name: node.name), isVector ? .planes : .pixels)
  }
}
