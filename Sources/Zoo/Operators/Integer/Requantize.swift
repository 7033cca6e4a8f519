// The edges between integers of 8 and of 16 bits, and between scales.
import CZoo

/// y = clamp(rint((x - zero(x)) multiplier) + zero(y)), multiplier = scale(x) / scale(y)
///
/// - Shapes: `x` i8 or i16, any; `y` i8 or i16, the same shape. Rows may have gaps.
/// - Rounding: the product in single precision, then `Requantization`.
/// - In place: not.
package struct Requantize: RunnableOperation {
  package static let code = 34
  package static let inputCounts = 1...1
  package var multiplier: Float = 1

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    archive.field("multiplier", &multiplier)
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape { inputs[0].extent }

  func check(_ node: Node) throws(ZooError) {
    let x = node.inputs[0]
    guard x.hasSteps(Int8.self) || x.hasSteps(Int16.self) else {
      throw .type(
        "operand must be i8 or i16 with one scale (i16 with zero point 0), operand", got: 0)
    }
    guard node.output.hasSteps(Int8.self) || node.output.hasSteps(Int16.self) else {
      throw .type("output must be i8 or i16 with one scale (i16 with zero point 0)", got: 0)
    }
  }

  func run(_ node: Node) {
    if node.inputs[0].type == ZOO_I16 {
      run(node, from: Int16.self)
    } else {
      run(node, from: Int8.self)
    }
  }

  private func run<From: IntegerElement>(_ node: Node, from: From.Type) {
    if node.output.type == ZOO_I16 {
      RequantizeWork<From, Int16>(node, multiplier).run()
    } else {
      RequantizeWork<From, Int8>(node, multiplier).run()
    }
  }
}

private struct RequantizeWork<From: IntegerElement, To: IntegerElement> {
  let x: zoo_tensor
  let y: zoo_tensor
  let multiplier: Float

  init(_ node: Node, _ multiplier: Float) {
    x = node.inputs[0]
    y = node.output
    self.multiplier = multiplier
  }

  func run() {
    let requantization = IntegerBounds(To.self).requantization(for: y)
    let zero = x.zeroPoint
    for row in 0..<y.extent.rowCount {
      let from = x.integers(From.self) + row * x.rowStride
      let to = y.integers(To.self) + row * y.rowStride
      for i in 0..<y.extent.last {
        to[i] = requantization(Float(Int(Int32(from[i]) &- zero)) * multiplier)
      }
    }
  }
}

@c(zoo_requantize_prepare)
func requantizePrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Requantize.self, node, error) }

@c(zoo_requantize_run)
func requantizeRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Requantize.self, node) }
