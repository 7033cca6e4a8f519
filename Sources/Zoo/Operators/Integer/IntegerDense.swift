// Fully connected layers in integers.
import CZoo

/// y[m, o] = requantize(multiplier[o] (bias[o] + sum over i of (x[m, i] - zero) w[i, o]) + addend multiplier (addend - zero))
///
/// - Shapes: `x` i8 or i16 [..., in]; `w` i8 [in rounded up to a multiple of 4, out] as `ZOO_LAYOUT_QUADS16`; `bias` i32 [2, out];
///   `multipliers` f32 [out]; `addend` as `y`, optional; `y` [..., out] of the type of `x`. Values as in `IntegerConv2D`.
/// - In place: `y` may be `addend`, not `x`.
package struct IntegerDense<Element: IntegerElement>: RunnableOperation {
  package static var code: Int { Element.isWide ? 28 : 19 }
  package static var inputCounts: ClosedRange<Int> { 4...5 }
  package var bounds = IntegerBounds(Element.self)
  package var addendMultiplier: Float = 0

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    bounds.archive(&archive)
    archive.field("addend multiplier", &addendMultiplier)
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    var shape = inputs[0].extent
    let w = inputs[1].extent
    guard w.rank == 2 else { throw .shape("rank of the weights", expected: 2, got: w.rank) }
    guard shape.rank >= 1, w[0] == quadCount(shape.last) * 4 else {
      throw .shape("inputs of a dense layer", expected: w[0], got: shape.last)
    }
    try shape.set(shape.rank - 1, to: w[1])
    if inputs.isPresent(4) {
      guard inputs[4].extent == shape else {
        throw .shape("addend", expected: shape.elementCount, got: inputs[4].extent.elementCount)
      }
    }
    return shape
  }

  func check(_ node: Node) throws(ZooError) {
    try bounds.check(Element.self)
    try node.requireProduct(Element.self, columns: node.output.extent.last, addend: 4)
  }

  func run(_ node: Node) {
    let inputs = node.inputs
    let x = inputs[0]
    let y = node.output
    let rows = y.extent.rowCount
    let columns = y.extent.last
    IntegerProduct(
      source: ImageSource(
        matrix: UnsafePointer(x.integers(Element.self)), rows: rows, depth: x.extent.last,
        rowStride: x.rowStride),
      rows: rows, columns: columns, depth: inputs[1].extent[0],
      padding: Element(truncatingIfNeeded: x.zeroPoint), weights: inputs[1].bytes,
      bias: inputs[2].words, secondBias: inputs[2].words + columns,
      multipliers: inputs[3].floats,
      addend: node.integerAddend(4, offset: 0, multiplier: addendMultiplier),
      output: y.integers(Element.self),
      outputStride: y.rowStride, requantization: bounds.requantization(for: y),
      runtime: node.runtime
    ).start()
  }
}

@c(zoo_dense_i8_prepare)
func integerDensePrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(IntegerDense<Int8>.self, node, error) }

@c(zoo_dense_i8_run)
func integerDenseRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(IntegerDense<Int8>.self, node) }

@c(zoo_dense_i16_prepare)
func wideDensePrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(IntegerDense<Int16>.self, node, error) }

@c(zoo_dense_i16_run)
func wideDenseRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(IntegerDense<Int16>.self, node) }
