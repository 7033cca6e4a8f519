// A model as C source.
import CZoo
import Foundation
import Zoo
import ZooCompiler

/// The two files of a model for firmware.
struct CSource {
  private let file: ModelFile
  private let name: String
  private var graph: Graph { file.graph }

  /// `name` is a C identifier.
  init(_ file: ModelFile, _ name: String) { (self.file, self.name) = (file, name) }

  /// Sizes, shapes, quantisation, labels and operators.
  func header() throws -> String {
    let upper = name.uppercased()
    let operators = self.operators
    let runner = try Runner(file.data, isa: ZOO_ISA_SCALAR)
    let tensors =
      graph.inputs.enumerated().map { tensor($1, "\(upper)_INPUT", $0) }
      + graph.outputs.enumerated().map { tensor($1, "\(upper)_OUTPUT", $0) }
    // What a session keeps besides the plan, for pointers of 8 bytes as here; with pointers of 4 it is smaller, so the
    // bound is safe there too. zoo_session_arena_size gives the exact number on the target.
    return """
      // Model "\(comment(graph.info["name"] ?? name))" for C, written by zoo-tool export. Do not edit.
      #ifndef \(upper)_H
      #define \(upper)_H

      #include "zoo.h"

      // The model, to be passed to zoo_session_init with its size.
      extern const unsigned char \(name)_model[];
      extern const size_t \(name)_model_size;
      #define \(upper)_MODEL_BYTES \(file.data.count)

      // Bytes of arena that are enough on every target.
      #define \(upper)_ARENA_BYTES \(runner.arenaByteCount)

      // Extents, elements and, where they are integers, the scale and zero point of inputs and outputs.
      \(tensors.joined(separator: "\n"))

      // The operators it uses: static const zoo_operator *const operators[] = \(upper)_OPERATORS;
      #define \(upper)_OPERATORS {\(operators.joined(separator: ", "))}
      #define \(upper)_OPERATOR_COUNT \(operators.count)

      // Class names, in the order of the output; zoo_label reads them from the model, too.
      #define \(upper)_LABEL_COUNT \(graph.info.labels.count)
      \(labels(upper))
      #endif

      """
  }

  /// The model as an array.
  func array() -> Data {
    var text = """
      // Model for C, written by zoo-tool export. Do not edit.
      #include "\(name).h"

      __attribute__((aligned(64))) const unsigned char \(name)_model[] = {

      """
    text.reserveCapacity(file.data.count * 4 + 1024)
    for (index, byte) in file.data.enumerated() {
      text += String(byte)
      text += index % 24 == 23 ? ",\n" : ","
    }
    text += "\n};\n\nconst size_t \(name)_model_size = sizeof \(name)_model;\n"
    return Data(text.utf8)
  }

  private var operators: [String] {
    let codes = Set(graph.nodes.map { type(of: $0.operation).code })
    var count = 0
    guard let all = zoo_all_operators(&count) else { return [] }
    return (0..<count).compactMap { all[$0] }.filter { codes.contains(Int($0.pointee.code)) }.map {
      "&zoo_op_\(String(cString: $0.pointee.name))"
    }
  }

  /// The first input and output have plain names, further ones a number.
  private func tensor(_ id: ValueID, _ prefix: String, _ index: Int) -> String {
    let value = graph[id]
    let prefix = index == 0 ? prefix : prefix + String(index)
    var lines = [
      "#define \(prefix)_SHAPE {\(value.shape.extents.map(String.init).joined(separator: ", "))}",
      "#define \(prefix)_RANK \(value.shape.rank)",
      "#define \(prefix)_COUNT \(value.shape.elementCount)",
      "#define \(prefix)_TYPE \(typeName(value.type))",
    ]
    if let quantization = value.quantization, quantization.scales.count == 1 {
      lines.append("#define \(prefix)_SCALE \(quantization.scales[0])f")
      lines.append("#define \(prefix)_ZERO_POINT (\(quantization.zeroPoints[0]))")
    }
    return lines.joined(separator: "\n")
  }

  private func typeName(_ type: zoo_type) -> String {
    switch type {
    case ZOO_F32: "ZOO_F32"
    case ZOO_I8: "ZOO_I8"
    case ZOO_U8: "ZOO_U8"
    case ZOO_I32: "ZOO_I32"
    case ZOO_I16: "ZOO_I16"
    case ZOO_F16: "ZOO_F16"
    case ZOO_BF16: "ZOO_BF16"
    default: "(zoo_type)\(type.rawValue)"
    }
  }

  /// A macro, so that a program which does not show them pays nothing for them.
  private func labels(_ upper: String) -> String {
    guard !graph.info.labels.isEmpty else { return "" }
    let literals = graph.info.labels.map { "  \(literal($0))" }.joined(separator: ", \\\n")
    return "#define \(upper)_LABELS { \\\n\(literals)}\n"
  }

  /// A C string literal; bytes outside ASCII in octal, which no following digit can lengthen.
  private func literal(_ text: String) -> String {
    let bytes = text.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "?"):
        "\\" + String(UnicodeScalar(byte))
      case 0x20..<0x7F: String(UnicodeScalar(byte))
      default: String(format: "\\%03o", Int(byte))
      }
    }
    return "\"" + bytes.joined() + "\""
  }

  private func comment(_ text: String) -> String {
    String(text.unicodeScalars.map { $0.value < 0x20 || $0 == "\\" ? " " : Character($0) })
  }
}
