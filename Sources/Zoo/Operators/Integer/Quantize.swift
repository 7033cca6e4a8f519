// The edges between real numbers and integers.
package import CZoo
import CZooKernels

/// y = requantize(x / scale)
///
/// - Shapes: `x` f32, any; `y` i8, the same, with one scale. NaN becomes -128. Rows may have gaps.
package struct Quantize: RunnableOperation {
  package static let code = 24
  package static let inputCounts = 1...1

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {}

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape { inputs[0].extent }

  func check(_ node: Node) throws(ZooError) {
    guard node.inputs[0].type == ZOO_F32 else { throw .type("what is quantised must be f32") }
    try node.requireLayout()
    try node.requireIntegerOutput()
  }

  func run(_ node: Node) {
    let x = node.inputs[0]
    let y = node.output
    let rows = y.extent.rowCount
    let count = y.extent.last
    for row in 0..<rows {
      quantize(
        x.floats + row * x.rowStride, y.bytes + row * y.rowStride, count: count, scale: y.scale,
        IntegerBounds().requantization(for: y), node.runtime)
    }
  }
}

/// The elements of `tensor`, dense i8 with one scale, as the integers nearest to `reals`.
package func quantize(_ reals: UnsafePointer<Float>, into tensor: zoo_tensor) {
  let requantization = IntegerBounds().requantization(for: tensor)
  for i in 0..<tensor.size { tensor.bytes[i] = requantization(reals[i] / tensor.scale) }
}

/// y[i] = requantize(x[i] / scale).
func quantize(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Int8>, count: Int, scale: Float,
  _ requantization: Requantization, _ runtime: Runtime
) {
  if let kernel = runtime.kernels.i8_quantize {
    var params = zoo_i8_quantize_params(
      x: x, y: y, scale: scale, zero_point: requantization.zeroPoint,
      lower: requantization.lower, upper: requantization.upper)
    return kernel(count, &params)
  }
  for i in 0..<count { y[i] = requantization(x[i] / scale) }
}

/// y = scale (x - zero)
///
/// - Shapes: `x` i8, any, with one scale; `y` f32, the same. Rows may have gaps.
package struct Dequantize: RunnableOperation {
  package static let code = 25
  package static let inputCounts = 1...1

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {}

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape { inputs[0].extent }

  func check(_ node: Node) throws(ZooError) {
    try node.requireInteger(0)
    try node.requireLayout()
    guard node.output.type == ZOO_F32 else { throw .type("output must be f32") }
  }

  func run(_ node: Node) {
    let x = node.inputs[0]
    let y = node.output
    let scale = x.scale
    let zero = x.zeroPoint
    for row in 0..<y.extent.rowCount {
      let from = x.bytes + row * x.rowStride
      let to = y.floats + row * y.rowStride
      for i in 0..<y.extent.last { to[i] = scale * Float(Int(Int32(from[i]) &- zero)) }
    }
  }
}

@c(zoo_quantize_prepare)
func quantizePrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Quantize.self, node, error) }

@c(zoo_quantize_run)
func quantizeRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Quantize.self, node) }

@c(zoo_dequantize_prepare)
func dequantizePrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Dequantize.self, node, error) }

@c(zoo_dequantize_run)
func dequantizeRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Dequantize.self, node) }
