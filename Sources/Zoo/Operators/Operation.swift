// What every built-in operator is: attributes, a shape rule, a check and a run.
import CZoo

/// The description of an operator, shared by the compiler and the runtime.
///
/// Every operator is a value: its attributes. The default value holds the attributes a file may leave out.
package protocol Operation {
  /// The code in the file and in `ZOO_OPERATORS` of zoo.h.
  static var code: Int { get }
  /// The fewest and the most inputs; optional ones count.
  static var inputCounts: ClosedRange<Int> { get }
  init()
  /// Names every attribute in file order.
  mutating func archive<A: Archive>(_ archive: inout A)
  /// The shape of the output for inputs whose shapes have been checked; also checks attributes against them.
  func outputShape(_ inputs: Operands) throws(ZooError) -> Shape
}

/// An operation the runtime can perform.
protocol RunnableOperation: Operation {
  /// Checks what `run` relies on beyond shapes: types, layouts, dense rows.
  func check(_ node: Node) throws(ZooError)
  /// Computes the output. Everything was checked, so it cannot fail.
  func run(_ node: Node)
}

extension RunnableOperation {
  func check(_ node: Node) throws(ZooError) { try node.requireFloat() }
}

/// A node as an operator sees it.
struct Node {
  private let node: UnsafePointer<zoo_node>

  init(_ node: UnsafePointer<zoo_node>) { self.node = node }

  var inputs: Operands { Operands(node.pointee.inputs, count: Int(node.pointee.input_count)) }
  var output: zoo_tensor { node.pointee.outputs[0] }
  var attributes: AttributeReader {
    AttributeReader(node.pointee.attributes, byteCount: node.pointee.attributes_size)
  }
  /// Kernels and threads; there is always one while a node runs.
  var runtime: Runtime {
    UnsafePointer<Runtime>(node.pointee.runtime.unsafelyUnwrapped).pointee
  }

  /// Demands f32 for all operands that are present.
  func requireFloat() throws(ZooError) {
    for index in 0..<inputs.count where inputs.isPresent(index) {
      guard inputs[index].type == ZOO_F32 else {
        throw .type("operand must be f32, operand", got: index)
      }
    }
    guard output.type == ZOO_F32 else { throw .type("output must be f32") }
  }

  /// Demands that operands from `first` on, and the output if `output`, have no gaps between rows.
  func requireDense(inputsFrom first: Int = 0, output checksOutput: Bool = true) throws(ZooError) {
    for index in first..<max(first, inputs.count) where inputs.isPresent(index) {
      guard inputs[index].isDense else {
        throw .shape("operand must be dense, operand", got: index)
      }
    }
    guard !checksOutput || output.isDense else { throw .shape("output must be dense") }
  }

  /// Demands that operands are stored row-major, except `packed`, which must be panels, of bf16 in pairs.
  func requireLayout(packed: Int? = nil) throws(ZooError) {
    for index in 0..<inputs.count where inputs.isPresent(index) {
      let panels = inputs[index].type == ZOO_BF16 ? ZOO_LAYOUT_PAIRS16 : ZOO_LAYOUT_PANELS16
      let expected = index == packed ? panels : ZOO_LAYOUT_PLAIN
      guard inputs[index].layout == expected else {
        throw .type("layout of operand", got: index)
      }
    }
  }
}

/// The body of every `zoo_<name>_prepare`: attributes, operand count, shapes, then the operator's own check.
func prepare<O: RunnableOperation>(
  _ type: O.Type, _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  guard let node else { return ZOO_INVALID_ARGUMENT }
  let view = Node(node)
  do throws(ZooError) {
    guard O.inputCounts.contains(view.inputs.count), node.pointee.output_count == 1 else {
      throw .corrupt(
        "number of inputs", expected: O.inputCounts.upperBound, got: view.inputs.count)
    }
    for index in 0..<O.inputCounts.lowerBound where !view.inputs.isPresent(index) {
      throw .corrupt("missing input", got: index)
    }
    let operation = try decode(type, view)
    let shape = try operation.outputShape(view.inputs)
    guard shape.checkedElementCount != nil else { throw .shape("output has no valid shape") }
    guard shape == view.output.extent else {
      throw .shape(
        "shape of the output, elements", expected: shape.elementCount,
        got: view.output.extent.elementCount)
    }
    try operation.check(view)
    return ZOO_OK
  } catch let failure {
    return failure.at(node: node.pointee.index).report(to: error)
  }
}

/// The body of every `zoo_<name>_run`.
func run<O: RunnableOperation>(_ type: O.Type, _ node: UnsafePointer<zoo_node>?) -> zoo_status {
  guard let node else { return ZOO_INVALID_ARGUMENT }
  operation(type, node).run(Node(node))
  return ZOO_OK
}

/// The operation of a node that was prepared.
func operation<O: Operation>(_ type: O.Type, _ node: UnsafePointer<zoo_node>) -> O {
  var operation = O()
  var reader = Node(node).attributes
  operation.archive(&reader)
  return operation
}

private func decode<O: Operation>(_ type: O.Type, _ node: Node) throws(ZooError) -> O {
  var operation = O()
  var reader = node.attributes
  operation.archive(&reader)
  guard reader.isValid else { throw .attribute("attribute out of range") }
  return operation
}
