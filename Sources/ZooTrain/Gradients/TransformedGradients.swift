// Both gradients of a convolution of 3 x 3 taps with few channels, from one transform of dL/dZ.
import CZoo
import CZooKernels
import CZooTrainKernels
import Zoo

/// dL/dX is a convolution of dL/dZ with flipped weights, dL/dW the sums of products of X with shifted dL/dZ. Over tiles of 4 x 4 pixels of X
/// both read the same 6 x 6 pixels of dL/dZ, so that one spectrum of these serves both:
///
///     dX tile = A^T [(G w G^T) * (B^T dz B)] A,  dW = sum over tiles of G^T [(A x A^T) * (B^T dz B)] G, flipped
///
/// A piece of work is a fixed part of the images, with a dL/dW of its own.
/// - Source: Lavin and Gray, arXiv:1509.09308, sections 4 and 5; the formulas are in `zoo_float_kernels.h` and `zoo_train_kernels.h`.
final class TransformedGradients {
  /// The convolution that gives dL/dX: its channels are the outputs of the layer, its columns the layer's inputs.
  private let tiles: TransformedTiles
  private let x: UnsafePointer<Float>
  private let output: Variable
  private let packed: PackedWeights
  /// [pieces][9][columns][channels] of dL/dW
  private let partial: Buffer

  private var shape: Winograd { tiles.shape }
  /// Weights of the layer.
  private var count: Int { 9 * shape.channels * shape.columns }

  /// Nil where `Winograd` is not faster, the CPU has no kernels for it, or channels are too many.
  init?(_ operation: Conv2D, _ site: LayerSite, x: Variable) {
    guard x.gradient != nil, site.inputs[1]?.gradient != nil, let dz = site.output.gradient,
      let shape = operation.transformedForInput(site, x)
    else { return nil }
    packed = PackedWeights(count: 9 * shape.channels * shape.columns, site.context)
    guard
      let tiles = TransformedTiles(
        shape, operation.flippedForInput.window, x: dz, image: site.output.shape, packed)
    else { return nil }
    self.tiles = tiles
    self.x = UnsafePointer(x.value)
    output = site.output
    partial = Buffer(count: tiles.pieces * 9 * shape.channels * shape.columns)
  }

  /// Writes, or adds, both gradients.
  func run(
    weights: UnsafePointer<Float>,
    toWeights: (target: UnsafeMutablePointer<Float>, adds: Bool),
    toInput: (target: UnsafeMutablePointer<Float>, adds: Bool), _ workers: Workers
  ) {
    packed.packTransposed(
      weights, taps: (0..<9).reversed(), inputs: shape.columns, outputs: shape.channels)
    tiles.transformWeights(workers)
    let dx = TransformedTiles.Output(base: toInput.target, adds: toInput.adds)
    workers.forEach(tiles.pieces) { run($0, dx, workers) }
    workers.forEachPiece(of: count, size: 1 << 10) { part in
      for piece in 0..<tiles.pieces {
        workers.kernels.add(
          part.count, 1, partial.base + piece * count + part.lowerBound,
          piece > 0 || toWeights.adds ? 1 : 0, toWeights.target + part.lowerBound)
      }
    }
    output.lateGradient = nil
  }

  private func run(_ piece: Int, _ dx: TransformedTiles.Output, _ workers: Workers) {
    let (zStride, xStride) = (
      TransformedTiles.stride(shape.channels), TransformedTiles.stride(shape.columns)
    )
    let weightCount = shape.channels * shape.columns
    let numbers = Winograd.numbers
    withUnsafeTemporaryAllocation(
      of: Float.self, capacity: numbers * (weightCount + zStride + 2 * xStride)
    ) { memory in
      guard let sums = memory.baseAddress else { return }
      let spectra = TransformedTiles.Spectra(
        x: sums + numbers * weightCount, xStride: zStride,
        y: sums + numbers * (weightCount + zStride), yStride: xStride)
      let inputs = spectra.y + numbers * xStride
      sums.update(repeating: 0, count: numbers * weightCount)
      tiles.forEachBlock(of: piece) { part in
        completeGradient(part)
        tiles.transformInputs(part, spectra, workers)
        transform(part, to: inputs, xStride, workers)
        var walk = zoo_train_walk()
        walk.rows = 1
        walk.count = part.count
        walk.a_pixel = shape.columns
        walk.b_pixel = shape.channels
        tiles.multiply(part, spectra, dx, workers) { number in
          walk.a = UnsafePointer(inputs + number * xStride)
          walk.b = UnsafePointer(spectra.x + number * zStride)
          workers.kernels.outer(
            shape.columns, shape.channels, &walk, sums + number * weightCount, shape.channels)
        }
        tiles.transformOutputs(part, spectra, to: dx, workers)
      }
      var tile = zoo_train_tile()
      tile.row_stride = -3 * weightCount
      tile.pixel_stride = -weightCount
      tile.pixels = partial.base + piece * count + 8 * weightCount
      tile.spectrum = sums
      tile.spectrum_stride = weightCount
      workers.kernels.weight_tile(weightCount, &tile)
    }
  }

  /// Sees to it that dL/dZ is there for the images that begin in a block.
  private func completeGradient(_ part: Range<Int>) {
    guard let complete = output.lateGradient else { return }
    let perImage = shape.tileCount / shape.images
    let rows = output.shape.rowCount / shape.images
    let images = ceilDivide(part.lowerBound, perImage)..<ceilDivide(part.upperBound, perImage)
    for image in images { complete(image * rows..<(image + 1) * rows) }
  }

  /// The spectra of X: A x A^T.
  private func transform(
    _ part: Range<Int>, to spectrum: UnsafeMutablePointer<Float>, _ stride: Int,
    _ workers: Workers
  ) {
    var tile = zoo_train_tile()
    tile.pixel_stride = shape.columns
    tile.row_stride = shape.width * shape.columns
    tile.spectrum_stride = stride
    for index in part {
      let (image, row, column) = shape.position(index)
      tile.pixels = UnsafeMutablePointer(
        mutating: x + tiles.pixel(image, row, column) * shape.columns)
      tile.rows = min(Winograd.tile, shape.height - row)
      tile.columns = min(Winograd.tile, shape.width - column)
      tile.spectrum = spectrum + (index - part.lowerBound) * shape.columns
      workers.kernels.output_spectrum(shape.columns, &tile)
    }
  }
}
