// The operators of a model file, known or not.
import Foundation
import SwiftProtobuf

/// One kind of operator in a file.
package struct OperatorCount: Sendable {
  package let name: String
  package let count: Int
  /// Whether the importer has it; it may still refuse some of its attributes or shapes.
  package let isKnown: Bool
}

/// The operators of an ONNX or TFLite file, most frequent first; none for other files.
package func operatorSurvey(path: String) throws(CompileError) -> [OperatorCount] {
  let data = try mapFile(path)
  var names: [(name: String, isKnown: Bool)] = []
  if data.count >= 8, data[data.startIndex + 4..<data.startIndex + 8] == Data("TFL3".utf8) {
    let file: TFLiteFile
    do throws(CompileError) {
      file = try TFLiteFile(Array(data))
    } catch { throw CompileError("\(path): \(error)") }
    names = file.operators.map { node in
      let name = node.customName.isEmpty ? tfliteOperatorName(node.code) : node.customName
      return (name, TFLiteImporter.handlers[node.code] != nil)
    }
  } else if let model = try? Zoo_Onnx_ModelProto(serializedBytes: data) {
    names = model.graph.node.map { node in
      let name = ONNXImporter.operatorName(node)
      return (name, ONNXImporter.handlers[name] != nil)
    }
  }
  let known = Dictionary(names.map { ($0.name, $0.isKnown) }) { $0 && $1 }
  let counts = names.reduce(into: [:]) { $0[$1.name, default: 0] += 1 }
  return counts.map {
    OperatorCount(name: $0.key, count: $0.value, isKnown: known[$0.key] ?? false)
  }
  .sorted { ($0.count, $1.name) > ($1.count, $0.name) }
}
