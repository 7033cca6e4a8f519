// The forward pass of a convolution of 3 x 3 taps with few channels.
import CZoo
import Zoo

/// As the operator would do it by `Winograd`, with less waiting for memory: see `TransformedTiles`.
final class TransformedForward {
  private let tiles: TransformedTiles
  private let output: TransformedTiles.Output

  /// Nil where the operator is to run itself.
  init?(_ operation: Conv2D, _ site: LayerSite, x: Variable, _ packed: PackedWeights) {
    guard site.inputs.count <= 3,
      let shape = operation.transformed(
        x: x.shape, weights: packed.type, y: site.output.shape,
        site.context.workers.runtime.pointee.kernels),
      let tiles = TransformedTiles(
        shape, operation.window, x: x.value, image: x.shape, packed)
    else { return nil }
    self.tiles = tiles
    let bias = site.inputs.count > 2 ? site.inputs[2] : nil
    let isClamp = operation.activation.kind == .clamp
    output = TransformedTiles.Output(
      base: site.output.value, bias: bias.map { UnsafePointer($0.value) },
      lower: isClamp ? operation.activation.alpha : -.infinity,
      upper: isClamp ? operation.activation.beta : .infinity)
  }

  func run(_ workers: Workers) {
    tiles.transformWeights(workers)
    let (xStride, yStride) = (
      TransformedTiles.stride(tiles.shape.channels), TransformedTiles.stride(tiles.shape.columns)
    )
    workers.forEach(tiles.pieces) { piece in
      withUnsafeTemporaryAllocation(
        of: Float.self, capacity: Winograd.numbers * (xStride + yStride)
      ) { memory in
        guard let memory = memory.baseAddress else { return }
        let spectra = TransformedTiles.Spectra(
          x: memory, xStride: xStride, y: memory + Winograd.numbers * xStride, yStride: yStride)
        tiles.forEachBlock(of: piece) { part in
          tiles.transformInputs(part, spectra, workers)
          tiles.multiply(part, spectra, output, workers)
          tiles.transformOutputs(part, spectra, to: output, workers)
        }
      }
    }
  }
}
