// The mean over any set of axes.
import CZoo

/// y = the mean of x over the axes whose bit is set in `axes`; they stay with extent 1.
///
/// - Sums run in row-major order. `GlobalPool` is the fast form for height and width of an image.
package struct Mean: RunnableOperation {
  package static let code = 16
  package static let inputCounts = 1...1
  package var axes: Int32 = 0

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) { archive.field("axes", &axes) }

  func reduces(_ axis: Int) -> Bool { axes & (1 &<< Int32(axis)) != 0 }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    var shape = inputs[0].extent
    guard axes >= 0 && axes < 1 &<< Int32(shape.rank) else {
      throw .attribute("axes of mean", got: Int(axes))
    }
    for axis in 0..<shape.rank where reduces(axis) { shape[axis] = 1 }
    return shape
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireFloat()
    try node.requireLayout()
    try node.requireDense(inputsFrom: 1)
  }

  func run(_ node: Node) {
    let x = node.inputs[0]
    let shape = x.extent
    let strides = Axes.strides(of: x)
    let y = node.output.floats
    let outputs = node.output.extent.elementCount
    let count = shape.elementCount / outputs
    for output in 0..<outputs {
      var sum: Float = 0
      for index in 0..<count {
        // Coordinates of kept axes come from `output`, of reduced ones from `index`, innermost first.
        var kept = output
        var reduced = index
        var offset = 0
        var axis = shape.rank - 1
        while axis >= 0 {
          if reduces(axis) {
            offset += reduced % shape[axis] * strides[axis]
            reduced /= shape[axis]
          } else {
            offset += kept % shape[axis] * strides[axis]
            kept /= shape[axis]
          }
          axis -= 1
        }
        sum += x.floats[offset]
      }
      y[output] = sum / Float(count)
    }
  }
}

@c(zoo_mean_prepare)
func meanPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Mean.self, node, error) }

@c(zoo_mean_run)
func meanRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Mean.self, node) }
