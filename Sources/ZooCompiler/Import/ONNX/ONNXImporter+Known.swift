// Operators of ONNX on what is known at conversion: the arithmetic of exporters around shapes and scales.
import Foundation
import Zoo

extension ONNXImporter {
  static let knownHandlers: [String: Handler] = [
    "Sqrt": { importer, node throws(CompileError) in
      try importer.known(node) { $0.squareRoot() }
    },
    "Reciprocal": { importer, node throws(CompileError) in try importer.known(node) { 1 / $0 } },
    "Floor": { importer, node throws(CompileError) in
      try importer.known(node) { $0.rounded(.down) }
    },
    "Ceil": { importer, node throws(CompileError) in try importer.known(node) { $0.rounded(.up) } },
    "Round": { importer, node throws(CompileError) in
      try importer.known(node) { $0.rounded(.toNearestOrEven) }
    },
    "Log": { importer, node throws(CompileError) in try importer.known(node) { log($0) } },
    "Pow": { importer, node throws(CompileError) in try importer.power(node) },
    "Equal": { importer, node throws(CompileError) in
      try importer.integers(node) { $0[0] == $0[1] ? 1 : 0 }
    },
    "Less": { importer, node throws(CompileError) in
      try importer.integers(node) { $0[0] < $0[1] ? 1 : 0 }
    },
    "Greater": { importer, node throws(CompileError) in
      try importer.integers(node) { $0[0] > $0[1] ? 1 : 0 }
    },
    "Not": { importer, node throws(CompileError) in try importer.integers(node) { 1 - $0[0] } },
    "Where": { importer, node throws(CompileError) in
      try importer.integers(node) { $0[0] != 0 ? $0[1] : $0[2] }
    },
    "Mod": { importer, node throws(CompileError) in
      let isFlooring = node.int("fmod", 0) == 0
      return try importer.integers(node) {
        guard $0[1] != 0 else { return nil }
        let rest = $0[0].remainderReportingOverflow(dividingBy: $0[1]).partialValue
        return isFlooring && rest != 0 && (rest < 0) != ($0[1] < 0) ? rest + $0[1] : rest
      }
    },
    "Range": { importer, node throws(CompileError) in try importer.range(node) },
    "ReduceProd": { importer, node throws(CompileError) in try importer.product(node) },
  ]

  /// A function of one variable; the runtime has no kernel for it, so its operand must be constant.
  private mutating func known(
    _ node: ONNXNode, _ function: (Float) -> Float
  ) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    guard let floats = graph.floats(x) else {
      throw CompileError("only of tensors known when the model is converted")
    }
    return [.tensor(graph.addConstant(node.name, graph[x].shape, floats.map(function)))]
  }

  private mutating func power(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    guard let exponents = try constantFloats(node, 1), exponents.count == 1 else {
      throw CompileError("the exponent must be one known number")
    }
    if exponents[0] == 2 {
      let x = try tensor(node, 0)
      return [.tensor(try graph.add(Binary(.multiply), [x, x], name: node.name))]
    }
    return try known(node) { pow($0, exponents[0]) }
  }

  /// A function of known integers, one by one; single ones stretch.
  private func integers(
    _ node: ONNXNode, _ function: ([Int]) -> Int?
  ) throws(CompileError) -> [ONNXValue] {
    var operands: [[Int]] = []
    var shape: [Int] = []
    for position in node.proto.input.indices {
      guard case .ints(let values, let extents)? = optional(node, position), !values.isEmpty else {
        throw CompileError("only of integers known when the model is converted")
      }
      if values.count > 1 || operands.isEmpty || extents.count > shape.count { shape = extents }
      operands.append(values)
    }
    let count = operands.map(\.count).max() ?? 0
    guard operands.allSatisfy({ $0.count == count || $0.count == 1 }) else {
      throw CompileError("integer operands of \(operands.map(\.count)) elements")
    }
    let result = try (0..<count).map { index throws(CompileError) in
      let arguments = operands.map { $0.count == 1 ? $0[0] : $0[index] }
      guard let value = function(arguments) else {
        throw CompileError("undefined for \(arguments)")
      }
      return value
    }
    return [.ints(result, shape: shape)]
  }

  private func range(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    var bounds: [Int] = []
    for position in 0..<3 {
      guard let value = try ints(node, position)?.first, value.magnitude < 1 << 32 else {
        throw CompileError("start, limit and delta must be known integers")
      }
      bounds.append(value)
    }
    guard bounds[2] != 0, abs((bounds[1] - bounds[0]) / bounds[2]) < 1 << 20 else {
      throw CompileError("a range from \(bounds[0]) to \(bounds[1]) by \(bounds[2])")
    }
    let values = Array(stride(from: bounds[0], to: bounds[1], by: bounds[2]))
    return [.ints(values, shape: [values.count])]
  }

  /// The product of all elements of known integers.
  private func product(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    guard case .ints(let values, let shape)? = optional(node, 0), shape.count <= 1 else {
      throw CompileError("only of integers known when the model is converted")
    }
    var result = 1
    for value in values {
      let (product, overflow) = result.multipliedReportingOverflow(by: value)
      guard !overflow else { throw CompileError("integer overflow") }
      result = product
    }
    return [.ints([result], shape: node.int("keepdims", 1) != 0 ? [1] : [])]
  }
}
