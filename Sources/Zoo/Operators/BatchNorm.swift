// Batch normalisation with fixed statistics, where it could not be folded into a layer.
import CZoo

/// y[..., c] = act(x[..., c] scale[c] + shift[c])
///
/// The compiler computes scale = gamma / sqrt(variance + epsilon) and shift = beta - mean scale.
/// - Shapes: `x` [..., c]; `scale`, `shift` [c]; `y` as `x`. In place: `y` may be `x`.
package struct BatchNorm: RunnableOperation {
  package static let code = 12
  package static let inputCounts = 3...3
  package var activation = Activation()

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) { activation.archive(&archive) }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    let x = inputs[0].extent
    for index in 1...2 {
      guard inputs[index].extent.elementCount == x.last else {
        throw .shape(
          "channels of a batch norm", expected: x.last, got: inputs[index].extent.elementCount)
      }
    }
    return x
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireFloat()
    try node.requireLayout()
  }

  func run(_ node: Node) {
    let x = node.inputs[0]
    let y = node.output
    let scale = node.inputs[1].floats
    let shift = node.inputs[2].floats
    for row in 0..<y.extent.rowCount {
      let from = x.floats + row * x.rowStride
      let to = y.floats + row * y.rowStride
      for c in 0..<y.extent.last { to[c] = from[c] * scale[c] + shift[c] }
      if activation.kind != .none { activation.apply(to, to, count: y.extent.last, node.runtime) }
    }
  }
}

@c(zoo_batch_norm_prepare)
func batchNormPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(BatchNorm.self, node, error) }

@c(zoo_batch_norm_run)
func batchNormRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(BatchNorm.self, node) }
