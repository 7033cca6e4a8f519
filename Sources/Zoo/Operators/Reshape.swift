// The same elements under another shape.
import CZoo

/// y = x, element by element in row-major order, with extents `shape`.
///
/// - In place: the plan gives `y` the memory of `x`; then nothing is done. Any element type.
package struct Reshape: RunnableOperation {
  package static let code = 10
  package static let inputCounts = 1...1
  package var rank: Int32 = 0
  package var shape = Axes(repeating: 1)

  package init() {}
  package init(_ shape: Shape) {
    rank = Int32(shape.rank)
    for axis in 0..<shape.rank { self.shape[axis] = shape[axis] }
  }

  package mutating func archive<A: Archive>(_ archive: inout A) {
    archive.field("rank", &rank)
    shape.archive(&archive, "shape")
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    var result = try Shape(rank: Int(rank))
    for axis in 0..<Int(rank) { try result.set(axis, to: shape[axis]) }
    let expected = inputs[0].extent.elementCount
    guard let count = result.checkedElementCount, count == expected else {
      throw .shape("elements of a reshape", expected: expected, got: result.elementCount)
    }
    return result
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireLayout()
    try node.requireDense()
    guard node.inputs[0].type == node.output.type else { throw .type("type of reshape") }
  }

  func run(_ node: Node) {
    let from = node.inputs[0].data.unsafelyUnwrapped
    let to = node.output.data.unsafelyUnwrapped
    if from != to { to.copyMemory(from: from, byteCount: node.output.size) }
  }
}

@c(zoo_reshape_prepare)
func reshapePrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Reshape.self, node, error) }

@c(zoo_reshape_run)
func reshapeRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Reshape.self, node) }
