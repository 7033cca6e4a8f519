// The edges between real numbers and integers.
package import CZoo
import CZooKernels

/// y = requantize(x / scale)
///
/// - Shapes: `x` f32, any; `y` i8 or i16, the same, with one scale. NaN becomes the least integer. Rows may have gaps.
package struct Quantize<Element: IntegerElement>: RunnableOperation {
  package static var code: Int { Element.isWide ? 32 : 24 }
  package static var inputCounts: ClosedRange<Int> { 1...1 }

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {}

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape { inputs[0].extent }

  func check(_ node: Node) throws(ZooError) {
    guard node.inputs[0].type == ZOO_F32 else { throw .type("what is quantised must be f32") }
    try node.requireLayout()
    try node.requireIntegerOutput(Element.self)
  }

  func run(_ node: Node) {
    let x = node.inputs[0]
    let y = node.output
    let rows = y.extent.rowCount
    let count = y.extent.last
    for row in 0..<rows {
      quantize(
        x.floats + row * x.rowStride, y.integers(Element.self) + row * y.rowStride, count: count,
        scale: y.scale,
        IntegerBounds(Element.self).requantization(for: y), node.runtime)
    }
  }
}

/// The elements of `tensor`, dense i8 or i16 with one scale, as the integers nearest to `reals`.
package func quantize(_ reals: UnsafePointer<Float>, into tensor: zoo_tensor) {
  if tensor.type == ZOO_I16 {
    quantize(reals, into: tensor, Int16.self)
  } else {
    quantize(reals, into: tensor, Int8.self)
  }
}

private func quantize<Element: IntegerElement>(
  _ reals: UnsafePointer<Float>, into tensor: zoo_tensor, _ type: Element.Type
) {
  let requantization = IntegerBounds(type).requantization(for: tensor)
  let y = tensor.integers(type)
  for i in 0..<tensor.extent.elementCount { y[i] = requantization(reals[i] / tensor.scale) }
}

/// y[i] = requantize(x[i] / scale).
func quantize<Element: IntegerElement>(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Element>, count: Int, scale: Float,
  _ requantization: Requantization, _ runtime: Runtime
) {
  if let kernel = Element.quantization(runtime.kernels) {
    var params = zoo_integer_quantize_params(
      x: x, y: y, scale: scale, zero_point: requantization.zeroPoint,
      lower: requantization.lower, upper: requantization.upper)
    return kernel(count, &params)
  }
  for i in 0..<count { y[i] = requantization(x[i] / scale) }
}

/// y = scale (x - zero)
///
/// - Shapes: `x` i8 or i16, any, with one scale; `y` f32, the same. Rows may have gaps.
package struct Dequantize<Element: IntegerElement>: RunnableOperation {
  package static var code: Int { Element.isWide ? 33 : 25 }
  package static var inputCounts: ClosedRange<Int> { 1...1 }

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {}

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape { inputs[0].extent }

  func check(_ node: Node) throws(ZooError) {
    try node.requireInteger(0, Element.self)
    try node.requireLayout()
    guard node.output.type == ZOO_F32 else { throw .type("output must be f32") }
  }

  func run(_ node: Node) {
    let x = node.inputs[0]
    let y = node.output
    let scale = x.scale
    let zero = x.zeroPoint
    for row in 0..<y.extent.rowCount {
      let from = x.integers(Element.self) + row * x.rowStride
      let to = y.floats + row * y.rowStride
      for i in 0..<y.extent.last { to[i] = scale * Float(Int(Int32(from[i]) &- zero)) }
    }
  }
}

@c(zoo_quantize_prepare)
func quantizePrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Quantize<Int8>.self, node, error) }

@c(zoo_quantize_run)
func quantizeRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Quantize<Int8>.self, node) }

@c(zoo_quantize_i16_prepare)
func wideQuantizePrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Quantize<Int16>.self, node, error) }

@c(zoo_quantize_i16_run)
func wideQuantizeRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Quantize<Int16>.self, node) }

@c(zoo_dequantize_prepare)
func dequantizePrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Dequantize<Int8>.self, node, error) }

@c(zoo_dequantize_run)
func dequantizeRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Dequantize<Int8>.self, node) }

@c(zoo_dequantize_i16_prepare)
func wideDequantizePrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Dequantize<Int16>.self, node, error) }

@c(zoo_dequantize_i16_run)
func wideDequantizeRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Dequantize<Int16>.self, node) }
