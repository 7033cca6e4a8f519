// Two-dimensional convolution of NHWC images.
package import CZoo
package import CZooKernels

/// y[n, p, q, o] = act(bias[o] + sum over i, j, c of x[n, p s - pad + i d, q s - pad + j d, c] w[i, j, c, o])
///
/// - Shapes: `x` [n, h, w, c]; `w` [groups, kh kw c/groups, m/groups] as panels of 16 columns, rows in the order
///   (kh, kw, c), f32, f16 or bf16, or i8 with a scale for each column and one group; `bias` [m], optional; `addend` [n, oh, ow, m], optional, added before the activation; `y`
///   [n, oh, ow, m] with extents floor((h + pads - d (kh - 1) - 1) / s) + 1.
/// - In place: `y` may be `addend`, not `x`.
/// - Rows of `x`, `addend` and `y` may have gaps (channel slices of a concatenation).
/// - Error: relative to the sum of the products' magnitudes, (K + 2) 2^-24 with K = kh kw c / groups.
/// - With scratch memory and 3 x 3 taps: `Winograd`, and its error.
/// - Source: ONNX Conv, https://onnx.ai/onnx/operators/onnx__Conv.html; implicit GEMM through pointers:
///   Dukhan, "The Indirect Convolution Algorithm", arXiv:1907.02129.
package struct Conv2D: RunnableOperation {
  package static let code = 1
  package static let inputCounts = 2...4
  package var window = Window()
  package var groups: Int32 = 1
  package var activation = Activation()

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    window.archive(&archive)
    archive.field("groups", &groups)
    activation.archive(&archive)
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    let x = inputs[0].extent
    let w = inputs[1].extent
    guard x.rank == 4 else { throw .shape("rank of the input", expected: 4, got: x.rank) }
    guard w.rank == 3 else { throw .shape("rank of the weights", expected: 3, got: w.rank) }
    guard groups >= 1, w[0] == Int(groups), x[3] % Int(groups) == 0 else {
      throw .shape("groups do not divide the channels", expected: Int(groups), got: x[3])
    }
    let outputs = w[0] * w[2]
    let shape = try window.outputShape(x, channels: outputs)
    let depth = Int(window.kernelHeight) * Int(window.kernelWidth) * (x[3] / Int(groups))
    guard w[1] == depth else {
      throw .shape("rows of the weights", expected: depth, got: w[1])
    }
    if inputs.isPresent(2) {
      guard inputs[2].extent.elementCount == outputs else {
        throw .shape("bias", expected: outputs, got: inputs[2].extent.elementCount)
      }
    }
    if inputs.isPresent(3) {
      guard inputs[3].extent == shape else {
        throw .shape(
          "addend", expected: shape.elementCount, got: inputs[3].extent.elementCount)
      }
    }
    return shape
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireFloatProduct(columns: node.inputs[1].extent[2])
    guard groups == 1 || node.inputs[1].type != ZOO_I8 else {
      throw .type("weights of 8 bits with several groups")
    }
  }

  func run(_ node: Node) {
    let inputs = node.inputs
    let x = inputs[0]
    let w = inputs[1]
    let y = node.output
    #if arch(x86_64)
    if runsByTransforms(node) { return }
    #endif
    let groupCount = Int(groups)
    let depth = w.extent[1]
    let columns = w.extent[2]
    for group in 0..<groupCount {
      let source = ImageSource(
        base: x.floats + group * (x.channels / groupCount), image: x,
        channels: x.channels / groupCount, outputHeight: y.height, outputWidth: y.width,
        vertical: window.vertical(x.height), horizontal: window.horizontal(x.width))
      let offset = group * columns
      var product = MatrixProduct(
        source: source, rows: y.extent.rowCount, columns: columns, depth: depth,
        weights: MatrixWeights(w, offset: group * depth * columns, column: offset),
        bias: inputs.isPresent(2) ? inputs[2].floats + offset : nil,
        addend: inputs.isPresent(3) ? inputs[3].floats + offset : nil,
        addendStride: inputs.isPresent(3) ? inputs[3].rowStride : 0,
        output: y.floats + offset, outputStride: y.rowStride, activation: activation,
        runtime: node.runtime)
      product.roundedImage = x.rounded.map { UnsafePointer($0) }
      product.roundedOutput = y.rounded
      if inputs.isPresent(3) { product.roundedAddend = inputs[3].rounded.map { UnsafePointer($0) } }
      product.start()
    }
  }
}

#if arch(x86_64)
extension Conv2D {
  /// What can be bf16 of the operands of a prepared node, where there are kernels for bf16.
  func roundedOperands(_ node: Node) -> RoundedOperands {
    let inputs = node.inputs
    let (x, w, kernels) = (inputs[0], inputs[1], node.runtime.kernels)
    // Longer rows have code of their own, and so have images of one channel.
    guard groups == 1, x.channels > 1, x.channels <= Int(ZOO_ZERO_ROW_COUNT),
      w.extent[1] / x.channels <= MatrixProduct.pointerCapacity
    else { return RoundedOperands() }
    let addend: UInt8 = 1 << 3
    let rounds = w.type == ZOO_BF16 && w.extent[1] < MatrixProduct.roundedCapacity
    // What products can, since in some bands transforms give way to them. An activation passes over a tile of floats, for which a
    // matrix unit leaves no room.
    let passes = activation.needsPass && activation.kind != .hardSwish
    let finishes = !rounds || !passes || kernels.bf16_igemm.workspace == 0
    guard rounds, x.channels % 2 == 0 else {
      return RoundedOperands(output: finishes && !inputs.isPresent(3))
    }
    // In place of the addend each output must lie where what it is added to lies.
    return RoundedOperands(inputs: 1 | addend, rounds: true, output: finishes, linked: addend)
  }

  /// Runs the node by Winograd's transforms, if that is faster and the session has memory for it.
  private func runsByTransforms(_ node: Node) -> Bool {
    guard node.runtime.scratch != nil else { return false }
    let inputs = node.inputs
    let (x, w, y) = (inputs[0], inputs[1], node.output)
    guard
      let shape = transformed(
        x: x.extent, weights: w.type, y: y.extent, node.runtime.kernels)
    else {
      return false
    }
    var work = WinogradWork(
      shape: shape,
      source: ImageSource(
        base: x.floats, image: x, channels: x.channels, outputHeight: y.height,
        outputWidth: y.width, vertical: window.vertical(x.height),
        horizontal: window.horizontal(x.width)),
      weights: MatrixWeights(w, offset: 0, column: 0),
      bias: inputs.isPresent(2) ? inputs[2].floats : nil,
      addend: inputs.isPresent(3) ? inputs[3].floats : nil,
      addendStride: inputs.isPresent(3) ? inputs[3].rowStride : 0, output: y.floats,
      outputStride: y.rowStride, activation: activation, runtime: node.runtime)
    work.isRoundedImage = x.type == ZOO_BF16
    work.roundsOutput = y.type == ZOO_BF16
    return work.start()
  }

  /// Bytes of scratch memory that `node` can make use of: a share of each thread, or what all have together.
  static func scratchByteCounts(
    _ node: NodeRecord, _ model: ModelReader, _ kernels: zoo_kernels
  ) -> (share: Int, whole: Int) {
    let first = node.firstOperand
    guard node.code == code, let x = model.operand(first), let w = model.operand(first + 1),
      let y = model.operand(first + node.inputCount)
    else { return (0, 0) }
    var operation = Conv2D()
    var reader = AttributeReader(node.attributes, byteCount: node.attributesByteCount)
    operation.archive(&reader)
    return operation.scratchByteCounts(
      x: model.tensor(x, arena: nil).extent, weights: model.tensor(w, arena: nil).type,
      y: model.tensor(y, arena: nil).extent, kernels)
  }
}
#endif

extension Conv2D {
  /// The tiles that the operator works on if it runs by Winograd's transforms with weights of `type`. A matrix unit's products of bf16
  /// are faster than that.
  package func transformed(
    x: Shape, weights type: zoo_type, y: Shape, _ kernels: zoo_kernels
  ) -> Winograd? {
    guard kernels.f32_winograd != nil, type != ZOO_BF16 || kernels.bf16_igemm.workspace == 0 else {
      return nil
    }
    return Winograd(self, x: x, weights: type, y: y, isWide: kernels.has_wide_fma)
  }

  /// Bytes of scratch memory that the operator can make use of: a share of each thread, or what all have together.
  package func scratchByteCounts(
    x: Shape, weights type: zoo_type, y: Shape, _ kernels: zoo_kernels
  ) -> (share: Int, whole: Int) {
    if let shape = transformed(x: x, weights: type, y: y, kernels) { return (shape.byteCount, 0) }
    let hasTaps = window.kernelHeight > 1 || window.kernelWidth > 1
    guard type == ZOO_BF16, kernels.bf16_igemm.run != nil else { return (0, 0) }
    return (
      Int(kernels.bf16_igemm.workspace),
      hasTaps ? (x.elementCount + 1) * MemoryLayout<UInt16>.stride : 0
    )
  }
}

@c(zoo_conv2d_prepare)
func conv2DPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Conv2D.self, node, error) }

@c(zoo_conv2d_run)
func conv2DRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Conv2D.self, node) }
