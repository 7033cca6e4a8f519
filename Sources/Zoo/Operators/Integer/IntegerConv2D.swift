// Two-dimensional convolution of NHWC images in integers.
import CZoo

/// y = requantize(multiplier[o] (bias[o] + sum over i, j, c of (x - zero) w[i, j, c, o]) + addend multiplier (addend - zero))
///
/// - Shapes: as `Conv2D`: `x` i8 or i16 [n, h, w, c]; `w` i8 [groups, depth, m/groups] as `ZOO_LAYOUT_QUADS16` with depth = kh kw
///   c/groups rounded up to a multiple of 4, the rows past the end zeros, values in -127...127; `bias` i32 [2, m];
///   `multipliers` f32 [m]; `addend` and `y` [n, oh, ow, m] of the type of `x`, `addend` optional.
/// - i8: `bias` row 0 is bias - zero sum(w), row 1 is bias - (zero + 128) sum(w), for kernels that read x + 128. The bias itself
///   is in steps of scale(x) scale(w[o]).
/// - i16: zero points are 0; the bias has 48 bits, row 0 the upper 32 and row 1 the lower 16. Sums are exact in 48 bits (64 in
///   TensorFlow Lite), at most 2^23 - 1 products each.
/// - multiplier[o] = scale(x) scale(w[o]) / scale(y); addend multiplier = scale(addend) / scale(y).
/// - Rounding: `Requantization`. Padding reads as the zero point.
/// - In place: `y` may be `addend`, not `x`. Rows of `x`, `addend` and `y` may have gaps.
/// - Source: the specification of TensorFlow Lite, https://ai.google.dev/edge/litert/models/quantization_spec, but for the
///   multiplier, which is a float here.
package struct IntegerConv2D<Element: IntegerElement>: RunnableOperation {
  package static var code: Int { Element.isWide ? 26 : 17 }
  package static var inputCounts: ClosedRange<Int> { 4...5 }
  package var window = Window()
  package var groups: Int32 = 1
  package var bounds = IntegerBounds(Element.self)
  package var addendMultiplier: Float = 0

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    window.archive(&archive)
    archive.field("groups", &groups)
    bounds.archive(&archive)
    archive.field("addend multiplier", &addendMultiplier)
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    let x = inputs[0].extent
    let w = inputs[1].extent
    guard x.rank == 4 else { throw .shape("rank of the input", expected: 4, got: x.rank) }
    guard w.rank == 3 else { throw .shape("rank of the weights", expected: 3, got: w.rank) }
    guard groups >= 1, w[0] == Int(groups), x[3] % Int(groups) == 0 else {
      throw .shape("groups do not divide the channels", expected: Int(groups), got: x[3])
    }
    let shape = try window.outputShape(x, channels: w[0] * w[2])
    let depth = Int(window.kernelHeight) * Int(window.kernelWidth) * (x[3] / Int(groups))
    guard w[1] == quadCount(depth) * 4 else {
      throw .shape("rows of the weights", expected: quadCount(depth) * 4, got: w[1])
    }
    if inputs.isPresent(4) {
      guard inputs[4].extent == shape else {
        throw .shape("addend", expected: shape.elementCount, got: inputs[4].extent.elementCount)
      }
    }
    return shape
  }

  func check(_ node: Node) throws(ZooError) {
    try bounds.check(Element.self)
    try node.requireProduct(Element.self, columns: node.output.extent[3], addend: 4)
  }

  func run(_ node: Node) {
    let inputs = node.inputs
    let x = inputs[0]
    let w = inputs[1]
    let y = node.output
    let groupCount = Int(groups)
    let depth = w.extent[1]
    let columns = w.extent[2]
    #if arch(x86_64)
    if runsByTransforms(node) { return }
    #endif
    for group in 0..<groupCount {
      let source = ImageSource(
        base: UnsafePointer(x.integers(Element.self) + group * (x.channels / groupCount)), image: x,
        channels: x.channels / groupCount, outputHeight: y.height, outputWidth: y.width,
        vertical: window.vertical(x.height), horizontal: window.horizontal(x.width))
      let offset = group * columns
      IntegerProduct(
        source: source, rows: y.extent.rowCount, columns: columns, depth: depth,
        padding: Element(truncatingIfNeeded: x.zeroPoint),
        weights: w.bytes + group * depth * columns, bias: inputs[2].words + offset,
        secondBias: inputs[2].words + groupCount * columns + offset,
        multipliers: inputs[3].floats + offset,
        addend: node.integerAddend(4, offset: offset, multiplier: addendMultiplier),
        output: y.integers(Element.self) + offset, outputStride: y.rowStride,
        requantization: bounds.requantization(for: y), runtime: node.runtime
      ).start()
    }
  }
}

/// Groups of 4 rows that hold `depth` rows.
package func quadCount(_ depth: Int) -> Int { (depth + 3) / 4 }

extension Node {
  /// What integer convolutions and dense layers rely on: x, w, bias, multipliers and perhaps an addend.
  func requireProduct<Element: IntegerElement>(
    _ type: Element.Type, columns: Int, addend: Int
  ) throws(ZooError) {
    try requireInteger(0, type)
    guard inputs[1].type == ZOO_I8, inputs[1].layout == ZOO_LAYOUT_QUADS16 else {
      throw .type("weights must be i8 in quads")
    }
    try requireDense(2, ZOO_I32, count: 2 * columns)
    try requireDense(3, ZOO_F32, count: columns)
    if inputs.isPresent(addend) { try requireInteger(addend, type) }
    try requireIntegerOutput(type)
    let depth = inputs[1].extent[inputs[1].extent.rank - 2]
    guard !type.isWide || depth <= WideSum.mostProducts else {
      throw .shape("rows of the weights", expected: WideSum.mostProducts, got: depth)
    }
  }

  /// Operand `index` as a residual from column `offset` on, if it is there.
  func integerAddend<Element: IntegerElement>(
    _ index: Int, offset: Int, multiplier: Float
  ) -> IntegerAddend<Element>? {
    guard inputs.isPresent(index) else { return nil }
    let tensor = inputs[index]
    return IntegerAddend(
      base: UnsafePointer(tensor.integers(Element.self) + offset), stride: tensor.rowStride,
      zeroPoint: tensor.zeroPoint, multiplier: multiplier)
  }
}

@c(zoo_conv2d_i8_prepare)
func integerConv2DPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(IntegerConv2D<Int8>.self, node, error) }

@c(zoo_conv2d_i8_run)
func integerConv2DRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(IntegerConv2D<Int8>.self, node) }

@c(zoo_conv2d_i16_prepare)
func wideConv2DPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(IntegerConv2D<Int16>.self, node, error) }

@c(zoo_conv2d_i16_run)
func wideConv2DRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(IntegerConv2D<Int16>.self, node) }
