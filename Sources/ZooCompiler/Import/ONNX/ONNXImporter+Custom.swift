// Nodes that are left to operators outside the library, which a program registers with its session.
import Foundation
import Zoo

extension ONNXImporter {
  /// A node as a custom operator of the same name ("Scale", or "acme.Scale" in a domain of its own): the inputs as they are, in
  /// ONNX's order of axes; one output of floats, whose shape the file must say; the attributes as `encode` writes them.
  static let customHandler: Handler = { importer, node throws(CompileError) in
    let outputs = node.proto.output
    guard let output = outputs.first, outputs.dropFirst().allSatisfy(\.isEmpty) else {
      throw CompileError("a custom operator has 1 output, got \(outputs.count)")
    }
    var inputs: [ValueID?] = []
    for position in node.proto.input.indices {
      inputs.append(
        importer.optional(node, position) == nil ? nil : try importer.tensor(node, position))
    }
    let operation = CustomOperation(
      name: operatorName(node.proto), attributes: try encode(node.proto.attribute),
      shape: try importer.declaredShape(output))
    return [.tensor(try importer.graph.add(operation, inputs, name: node.name))]
  }

  /// What `--custom` and `zoo-tool check` call the operator of a node.
  static func operatorName(_ node: Zoo_Onnx_NodeProto) -> String {
    node.domain.isEmpty || node.domain == "ai.onnx" ? node.opType : "\(node.domain).\(node.opType)"
  }

  /// Demands that the file has every operator that was called custom: a misspelt name would go unnoticed.
  func checkCustomOperators() throws(CompileError) {
    let names = Set(model.graph.node.map(ONNXImporter.operatorName))
    for name in options.customOperators.sorted() where !names.contains(name) {
      throw CompileError(
        "has no operator '\(name)' to leave to a program; there are "
          + names.sorted().joined(separator: ", "))
    }
  }

  /// The shape that the file says for the tensor `name`; an open first extent is the batch.
  private func declaredShape(_ name: String) throws(CompileError) -> Shape {
    let infos = model.graph.valueInfo + model.graph.output
    guard let info = infos.first(where: { $0.name == name }),
      case .tensorType(let type)? = info.type.value, type.hasShape
    else {
      throw CompileError(
        "the file does not say the shape of '\(name)': expected it among value_info or the outputs")
    }
    guard let element = ONNXElementType(rawValue: type.elemType), element.isFloat else {
      throw CompileError("'\(name)' must be of floats, got ONNX's type \(type.elemType)")
    }
    var extents: [Int] = []
    for (axis, dim) in type.shape.dim.enumerated() {
      if case .dimValue(let value)? = dim.value, value > 0 {
        extents.append(Int(value))
      } else if axis == 0 {
        extents.append(options.batch)
      } else {
        throw CompileError("extent \(axis) of '\(name)' is open: expected a number")
      }
    }
    let shape = try Shape(extents)
    guard shape.checkedElementCount != nil else {
      throw CompileError("'\(name)' would have \(describe(shape)) elements")
    }
    return shape
  }

  /// Attributes as little-endian words of 32 bits, in the order of the file. Each is: the length of its name in bytes; the name;
  /// its type as ONNX numbers them (1 float, 2 int, 3 string, 6 floats, 7 ints); the number of values, or of bytes of a string;
  /// the values. Names and strings end in 1 to 4 bytes of 0, up to a whole word.
  private static func encode(
    _ attributes: [Zoo_Onnx_AttributeProto]
  ) throws(CompileError) -> [UInt8] {
    var writer = ByteWriter()
    func append(_ text: some Sequence<UInt8>, count: Int) {
      writer.bytes += text
      writer.zeros(4 - count % 4)
    }
    for attribute in attributes {
      func word(_ value: Int64) throws(CompileError) -> UInt32 {
        guard let word = Int32(exactly: value) else {
          throw CompileError(
            "attribute '\(attribute.name)': expected integers of 32 bits, got \(value)")
        }
        return UInt32(bitPattern: word)
      }
      writer.append(UInt32(attribute.name.utf8.count))
      append(attribute.name.utf8, count: attribute.name.utf8.count)
      writer.append(UInt32(bitPattern: attribute.type))
      switch attribute.type {
      case 1:
        writer.append(UInt32(1))
        writer.append(attribute.f.bitPattern)
      case 2:
        writer.append(UInt32(1))
        writer.append(try word(attribute.i))
      case 3:
        writer.append(UInt32(attribute.s.count))
        append(attribute.s, count: attribute.s.count)
      case 6:
        writer.append(UInt32(attribute.floats.count))
        for value in attribute.floats { writer.append(value.bitPattern) }
      case 7:
        writer.append(UInt32(attribute.ints.count))
        for value in attribute.ints { writer.append(try word(value)) }
      default:
        throw CompileError(
          "attribute '\(attribute.name)': expected numbers, a list of them or a string, got ONNX's type \(attribute.type)"
        )
      }
    }
    return writer.bytes
  }
}
