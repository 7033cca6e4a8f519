// Two-dimensional convolution of NHWC images in integers.
import CZoo

/// y = requantize(multiplier[o] (bias[o] + sum over i, j, c of (x - zero) w[i, j, c, o]) + addend multiplier (addend - zero))
///
/// - Shapes: as `Conv2D`: `x` i8 [n, h, w, c]; `w` i8 [groups, depth, m/groups] as `ZOO_LAYOUT_QUADS16` with depth = kh kw
///   c/groups rounded up to a multiple of 4, the rows past the end zeros, values in -127...127; `bias` i32 [2, m];
///   `multipliers` f32 [m]; `addend` i8 [n, oh, ow, m], optional; `y` i8 [n, oh, ow, m].
/// - `bias` row 0 is bias - zero sum(w), row 1 is bias - (zero + 128) sum(w), for kernels that read x + 128. The bias itself
///   is in steps of scale(x) scale(w[o]).
/// - multiplier[o] = scale(x) scale(w[o]) / scale(y); addend multiplier = scale(addend) / scale(y).
/// - Rounding: `Requantization`. Padding reads as the zero point.
/// - In place: `y` may be `addend`, not `x`. Rows of `x`, `addend` and `y` may have gaps.
/// - Source: the specification of TensorFlow Lite, https://ai.google.dev/edge/litert/models/quantization_spec, but for the
///   multiplier, which is a float here.
package struct IntegerConv2D: RunnableOperation {
  package static let code = 17
  package static let inputCounts = 4...5
  package var window = Window()
  package var groups: Int32 = 1
  package var bounds = IntegerBounds()
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
    try bounds.check()
    try node.requireProduct(columns: node.output.extent[3], addend: 4)
  }

  func run(_ node: Node) {
    let inputs = node.inputs
    let x = inputs[0]
    let w = inputs[1]
    let y = node.output
    let groupCount = Int(groups)
    let depth = w.extent[1]
    let columns = w.extent[2]
    for group in 0..<groupCount {
      let source = ImageSource(
        base: UnsafePointer(x.bytes + group * (x.channels / groupCount)), image: x,
        channels: x.channels / groupCount, outputHeight: y.height, outputWidth: y.width,
        vertical: window.vertical(x.height), horizontal: window.horizontal(x.width))
      let offset = group * columns
      IntegerProduct(
        source: source, rows: y.extent.rowCount, columns: columns, depth: depth,
        padding: Int8(truncatingIfNeeded: x.zeroPoint),
        weights: w.bytes + group * depth * columns, bias: inputs[2].words + offset,
        offsetBias: inputs[2].words + groupCount * columns + offset,
        multipliers: inputs[3].floats + offset,
        addend: node.integerAddend(4, offset: offset, multiplier: addendMultiplier),
        output: y.bytes + offset, outputStride: y.rowStride,
        requantization: bounds.requantization(for: y), runtime: node.runtime
      ).start()
    }
  }
}

/// Groups of 4 rows that hold `depth` rows.
package func quadCount(_ depth: Int) -> Int { (depth + 3) / 4 }

extension Node {
  /// What integer convolutions and dense layers rely on: x, w, bias, multipliers and perhaps an addend.
  func requireProduct(columns: Int, addend: Int) throws(ZooError) {
    try requireInteger(0)
    guard inputs[1].type == ZOO_I8, inputs[1].layout == ZOO_LAYOUT_QUADS16 else {
      throw .type("weights must be i8 in quads")
    }
    try requireDense(2, ZOO_I32, count: 2 * columns)
    try requireDense(3, ZOO_F32, count: columns)
    if inputs.isPresent(addend) { try requireInteger(addend) }
    try requireIntegerOutput()
  }

  /// Operand `index` as a residual from column `offset` on, if it is there.
  func integerAddend(_ index: Int, offset: Int, multiplier: Float) -> IntegerAddend? {
    guard inputs.isPresent(index) else { return nil }
    let tensor = inputs[index]
    return IntegerAddend(
      base: UnsafePointer(tensor.bytes + offset), stride: tensor.rowStride,
      zeroPoint: tensor.zeroPoint, multiplier: multiplier)
  }
}

@c(zoo_conv2d_i8_prepare)
func integerConv2DPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(IntegerConv2D.self, node, error) }

@c(zoo_conv2d_i8_run)
func integerConv2DRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(IntegerConv2D.self, node) }
