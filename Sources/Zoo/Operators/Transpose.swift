// Reordering axes.
import CZoo

/// y[i0, i1, ...] = x with axis `permutation[k]` of `x` as axis k of `y`.
///
/// - Any element type; rank 1 to 6.
package struct Transpose: RunnableOperation {
  package static let code = 11
  package static let inputCounts = 1...1
  package var permutation = Axes(repeating: 0)

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    permutation.archive(&archive, "permutation")
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    let x = inputs[0].extent
    var result = try Shape(rank: x.rank)
    var seen: UInt32 = 0
    for axis in 0..<x.rank {
      let source = permutation[axis]
      guard source >= 0 && source < x.rank, seen & (1 &<< UInt32(source)) == 0 else {
        throw .attribute("not a permutation, axis", got: axis)
      }
      seen |= 1 &<< UInt32(source)
      try result.set(axis, to: x[source])
    }
    return result
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireLayout()
    guard node.inputs[0].type == node.output.type else { throw .type("type of transpose") }
  }

  func run(_ node: Node) {
    let x = node.inputs[0]
    let strides = Axes.strides(of: x)
    var permuted = Axes(repeating: 0)
    for axis in 0..<x.extent.rank { permuted[axis] = strides[permutation[axis]] }
    copyStrided(
      from: x.data.unsafelyUnwrapped, strides: permuted, to: node.output, at: 0,
      shape: node.output.extent)
  }
}

@c(zoo_transpose_prepare)
func transposePrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Transpose.self, node, error) }

@c(zoo_transpose_run)
func transposeRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Transpose.self, node) }
