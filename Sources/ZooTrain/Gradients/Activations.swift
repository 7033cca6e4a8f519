// Derivatives of element-wise functions.
import CZooTrainKernels
package import Zoo
import ZooCompiler

/// dx = dy f'(x), where the derivative follows from y = f(x), or from x for hard-swish and SiLU.
package func differentiate(
  _ activation: Activation, x: UnsafePointer<Float>?, y: UnsafePointer<Float>,
  dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>, count: Int, _ workers: Workers
) {
  workers.forEachPiece(of: count, size: elementPiece) { piece in
    let at = piece.lowerBound
    differentiate(
      activation, x: x.map { $0 + at }, y: y + at, dy: dy + at, dx: dx + at, piece.count, workers)
  }
}

/// The same for a piece, on the calling thread.
func differentiate(
  _ activation: Activation, x: UnsafePointer<Float>? = nil, y: UnsafePointer<Float>,
  dy: UnsafePointer<Float>, dx: UnsafeMutablePointer<Float>, _ count: Int, _ workers: Workers
) {
  let isHardSigmoid = activation.kind == .hardSigmoid
  workers.kernels.activation(
    zoo_train_activation(rawValue: UInt32(max(0, activation.kind.rawValue))), activation.alpha,
    isHardSigmoid ? 1 : activation.beta, count, x, y, dy, dx)
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
