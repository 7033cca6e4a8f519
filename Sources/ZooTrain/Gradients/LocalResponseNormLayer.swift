// Gradient of local response normalisation.
import Foundation
import Zoo
import ZooCompiler

/// With s[c] = bias + alpha sum over the window of x^2 and y[c] = x[c] s[c]^-beta:
/// dx[c] = dy[c] s[c]^-beta - 2 alpha beta x[c] sum over the d whose window holds c of dy[d] y[d] / s[d].
///
/// - Source: the derivative of formula (3.3) of Krizhevsky, Sutskever, Hinton, NIPS 2012.
final class LocalResponseNormLayer: OperatorLayer {
  let site: LayerSite
  let call: OperatorCall
  private let operation: LocalResponseNorm

  init(_ site: LayerSite, _ operation: LocalResponseNorm) throws(CompileError) {
    self.operation = operation
    self.site = site
    call = try site.call(operation)
  }

  func backward() {
    guard let dy = output.gradient, let (dx, adds) = input(0).contribute() else { return }
    let x = input(0).value
    let y = output.value
    let channels = output.shape.last
    let size = Int(operation.size)
    let down = (size - 1) / 2
    let up = size - 1 - down
    let alpha = operation.alpha
    let beta = operation.beta
    let bias = operation.bias
    workers.forEachPiece(of: output.shape.rowCount, size: elementPiece / channels / 16) {
      rows in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: channels) { sums in
        for row in rows {
          let at = row * channels
          for c in 0..<channels {
            var sum: Float = 0
            for d in max(0, c - down)...min(channels - 1, c + up) { sum += x[at + d] * x[at + d] }
            sums[c] = bias + alpha * sum
          }
          for c in 0..<channels {
            var sum: Float = 0
            // c lies in the window of d if d - down <= c <= d + up.
            for d in max(0, c - up)...min(channels - 1, c + down) {
              sum += dy[at + d] * y[at + d] / sums[d]
            }
            let value =
              dy[at + c] * pow(sums[c], -beta) - 2 * alpha * beta * x[at + c] * sum
            dx[at + c] = adds ? dx[at + c] + value : value
          }
        }
      }
    }
  }
}
