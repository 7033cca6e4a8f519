// Derivatives of element-wise functions.
import CZooTrainKernels
package import Zoo
import ZooCompiler

/// dx = dy f'(x), where the derivative follows from y = f(x), or from x for hard-swish and SiLU.
package func differentiate(
  _ activation: Activation, x: UnsafePointer<Float>?, y: UnsafePointer<Float>,
  dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>, count: Int, _ workers: Workers
) {
  let kind = zoo_train_activation(rawValue: UInt32(max(0, activation.kind.rawValue)))
  let isHardSigmoid = activation.kind == .hardSigmoid
  workers.forEachPiece(of: count, size: elementPiece) { piece in
    let at = piece.lowerBound
    workers.kernels.activation(
      kind, activation.alpha, isHardSigmoid ? 1 : activation.beta, piece.count, x.map { $0 + at },
      y + at, dy + at, dx + at)
  }
}

/// Whether the derivative of `activation` follows from its output alone, so that it may be fused.
package func isInvertible(_ activation: Activation) -> Bool {
  activation.kind != .hardSwish && activation.kind != .silu
}

/// y = f(x)
final class UnaryLayer: OperatorLayer {
  let site: LayerSite
  let call: OperatorCall
  private let activation: Activation

  init(_ site: LayerSite, _ operation: Unary) throws(CompileError) {
    activation = operation.activation
    self.site = site
    call = try site.call(operation)
  }

  func backward() {
    guard let dy = output.gradient, let (dx, adds) = input(0).contribute() else { return }
    let x = input(0)
    guard adds else {
      return differentiate(
        activation, x: x.value, y: output.value, dy: dy, dx: dx, count: output.count, workers)
    }
    differentiate(
      activation, x: x.value, y: output.value, dy: dy, dx: dy, count: output.count, workers)
    workers.add(dy, to: dx, adds: true, count: output.count)
  }
}

extension Workers {
  /// y = (adds ? y : 0) + scale x
  package func add(
    _ x: UnsafePointer<Float>, scale: Float = 1, to y: UnsafeMutablePointer<Float>, adds: Bool,
    count: Int
  ) {
    forEachPiece(of: count, size: elementPiece) { piece in
      kernels.add(
        piece.count, scale, x + piece.lowerBound, adds ? 1 : 0, y + piece.lowerBound)
    }
  }
}
