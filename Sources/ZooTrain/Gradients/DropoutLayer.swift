// Dropout and its gradient.
import CZooTrainKernels
import Zoo
import ZooCompiler

/// y = x mask / (1 - rate), the mask drawn from (seed, step, layer) so that it is the same at any thread count.
final class DropoutLayer: Layer {
  let site: LayerSite
  private let rate: Float
  private let mask: Buffer

  init(_ site: LayerSite, _ operation: Dropout) throws(CompileError) {
    rate = operation.rate
    mask = Buffer(count: site.output.count)
    self.site = site
  }

  func forward() {
    let stream = RandomStream(
      seed: RandomStream(seed: context.seed, name: name).state, index: UInt64(context.step))
    let keep = 1 / (1 - rate)
    let threshold = Double(rate)
    let x = input(0).value
    let y = output.value
    let mask = mask.base
    workers.forEachPiece(of: output.count, size: elementPiece) { part in
      var random = RandomStream(seed: stream.state, index: UInt64(part.lowerBound))
      for index in part { mask[index] = random.uniform() < threshold ? 0 : keep }
      workers.kernels.multiply(
        part.count, x + part.lowerBound, mask + part.lowerBound, 0, y + part.lowerBound)
    }
  }

  func backward() {
    guard let dy = output.gradient, let (dx, adds) = input(0).contribute() else { return }
    let mask = mask.base
    workers.forEachPiece(of: output.count, size: elementPiece) { part in
      let at = part.lowerBound
      workers.kernels.multiply(part.count, dy + at, mask + at, adds ? 1 : 0, dx + at)
    }
  }
}
