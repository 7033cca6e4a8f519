// Smaller weights for networks that compute in floats: for those that wait for memory.
import CZoo
import Zoo

/// How weights of convolutions and dense layers are stored.
package enum WeightForm: String, CaseIterable, Sendable {
  /// IEEE half precision: half the size, exact to 11 bits.
  case f16
  /// The upper half of a float: half the size, exact to 8 bits, twice as fast where the CPU multiplies bf16 (inputs of layers are
  /// rounded as well there).
  case bf16
  /// 8 bits with a scale for each output channel: a quarter of the size.
  case int8
}

/// `graph` with the weights of its convolutions and dense layers in another form; all arithmetic stays in f32.
///
/// Convolutions in groups keep their floats in the form `int8`, and in `bf16` those of one or two channels, as first layers are: their
/// windows take longer to put together than such products save, and their weights are few.
/// - Throws: `CompileError` naming the layer whose weights are not finite, or too large for half precision.
package func compressWeights(
  _ graph: Graph, _ form: WeightForm
) throws(CompileError) -> Graph {
  var result = graph
  for node in graph.nodes {
    let groups = (node.operation as? Conv2D).map { Int($0.groups) } ?? 1
    guard node.operation is Conv2D || node.operation is Dense, let w = node.inputs[1],
      let constant = graph[w].constant, constant.type == ZOO_F32, form != .int8 || groups == 1,
      form != .bf16 || !hasFewChannels(node, graph)
    else { continue }
    let floats = constant.floats
    switch form {
    case .f16:
      let halves = floats.map { Float16($0) }
      guard halves.allSatisfy({ $0.isFinite }) else {
        throw CompileError("layer '\(node.name)': a weight does not fit half precision")
      }
      result[w].type = ZOO_F16
      result[w].constant = Constant(
        type: ZOO_F16, bytes: halves.withUnsafeBytes { Array($0) })
    case .bf16:
      let rounded = floats.map(bfloat16)
      guard rounded.allSatisfy({ $0 & 0x7F80 != 0x7F80 }) else {
        throw CompileError("layer '\(node.name)': a weight does not fit bf16")
      }
      result[w].type = ZOO_BF16
      result[w].constant = Constant(
        type: ZOO_BF16, bytes: rounded.withUnsafeBytes { Array($0) })
    case .int8:
      let columns = graph[w].shape.last
      let weights = try IntegerWeights(
        floats, groups: 1, columns: columns, bias: nil, inputScale: 1, given: nil,
        layer: node.name)
      result[w].type = ZOO_I8
      result[w].constant = Constant(weights.integers)
      result[w].quantization = Quantization(
        scales: weights.scales, zeroPoints: [Int32](repeating: 0, count: columns),
        axis: graph[w].shape.rank - 1)
    }
  }
  return result
}

/// Whether `node` is a convolution with small windows of one or two channels: those take longer to put together than to multiply. (Three
/// channels are worth it: 3 x 3 windows take 140 us instead of 206 in the first layer of MobileNet v1 with AVX-512 BF16.)
private func hasFewChannels(_ node: GraphNode, _ graph: Graph) -> Bool {
  guard let convolution = node.operation as? Conv2D, let x = node.inputs[0] else { return false }
  let window = convolution.window
  let taps = Int(window.kernelHeight * window.kernelWidth)
  let channels = graph[x].shape.last / Int(convolution.groups)
  return taps > 1 && channels <= 2 && taps * channels <= 128
}

/// The bits of the bf16 number nearest to `value`, ties to even.
private func bfloat16(_ value: Float) -> UInt16 {
  let bits = value.bitPattern
  if value.isNaN { return UInt16(bits >> 16) | 0x40 }
  return UInt16((UInt64(bits) + 0x7FFF + UInt64(bits >> 16 & 1)) >> 16)
}
