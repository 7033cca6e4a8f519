// Quantised values as ONNX has them: float operators between QuantizeLinear and DequantizeLinear.
//
// Every value that has a quantisation is rounded where it is made and read as floats again, which is the form that onnxruntime
// and other runtimes fuse into integer operators of their own.
import CZoo
import Zoo

extension ONNXExporter {
  /// The tensor `name` rounded to the steps of `id`, as floats; itself if `id` has none.
  mutating func rounded(_ name: String, _ id: ValueID) -> String {
    guard let steps = steps(id, name) else { return name }
    let integers = emit("QuantizeLinear", [name] + steps, name: name + ".quantized")
    return emit("DequantizeLinear", [integers] + steps, name: name + ".dequantized")
  }

  /// A table of no known function: the integers count from its beginning, and from its end where they are negative.
  mutating func lookup(_ node: GraphNode) throws(CompileError) {
    let (x, table) = try operands(node)
    guard let answers: [Int8] = graph[table].constant?.elements(), answers.count == 256 else {
      throw CompileError("the table is not constant")
    }
    guard let from = steps(x, node.name + ".input"), let to = steps(node.output, node.name) else {
      throw CompileError("input or output has no scale")
    }
    let integers = emit(
      "QuantizeLinear", [try operand(x)] + from, name: node.name + ".input.quantized")
    let indices = emit(
      "Cast", [integers], name: node.name + ".indices",
      [.make("to", Int(ONNXElementType.int32.rawValue))])
    let found = emit(
      "Gather", [constant(graph[table].name, [256], answers), indices],
      name: node.name + ".quantized")
    record(node.output, emit("DequantizeLinear", [found] + to, name: node.name))
  }

  /// The constant `id` as a tensor of floats with `extents`; scales of integers lie along `axis`.
  ///
  /// - Parameter order: extents and strides in the order of ONNX, if that differs from ours.
  mutating func constant(
    _ id: ValueID, _ extents: [Int], order: (extents: [Int], strides: [Int])? = nil, axis: Int = 0
  ) throws(CompileError) -> String {
    let value = graph[id]
    func ordered<Element: BitwiseCopyable>(_ elements: [Element]) -> [Element] {
      order.map { gathered(elements, $0.extents, $0.strides) } ?? elements
    }
    if let floats = graph.floats(id) {
      return constant(value.name, extents, ordered(floats))
    }
    if let halves: [Float16] = value.constant?.elements() {
      return constant(value.name, extents, ordered(halves).map { Float($0) })
    }
    if let floats = value.constant?.bfloat16s {
      return constant(value.name, extents, ordered(floats))
    }
    guard let q = value.quantization, value.constant != nil else {
      throw CompileError("'\(value.name)' is not constant, or integers without a scale")
    }
    let integers: String
    if let words: [Int32] = value.constant?.elements() {
      integers = constant(value.name + ".quantized", extents, ordered(words))
    } else if let bytes: [Int8] = value.constant?.elements() {
      integers = constant(value.name + ".quantized", extents, ordered(bytes))
    } else {
      throw CompileError("'\(value.name)' has elements that ONNX cannot dequantise")
    }
    let isSingle = q.scales.count == 1
    var inputs = [
      integers, constant(value.name + ".scale", isSingle ? [] : [q.scales.count], q.scales),
    ]
    if q.zeroPoints.contains(where: { $0 != 0 }) {
      let zeros = q.zeroPoints.map { Int8(clamping: $0) }
      inputs.append(constant(value.name + ".zero", isSingle ? [] : [zeros.count], zeros))
    }
    return emit(
      "DequantizeLinear", inputs, name: value.name, isSingle ? [] : [.make("axis", axis)])
  }

  /// Scale and zero point of `id` as operands.
  private mutating func steps(_ id: ValueID, _ name: String) -> [String]? {
    guard let q = graph[id].quantization?.single else { return nil }
    return [
      constant(name + ".scale", [], [q.scale]),
      constant(name + ".zero", [], [Int8(clamping: q.zeroPoint)]),
    ]
  }
}
