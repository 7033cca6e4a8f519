// Joining tensors along an axis.
import CZoo

/// y = the inputs one after the other along `axis`.
///
/// - Shapes: all inputs equal but for `axis`; `y` the same with the sum of their extents there.
/// - Any element type, the same for all. An input that the plan already placed inside `y` is not copied.
package struct Concat: RunnableOperation {
  package static let code = 8
  package static let inputCounts = 1...1024
  package var axis: Int32 = 0

  package init() {}
  package init(axis: Int) { self.axis = Int32(truncatingIfNeeded: axis) }

  package mutating func archive<A: Archive>(_ archive: inout A) { archive.field("axis", &axis) }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    var shape = inputs[0].extent
    let axis = Int(axis)
    guard axis >= 0 && axis < shape.rank else {
      throw .attribute("axis of concat", expected: shape.rank - 1, got: axis)
    }
    var total = 0
    for index in 0..<inputs.count {
      guard inputs.isPresent(index) else { throw .shape("input of concat is absent", got: index) }
      var other = inputs[index].extent
      guard other.rank == shape.rank else {
        throw .shape("rank of a concat input", expected: shape.rank, got: other.rank)
      }
      total += other[axis]
      other[axis] = shape[axis]
      guard other == shape else { throw .shape("extents of concat input", got: index) }
    }
    try shape.set(axis, to: total)
    return shape
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireLayout()
    for index in 0..<node.inputs.count where node.inputs[index].type != node.output.type {
      throw .type("type of concat input", got: index)
    }
  }

  func run(_ node: Node) {
    let y = node.output
    let step = Axes.strides(of: y)[Int(axis)]
    var offset = 0
    for index in 0..<node.inputs.count {
      let x = node.inputs[index]
      let place = y.data.unsafelyUnwrapped + offset * y.type.byteWidth
      if x.data != place {
        copyStrided(
          from: x.data.unsafelyUnwrapped, strides: .strides(of: x), to: y, at: offset,
          shape: x.extent)
      }
      offset += step * x.extent[Int(axis)]
    }
  }
}

@c(zoo_concat_prepare)
func concatPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Concat.self, node, error) }

@c(zoo_concat_run)
func concatRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Concat.self, node) }
