// The forward pass of a layer is the operator of the runtime, called on the batch.
import CZoo
package import Zoo
package import ZooCompiler

/// A prepared call of a built-in operator on memory that stays where it is.
package final class OperatorCall {
  private let operation: UnsafePointer<zoo_operator>
  private let inputs: UnsafeMutablePointer<zoo_tensor>
  private let output: UnsafeMutablePointer<zoo_tensor>
  private let attributes: UnsafeMutableRawPointer
  private var node = zoo_node()

  /// An operand: where its elements are and how they are ordered.
  package struct Operand {
    package let shape: Shape
    private let data: UnsafeMutableRawPointer
    private var type = ZOO_F32
    private var layout = ZOO_LAYOUT_PLAIN

    /// - Parameter shape: another view of as many elements.
    package init(_ variable: Variable, shape: Shape? = nil) {
      self.shape = shape ?? variable.shape
      data = UnsafeMutableRawPointer(variable.value)
    }

    package init(_ shape: Shape, _ data: UnsafeMutablePointer<Float>) {
      self.shape = shape
      self.data = UnsafeMutableRawPointer(data)
    }

    init(_ weights: PackedWeights, shape: Shape) {
      self.shape = shape
      data = weights.base
      type = weights.type
      layout = type == ZOO_BF16 ? ZOO_LAYOUT_PAIRS16 : ZOO_LAYOUT_PANELS16
    }

    fileprivate var tensor: zoo_tensor {
      var tensor = zoo_tensor(type, shape)
      tensor.data = data
      tensor.layout = layout
      return tensor
    }
  }

  /// - Throws: `CompileError` if the operator refuses its operands.
  package init(
    _ value: any Operation, name: String, _ operands: [Operand?], output result: Operand,
    _ workers: Workers
  ) throws(CompileError) {
    var count = 0
    let table = zoo_all_operators(&count)
    let code = UInt32(type(of: value).code)
    guard
      let found = (0..<count).compactMap({ table?[$0] }).first(where: { $0.pointee.code == code })
    else { throw CompileError("'\(name)': \(operationName(value)) cannot run") }
    operation = found
    var writer = AttributeWriter()
    var copy = value
    copy.archive(&writer)
    attributes = .allocate(byteCount: max(4, writer.bytes.count), alignment: 4)
    attributes.copyMemory(from: writer.bytes, byteCount: writer.bytes.count)
    inputs = .allocate(capacity: max(1, operands.count))
    for (index, operand) in operands.enumerated() {
      (inputs + index).initialize(to: operand?.tensor ?? zoo_tensor())
    }
    output = .allocate(capacity: 1)
    output.initialize(to: result.tensor)
    node.input_count = UInt32(operands.count)
    node.output_count = 1
    node.inputs = UnsafePointer(inputs)
    node.outputs = UnsafePointer(output)
    node.attributes = UnsafeRawPointer(attributes)
    node.attributes_size = writer.bytes.count
    node.runtime = OpaquePointer(workers.runtime)
    var error = zoo_error()
    guard operation.pointee.prepare(&node, &error) == ZOO_OK else {
      throw CompileError("'\(name)' (\(operationName(value))): \(message(error))")
    }
  }

  deinit {
    inputs.deallocate()
    output.deallocate()
    attributes.deallocate()
  }

  package func run() { _ = operation.pointee.run(&node, nil) }
}
