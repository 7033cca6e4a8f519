// Cutting a regular part out of a tensor.
import CZoo

/// y[i, j, ...] = x[start0 + i step0, start1 + j step1, ...]
///
/// - Shapes: `y` has the rank of `x` and extents `count`, one per axis; every index must fall inside `x`.
/// - Steps may be negative, not 0. Any element type.
package struct Slice: RunnableOperation {
  package static let code = 15
  package static let inputCounts = 1...1
  package var start = Axes(repeating: 0)
  package var step = Axes(repeating: 1)
  package var count = Axes(repeating: 1)

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    start.archive(&archive, "start")
    step.archive(&archive, "step")
    count.archive(&archive, "count")
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    let x = inputs[0].extent
    var result = try Shape(rank: x.rank)
    for axis in 0..<x.rank {
      try result.set(axis, to: count[axis])
      guard step[axis] != 0, start[axis] >= 0, start[axis] < x[axis],
        let reach = (count[axis] - 1).times(step[axis]),
        reach <= x[axis] - 1 - start[axis], reach >= -start[axis]
      else { throw .attribute("slice leaves the input", expected: x[axis], got: start[axis]) }
    }
    return result
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireLayout()
    guard node.inputs[0].type == node.output.type else { throw .type("type of slice") }
  }

  func run(_ node: Node) {
    let x = node.inputs[0]
    let strides = Axes.strides(of: x)
    var steps = Axes(repeating: 0)
    var offset = 0
    for axis in 0..<x.extent.rank {
      steps[axis] = strides[axis] * step[axis]
      offset += strides[axis] * start[axis]
    }
    copyStrided(
      from: x.data.unsafelyUnwrapped + offset * x.type.byteWidth, strides: steps,
      to: node.output, at: 0, shape: node.output.extent)
  }
}

@c(zoo_slice_prepare)
func slicePrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Slice.self, node, error) }

@c(zoo_slice_run)
func sliceRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Slice.self, node) }
