// Fully connected layers.
import CZoo

/// y[m, o] = act(bias[o] + sum over i of x[m, i] w[i, o])
///
/// - Shapes: `x` [..., in]; `w` [in, out] as panels of 16 columns, f32, f16, bf16 or i8 with a scale for each column; `bias` [out], optional; `addend` as `y`, optional;
///   `y` [..., out].
/// - In place: `y` may be `addend`, not `x`.
package struct Dense: RunnableOperation {
  package static let code = 3
  package static let inputCounts = 2...4
  package var activation = Activation()

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) { activation.archive(&archive) }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    var shape = inputs[0].extent
    let w = inputs[1].extent
    guard w.rank == 2 else { throw .shape("rank of the weights", expected: 2, got: w.rank) }
    guard shape.rank >= 1, shape.last == w[0] else {
      throw .shape("inputs of a dense layer", expected: w[0], got: shape.last)
    }
    try shape.set(shape.rank - 1, to: w[1])
    if inputs.isPresent(2) {
      guard inputs[2].extent.elementCount == w[1] else {
        throw .shape("bias", expected: w[1], got: inputs[2].extent.elementCount)
      }
    }
    if inputs.isPresent(3) {
      guard inputs[3].extent == shape else {
        throw .shape("addend", expected: shape.elementCount, got: inputs[3].extent.elementCount)
      }
    }
    return shape
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireFloatProduct(columns: node.inputs[1].extent[1])
  }

  func run(_ node: Node) {
    let inputs = node.inputs
    let x = inputs[0]
    let y = node.output
    let rows = y.extent.rowCount
    let depth = x.extent.last
    MatrixProduct(
      source: ImageSource(matrix: x.floats, rows: rows, depth: depth, rowStride: x.rowStride),
      rows: rows, columns: y.extent.last, depth: depth,
      weights: MatrixWeights(inputs[1], offset: 0, column: 0),
      bias: inputs.isPresent(2) ? inputs[2].floats : nil,
      addend: inputs.isPresent(3) ? inputs[3].floats : nil,
      addendStride: inputs.isPresent(3) ? inputs[3].rowStride : 0,
      output: y.floats, outputStride: y.rowStride, activation: activation, runtime: node.runtime
    ).start()
  }
}

@c(zoo_dense_prepare)
func densePrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Dense.self, node, error) }

@c(zoo_dense_run)
func denseRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Dense.self, node) }
