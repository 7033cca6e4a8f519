// Gradient of convolution.
import CZoo
import Zoo
import ZooCompiler

/// dL/dW = conv(X, dL/dZ), dL/dX = full_conv(flip(W), dL/dZ), dL/db = sum(dL/dZ).
///
/// - Source: Dumoulin, Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
final class ConvolutionLayer: OperatorLayer {
  let site: LayerSite
  let call: OperatorCall
  private let operation: Conv2D
  private let packed: PackedWeights
  /// In place of `call`, where that is faster.
  private let transformed: TransformedForward?
  /// Both at once, where that is faster.
  private let gradients: TransformedGradients?
  private let weightGradient: (any ConvolutionWeightGradient)?
  private let inputGradient: (any ConvolutionInputGradient)?

  init(_ site: LayerSite, _ operation: Conv2D) throws(CompileError) {
    self.operation = operation
    guard let x = site.inputs[0], let weights = site.inputs[1] else {
      throw CompileError("'\(site.name)': convolution without input or weights")
    }
    let context = site.context
    packed = PackedWeights(count: weights.count, context)
    transformed = TransformedForward(operation, site, x: x, packed)
    gradients = TransformedGradients(operation, site, x: x)
    site.output.takesLateGradient =
      gradients != nil && site.inputs.count == 2 && operation.activation.kind == .none
    if gradients != nil {
      weightGradient = nil
    } else if let transformed = TransformedWeightGradient(
      operation, x: x, output: site.output, context)
    {
      weightGradient = transformed
    } else if let rounded = RoundedWeightGradient(operation, x: x, output: site.output, context) {
      weightGradient = rounded
    } else {
      weightGradient = TapWeightGradient(operation, x: x, output: site.output)
    }
    if x.gradient == nil || gradients != nil {
      inputGradient = nil
    } else if let windows = WindowGradients(operation, x: x, output: site.output, context) {
      inputGradient = windows
    } else if let transformed = try TransformedConvolution(operation, site, x: x) {
      inputGradient = transformed
    } else {
      inputGradient = try FlippedConvolution(
        operation, name: site.name, x: x, output: site.output, context)
    }
    var operands = site.inputs.map { $0.map { OperatorCall.Operand($0) } }
    operands[1] = OperatorCall.Operand(packed, shape: weights.shape)
    context.workers.reserveScratch(
      of: operation, x: x.shape, weights: packed.type, y: site.output.shape)
    self.site = site
    call = try OperatorCall(
      operation, name: site.name, operands, output: OperatorCall.Operand(site.output),
      site.context.workers)
  }

  func forward() {
    let weights = input(1)
    let depth = weights.shape[1]
    let columns = weights.shape[2]
    for group in 0..<Int(operation.groups) {
      let offset = group * depth * columns
      packed.pack(weights.value + offset, rows: depth, columns: columns, offset: offset)
    }
    if let transformed { transformed.run(workers) } else { call.run() }
  }

  func backward() {
    guard let dz = output.gradient else { return }
    undo(operation.activation)
    if inputs.count > 3, let addend = inputs[3], let (target, adds) = addend.contribute() {
      workers.add(dz, to: target, adds: adds, count: output.count)
    }
    if inputs.count > 2 {
      addBiasGradient(
        inputs[2], dy: dz, rows: output.shape.rowCount, channels: output.shape[3], workers)
    }
    if let gradients, let toWeights = input(1).contribute(),
      let toInput = input(0).contribute()
    {
      return gradients.run(
        weights: input(1).value, toWeights: toWeights, toInput: toInput, workers)
    }
    if let weightGradient, let (target, adds) = input(1).contribute() {
      weightGradient.run(dz, to: target, adds: adds, workers)
    }
    if let inputGradient, let (target, adds) = input(0).contribute() {
      inputGradient.run(weights: input(1).value, dz, to: target, adds: adds, workers)
    }
  }
}
