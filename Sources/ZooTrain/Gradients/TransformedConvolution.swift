// dL/dX of a convolution of 3 x 3 taps: the operator itself, which runs such convolutions by Winograd's transforms.
import CZoo
import Zoo
import ZooCompiler

/// As `FlippedConvolution`, where the flipped convolution is one that `Winograd` is faster for.
final class TransformedConvolution: ConvolutionInputGradient {
  private let packed: PackedWeights
  private let inputs: Int
  private let outputs: Int
  private let writes: OperatorCall
  private let adds: OperatorCall

  /// Nil for other convolutions.
  init?(_ operation: Conv2D, _ site: LayerSite, x: Variable) throws(CompileError) {
    guard let dx = x.gradient, let dz = site.output.gradient else { return nil }
    guard operation.transformedForInput(site, x) != nil else { return nil }
    let flipped = operation.flippedForInput
    let type = site.context.precision.weights
    let workers = site.context.workers
    workers.reserveScratch(of: flipped, x: site.output.shape, weights: type, y: x.shape)
    inputs = x.shape[3]
    outputs = site.output.shape[3]
    packed = PackedWeights(count: 9 * inputs * outputs, site.context)
    let image = OperatorCall.Operand(site.output.shape, dz)
    let weights = OperatorCall.Operand(packed, shape: try Shape([1, 9 * outputs, inputs]))
    let target = OperatorCall.Operand(x.shape, dx)
    writes = try OperatorCall(
      flipped, name: site.name, [image, weights], output: target, workers)
    adds = try OperatorCall(
      flipped, name: site.name, [image, weights, nil, target], output: target, workers)
  }

  func run(
    weights: UnsafePointer<Float>, _ dz: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>, adds: Bool, _ workers: Workers
  ) {
    packed.packTransposed(weights, taps: (0..<9).reversed(), inputs: inputs, outputs: outputs)
    (adds ? self.adds : writes).run()
  }
}

extension Conv2D {
  /// The convolution that gives dL/dX, of stride 1 and 3 x 3 taps: the tap that comes first reaches as far beyond the edge as the last one
  /// does not.
  var flippedForInput: Conv2D {
    var flipped = self
    flipped.activation = .none
    flipped.window.padTop = 2 - window.padTop
    flipped.window.padBottom = 2 - window.padBottom
    flipped.window.padLeft = 2 - window.padLeft
    flipped.window.padRight = 2 - window.padRight
    return flipped
  }

  /// Its tiles, if `Winograd` is faster for it.
  func transformedForInput(_ site: LayerSite, _ x: Variable) -> Winograd? {
    flippedForInput.transformed(
      x: site.output.shape, weights: site.context.precision.weights, y: x.shape,
      site.context.workers.runtime.pointee.kernels)
  }
}
