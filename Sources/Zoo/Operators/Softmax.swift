// Softmax and its logarithm.
import CZoo

/// y = e^(x - max) / sum of e^(x - max) along `axis`, or the logarithm of that.
///
/// - Shapes: `x` any; `y` the same. In place: `y` may be `x`.
/// - Always in portable arithmetic: the same bits on every ISA.
package struct Softmax: RunnableOperation {
  package static let code = 14
  package static let inputCounts = 1...1
  package var axis: Int32 = 0
  package var isLogarithm = false
  /// Multiplies x first (TFLite's beta).
  package var scale: Float = 1

  package init() {}
  package init(axis: Int) { self.axis = Int32(truncatingIfNeeded: axis) }

  package mutating func archive<A: Archive>(_ archive: inout A) {
    archive.field("axis", &axis)
    archive.field("logarithm", &isLogarithm)
    archive.field("scale", &scale)
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    let x = inputs[0].extent
    guard axis >= 0 && Int(axis) < x.rank else {
      throw .attribute("axis of softmax", expected: x.rank - 1, got: Int(axis))
    }
    return x
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireFloat()
    try node.requireLayout()
    try node.requireDense()
  }

  func run(_ node: Node) {
    let shape = node.output.extent
    var inner = 1
    for axis in Int(axis) + 1..<max(shape.rank, Int(axis) + 1) { inner *= shape[axis] }
    let count = shape[Int(axis)]
    let outer = shape.elementCount / (inner * count)
    for block in 0..<outer {
      for k in 0..<inner {
        let at = block * count * inner + k
        softmax(
          node.inputs[0].floats + at, node.output.floats + at, count: count, stride: inner,
          scale: scale, isLogarithm: isLogarithm)
      }
    }
  }
}

/// Softmax of `count` values `stride` apart; `y` may be `x`.
func softmax(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int, stride: Int = 1,
  scale: Float = 1, isLogarithm: Bool = false
) {
  var largest = x[0] * scale
  for i in 1..<max(1, count) where x[i * stride] * scale > largest {
    largest = x[i * stride] * scale
  }
  var sum: Float = 0
  for i in 0..<count {
    let shifted = x[i * stride] * scale - largest
    let e = exponential(shifted)
    y[i * stride] = isLogarithm ? shifted : e
    sum += e
  }
  if isLogarithm {
    let log = logarithm(sum)
    for i in 0..<count { y[i * stride] -= log }
  } else {
    let factor = 1 / sum
    for i in 0..<count { y[i * stride] *= factor }
  }
}

@c(zoo_softmax_prepare)
func softmaxPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Softmax.self, node, error) }

@c(zoo_softmax_run)
func softmaxRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Softmax.self, node) }
