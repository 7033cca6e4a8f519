// dL/dW of a convolution of 3 x 3 taps, by Winograd's transforms.
import CZoo
import CZooKernels
import CZooTrainKernels
import Zoo

/// Sums of outer products of the spectra of inputs and of output gradients: 36 for a tile of 4 x 4 outputs, where taps and pixels one by
/// one are 144.
///
/// A piece of work has a block of weights of its own and goes over tiles, all of them or a fixed part.
/// - Source: Lavin and Gray, arXiv:1509.09308, section 4; the formula is in `zoo_train_kernels.h`.
struct TransformedWeightGradient: ConvolutionWeightGradient {
  private let shape: Winograd
  private let source: ImageSource<Float>
  private let blocksAcross: Int
  private let blockCount: Int
  private let sums: Buffer
  /// Into how many parts the tiles are cut; each has sums of its own.
  private let parts: Int

  /// Inputs, and outputs, of a block of weights: spectra and sums stay in L2.
  private static let block = 32
  private static let leastPieces = 16

  /// Nil where `Winograd` is not faster, or the CPU has no kernels for it.
  init?(_ operation: Conv2D, x: Variable, output: Variable, _ context: TrainingContext) {
    var plain = operation
    plain.activation = .none
    guard
      let shape = plain.transformed(
        x: x.shape, weights: context.precision.weights, y: output.shape,
        context.workers.runtime.pointee.kernels)
    else { return nil }
    self.shape = shape
    source = ImageSource(
      base: UnsafePointer(x.value), image: zoo_tensor(ZOO_F32, x.shape), channels: x.shape[3],
      outputHeight: output.shape[1], outputWidth: output.shape[2],
      vertical: operation.window.vertical(x.shape[1]),
      horizontal: operation.window.horizontal(x.shape[2]))
    let size = TransformedWeightGradient.block
    blocksAcross = (shape.columns + size - 1) / size
    blockCount = (shape.channels + size - 1) / size * blocksAcross
    parts = min(
      max(1, TransformedWeightGradient.leastPieces / blockCount),
      (shape.tileCount + Winograd.mostTiles - 1) / Winograd.mostTiles)
    sums = Buffer(count: parts * blockCount * Winograd.numbers * size * size)
  }

  /// Of weights [first, first + count) along each axis.
  private struct Block {
    let row: Int
    let rows: Int
    let column: Int
    let columns: Int
    let sums: UnsafeMutablePointer<Float>

    var count: Int { rows * columns }
  }

  private func block(_ index: Int, part: Int) -> Block {
    let size = TransformedWeightGradient.block
    let row = index / blocksAcross * size
    let column = index % blocksAcross * size
    return Block(
      row: row, rows: min(size, shape.channels - row), column: column,
      columns: min(size, shape.columns - column),
      sums: sums.base + (index * parts + part) * Winograd.numbers * size * size)
  }

  func run(
    _ dz: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, adds: Bool,
    _ workers: Workers
  ) {
    workers.forEach(blockCount * parts) { index in
      let part = index % parts
      let block = block(index / parts, part: part)
      block.sums.update(repeating: 0, count: Winograd.numbers * block.count)
      add(
        dz, shape.tileCount * part / parts..<shape.tileCount * (part + 1) / parts, to: block,
        workers)
    }
    workers.forEach(blockCount) { index in
      let block = block(index, part: 0)
      for part in 1..<max(1, parts) {
        workers.kernels.add(
          Winograd.numbers * block.count, 1, self.block(index, part: part).sums, 1, block.sums)
      }
      var tile = zoo_train_tile()
      tile.pixel_stride = shape.channels * shape.columns
      tile.row_stride = 3 * tile.pixel_stride
      tile.adds = adds ? 1 : 0
      tile.spectrum_stride = block.count
      for row in 0..<block.rows {
        tile.pixels = target + (block.row + row) * shape.columns + block.column
        tile.spectrum = block.sums + row * block.columns
        workers.kernels.weight_tile(block.columns, &tile)
      }
    }
  }

  /// Adds the products of `tiles` to the sums of `block`.
  private func add(
    _ dz: UnsafePointer<Float>, _ tiles: Range<Int>, to block: Block, _ workers: Workers
  ) {
    let most = min(Winograd.mostTiles, tiles.count)
    let xStride = most * block.rows + Winograd.gap
    let yStride = most * block.columns + Winograd.gap
    withUnsafeTemporaryAllocation(
      of: Float.self, capacity: Winograd.numbers * (xStride + yStride)
    ) { memory in
      guard let x = memory.baseAddress else { return }
      let y = x + Winograd.numbers * xStride
      var first = tiles.lowerBound
      while first < tiles.upperBound {
        let count = min(most, tiles.upperBound - first)
        for index in 0..<count {
          transform(first + index, block, x + index * block.rows, xStride, workers)
          transform(dz, first + index, block, y + index * block.columns, yStride, workers)
        }
        var walk = zoo_train_walk()
        walk.rows = 1
        walk.count = count
        walk.a_pixel = block.rows
        walk.b_pixel = block.columns
        for number in 0..<Winograd.numbers {
          walk.a = UnsafePointer(x + number * xStride)
          walk.b = UnsafePointer(y + number * yStride)
          workers.kernels.outer(
            block.rows, block.columns, &walk, block.sums + number * block.count, block.columns)
        }
        first += count
      }
    }
  }

  /// The inputs of a tile.
  private func transform(
    _ tile: Int, _ block: Block, _ spectrum: UnsafeMutablePointer<Float>, _ stride: Int,
    _ workers: Workers
  ) {
    var params = shape.inputs(tile, of: source)
    params.x += block.row * MemoryLayout<Float>.stride
    params.spectrum = spectrum
    params.spectrum_stride = stride
    workers.runtime.pointee.kernels.f32_winograd?(block.rows, &params)
  }

  /// The gradient of its outputs.
  private func transform(
    _ dz: UnsafePointer<Float>, _ index: Int, _ block: Block,
    _ spectrum: UnsafeMutablePointer<Float>, _ stride: Int, _ workers: Workers
  ) {
    let (image, row, column) = shape.position(index)
    let pixel = (image * shape.height + row) * shape.width + column
    var tile = zoo_train_tile()
    tile.pixels = UnsafeMutablePointer(mutating: dz + pixel * shape.columns + block.column)
    tile.pixel_stride = shape.columns
    tile.row_stride = shape.width * shape.columns
    tile.rows = min(Winograd.tile, shape.height - row)
    tile.columns = min(Winograd.tile, shape.width - column)
    tile.spectrum = spectrum
    tile.spectrum_stride = stride
    workers.kernels.output_spectrum(block.columns, &tile)
  }
}
