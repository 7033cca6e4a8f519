// From a TFLite file to a graph: the driver. Quantised models become float graphs that know their integers.
import Foundation
import Zoo

/// Reads `path` and returns its network.
///
/// Quantised constants are dequantised, real = scale (q - zero point), and integer inputs become float inputs whose preprocessing
/// gives the real values: so the graph is one of floats. Its values keep how they were quantised (`Value.quantization`), and
/// `lowerToIntegers` makes the integer network of the file from that.
///
/// - Throws: `CompileError`; for operators that cannot be converted one that lists all of them.
package func importTFLite(
  path: String, options: ImportOptions = ImportOptions()
) throws(CompileError) -> Graph {
  guard let data = FileManager.default.contents(atPath: path) else {
    throw CompileError("\(path): cannot read")
  }
  do throws(CompileError) {
    var importer = TFLiteImporter(file: try TFLiteFile(Array(data)), options: options)
    return try importer.run()
  } catch {
    throw CompileError("\(path): \(error)")
  }
}

/// The state of an import. Operators are in the extensions.
struct TFLiteImporter {
  let file: TFLiteFile
  let options: ImportOptions
  var graph = Graph()
  /// Graph values of tensors.
  var values: [Int: ValueID] = [:]
  private var unknown: Set<Int> = []

  init(file: TFLiteFile, options: ImportOptions) {
    self.file = file
    self.options = options
  }

  mutating func run() throws(CompileError) -> Graph {
    guard !file.inputs.isEmpty else { throw CompileError("the network has no inputs") }
    for index in file.inputs { try addInput(index) }
    var problems: [String] = []
    for (position, node) in file.operators.enumerated() {
      if node.inputs.contains(where: { unknown.contains($0) }) {
        unknown.formUnion(node.outputs)
        continue
      }
      do throws(CompileError) {
        let first = graph.nodes.count
        guard let output = node.outputs.first, let handler = TFLiteImporter.handlers[node.code]
        else {
          throw CompileError("operator not supported")
        }
        try handler(&self, node, name(output))
        _ = try FoldConstants.fold(&graph, from: first)
      } catch {
        unknown.formUnion(node.outputs)
        let shapes = node.inputs.map { $0 < 0 ? "-" : "\(file.tensors[$0].shape)" }
        let what = node.customName.isEmpty ? tfliteOperatorName(node.code) : node.customName
        problems.append("operator \(position) \(what)(\(shapes.joined(separator: ", "))): \(error)")
      }
    }
    guard problems.isEmpty else {
      throw CompileError(
        "\(problems.count) of \(file.operators.count) operators cannot be converted:\n  "
          + problems.joined(separator: "\n  "))
    }
    for index in file.outputs {
      guard var id = values[index] else {
        throw CompileError("output '\(name(index))' is never produced")
      }
      if graph.inputs.contains(id) || graph[id].constant != nil || graph.outputs.contains(id) {
        id = try graph.add(Reshape(graph[id].shape), [id], name: name(index))
      }
      graph[id].name = name(index)
      graph.outputs.append(id)
    }
    try addLabels()
    return graph
  }

  /// Labels that the file brings; only if there is one per class, because they could mean something else.
  private mutating func addLabels() throws(CompileError) {
    let labels = try file.labels()
    guard let output = graph.outputs.first, labels.count == graph[output].shape.last else { return }
    graph.info.labels = labels
    graph.info.hasBackgroundClass = labels.first?.lowercased() == "background"
  }

  func name(_ index: Int) -> String {
    let name = file.tensors[index].name
    return name.isEmpty ? "tensor\(index)" : name
  }

  private mutating func addInput(_ index: Int) throws(CompileError) {
    let tensor = file.tensors[index]
    var extents = tensor.shape.map { $0 < 1 ? 1 : $0 }
    if extents.count == 4 {
      if let size = options.inputSize { (extents[1], extents[2]) = (size.height, size.width) }
      extents[0] = options.batch
    }
    let id = graph.addInput(name(index), try Shape(extents))
    graph[id].quantization = file.tensors[index].activationQuantization
    values[index] = id
    guard let type = TFLiteType(rawValue: tensor.type) else {
      throw CompileError("input '\(tensor.name)' has element type \(tensor.type)")
    }
    // A photo's byte b is q (uint8) or q + 128 (int8), and q stands for scale (q - zero point).
    if type == .uint8 || type == .int8, let scale = tensor.scales.first {
      var preprocessing = Preprocessing()
      let mean = Float(tensor.zeroPoints.first ?? 0) + (type == .int8 ? 128 : 0)
      preprocessing.mean = (mean, mean, mean)
      preprocessing.scale = (scale, scale, scale)
      preprocessing.channelOrder = extents.last == 1 ? .gray : .rgb
      graph.info.preprocessing = preprocessing
    } else if type != .float32 {
      throw CompileError("input '\(tensor.name)' of type \(type) is not supported")
    }
  }

  /// Input `position` of a node as a graph value; constants are dequantised. nil if it was left out.
  mutating func optional(_ node: TFLiteOperator, _ position: Int) throws(CompileError) -> ValueID? {
    guard position < node.inputs.count, node.inputs[position] >= 0 else { return nil }
    let index = node.inputs[position]
    if let known = values[index] { return known }
    let tensor = file.tensors[index]
    guard let elements = try file.elements(tensor) else {
      throw CompileError("'\(name(index))' is never produced")
    }
    let floats: [Float]
    switch elements {
    case .floats(let values): floats = values
    case .ints(let values): floats = dequantized(values, tensor)
    }
    guard !floats.isEmpty else { throw CompileError("'\(name(index))' has no elements") }
    let id = graph.addConstant(name(index), try Shape(tensor.shape), floats)
    graph[id].quantization = tensor.activationQuantization
    values[index] = id
    return id
  }

  mutating func value(_ node: TFLiteOperator, _ position: Int) throws(CompileError) -> ValueID {
    guard let id = try optional(node, position) else {
      throw CompileError("input \(position) is missing")
    }
    return id
  }

  /// Input `position` as integers known now; nil if it was left out.
  func ints(_ node: TFLiteOperator, _ position: Int) throws(CompileError) -> [Int]? {
    guard position < node.inputs.count, node.inputs[position] >= 0 else { return nil }
    guard case .ints(let values)? = try file.elements(file.tensors[node.inputs[position]]) else {
      throw CompileError("input \(position) must be constant integers")
    }
    return values
  }

  /// The floats of a constant input.
  mutating func floats(_ node: TFLiteOperator, _ position: Int) throws(CompileError) -> [Float] {
    let id = try value(node, position)
    guard let floats = graph.floats(id) else {
      throw CompileError("input \(position) must be constant")
    }
    return floats
  }

  private func dequantized(_ values: [Int], _ tensor: TFLiteTensor) -> [Float] {
    guard !tensor.scales.isEmpty else { return values.map { Float($0) } }
    let isPerChannel =
      tensor.scales.count > 1 && tensor.shape.indices.contains(tensor.axis)
      && tensor.shape[tensor.axis] == tensor.scales.count
    let inner = isPerChannel ? tensor.shape[(tensor.axis + 1)...].reduce(1, *) : 1
    return values.enumerated().map { index, value in
      let channel = isPerChannel ? index / inner % tensor.scales.count : 0
      let zero = tensor.zeroPoints.indices.contains(channel) ? tensor.zeroPoints[channel] : 0
      return tensor.scales[channel] * Float(value &- zero)
    }
  }

  /// Defines the node's output, after its fused activation.
  mutating func finish(
    _ id: ValueID, _ node: TFLiteOperator, activation: Int = 0, name: String
  ) throws(CompileError) {
    var result = id
    switch activation {
    case 0: break
    case 1: result = try graph.add(Unary(.relu), [id], name: name)
    case 2:
      result = try graph.add(Unary(Activation(.clamp, alpha: -1, beta: 1)), [id], name: name)
    case 3: result = try graph.add(Unary(.relu6), [id], name: name)
    case 4: result = try graph.add(Unary(Activation(.tanh)), [id], name: name)
    default: throw CompileError("fused activation \(activation) is not supported")
    }
    if graph[result].quantization == nil {
      graph[result].quantization = file.tensors[node.outputs[0]].activationQuantization
    }
    values[node.outputs[0]] = result
  }
}

extension TFLiteTensor {
  /// How an activation of i8 or u8 is quantised, as i8; nil if it is not, or per channel.
  var activationQuantization: Quantization? {
    guard scales.count == 1, let zero = zeroPoints.first else { return nil }
    switch TFLiteType(rawValue: type) {
    case .int8 where zero >= -128 && zero <= 127:
      return Quantization(scale: scales[0], zeroPoint: Int32(zero))
    case .uint8 where zero >= 0 && zero <= 255:
      return Quantization(scale: scales[0], zeroPoint: Int32(zero) - 128)
    default: return nil
    }
  }

  /// The scales of weights of i8 that are symmetric, for `outputs` channels; nil for all others, which get new ones.
  func weightQuantization(outputs: Int) -> Quantization? {
    guard TFLiteType(rawValue: type) == .int8, zeroPoints.allSatisfy({ $0 == 0 }),
      scales.count == outputs || scales.count == 1, scales.allSatisfy({ $0 > 0 && $0.isFinite })
    else { return nil }
    let all = scales.count == 1 ? [Float](repeating: scales[0], count: outputs) : scales
    return Quantization(scales: all, zeroPoints: [Int32](repeating: 0, count: outputs), axis: 0)
  }
}
