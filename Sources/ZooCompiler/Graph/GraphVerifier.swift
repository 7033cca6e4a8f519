// What must hold of a graph between passes: checked after each of them.
import CZoo
import Zoo

extension Graph {
  /// Throws if a value is used before it exists, is produced twice, or has another shape than its node gives.
  package func verify(after step: String) throws(CompileError) {
    func fail(_ what: String) -> CompileError { CompileError("after \(step): \(what)") }
    var defined = Set(inputs)
    guard defined.count == inputs.count else { throw fail("an input is listed twice") }
    for (index, value) in values.enumerated() {
      guard let constant = value.constant else { continue }
      guard
        constant.byteCount == value.shape.elementCount * constant.type.byteWidth,
        constant.type == value.type
      else {
        throw fail(
          "constant '\(value.name)' has \(constant.byteCount) bytes for shape "
            + describe(value.shape))
      }
      defined.insert(ValueID(index: index))
    }
    for node in nodes {
      for input in node.inputs.compactMap({ $0 }) {
        guard input.index < values.count, defined.contains(input) else {
          throw fail("node '\(node.name)' reads a value before it is produced")
        }
      }
      guard defined.insert(node.output).inserted else {
        throw fail("node '\(node.name)' produces a value that exists already")
      }
      let shape = try inferShape(node.operation, node.inputs, name: node.name)
      guard shape == self[node.output].shape else {
        throw fail(
          "node '\(node.name)' gives \(describe(shape)), its value says "
            + describe(self[node.output].shape))
      }
    }
    guard !outputs.isEmpty else { throw fail("the network has no output") }
    for output in outputs where !defined.contains(output) {
      guard output.index < values.count else { throw fail("output \(output.index) is no value") }
      throw fail("output '\(self[output].name)' is never produced")
    }
  }
}
