// Convolutions of 3 x 3 taps in 36 products instead of 144: Winograd's F(4x4, 3x3).
package import CZoo
package import CZooKernels

/// The tiles of a convolution of floats, with weights of f32 or bf16, that is worth transforming, and the memory that one thread needs for it.
///
/// Outputs are made 4 x 4 at a time (the transforms are `f32_winograd` of `zoo_kernels.h`). A block of tiles is transformed once; then,
/// for two panels of columns at a time, so are the weights, a block of depth after the other, and 36 small products are added up. So nothing
/// of the size of the transformed weights, four times the weights, ever exists.
/// - Error: the transforms lose about four bits; relative to the sum of the products' magnitudes, 60 (c + 8) 2^-24 at most in practice.
/// - Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308.
package struct Winograd {
  package let images: Int
  package let height: Int
  package let width: Int
  package let channels: Int
  package let columns: Int

  /// Outputs of a tile on each axis.
  package static let tile = 4
  package static let numbers = 36
  package static let mostTiles = 48
  fileprivate static let depthBlock = 64
  fileprivate static let columnBlock = 32
  /// Between the numbers of a tile, so that they do not all fall on the same lines of the cache.
  package static let gap = 16

  /// Nil unless `operation` is of a kind that this is for, and faster so.
  ///
  /// Compared are multiplications, with each transform counted as what it was measured to take.
  package init?(
    _ operation: Conv2D, x: Shape, weights: zoo_type, y: Shape
  ) {
    let w = operation.window
    guard w.kernelHeight == 3, w.kernelWidth == 3, w.strideHeight == 1, w.strideWidth == 1,
      w.dilationHeight == 1, w.dilationWidth == 1, operation.groups == 1,
      weights == ZOO_F32 || weights == ZOO_BF16 && x[3] % 2 == 0,
      !operation.activation.needsPass, y.rank == 4, y[3] % MatrixProduct.panel == 0
    else { return nil }
    images = y[0]
    height = y[1]
    width = y[2]
    channels = x[3]
    columns = y[3]
    let tiles = Float(tileCount)
    let (c, k) = (Float(channels), Float(columns))
    let blocks = Float((tileCount + Winograd.mostTiles - 1) / Winograd.mostTiles)
    let direct = 9 * Float(images) * Float(height) * Float(width) * c * k
    let transforms = 150 * (c * k * blocks + tiles * c + tiles * k)
    guard channels >= 16, direct >= 1e6, 36 * tiles * c * k + transforms < 0.7 * direct else {
      return nil
    }
  }

  private var tileRows: Int { (height + Winograd.tile - 1) / Winograd.tile }
  private var tileColumns: Int { (width + Winograd.tile - 1) / Winograd.tile }
  package var tileCount: Int { images * tileRows * tileColumns }

  /// Image, first row and first column of the output of tile `index`.
  package func position(_ index: Int) -> (image: Int, row: Int, column: Int) {
    let line = index / tileColumns
    return (
      line / tileRows, line % tileRows * Winograd.tile, index % tileColumns * Winograd.tile
    )
  }

  /// What a transform of the inputs of tile `index` reads.
  package func inputs(_ index: Int, of source: ImageSource<Float>) -> zoo_f32_winograd_params {
    let (image, row, column) = position(index)
    let (top, left) = (source.vertical.origin(row), source.horizontal.origin(column))
    let pixel = (image * source.height + top) * source.width + left
    var params = zoo_f32_winograd_params()
    params.kind = ZOO_WINOGRAD_INPUT
    params.x = UnsafeRawPointer(source.base + pixel * source.pixelStride)
    params.pixel_stride = source.pixelStride
    params.row_stride = source.width * source.pixelStride
    params.first_row = max(0, -top)
    params.end_row = max(params.first_row, min(6, source.height - top))
    params.first_column = max(0, -left)
    params.end_column = max(params.first_column, min(6, source.width - left))
    return params
  }

  /// Bytes with which one thread can work on `tiles` tiles at a time.
  private func byteCount(_ tiles: Int) -> Int {
    let transformed = tiles * channels + Winograd.gap
    let weights = min(channels, Winograd.depthBlock) * Winograd.columnBlock + Winograd.gap
    let sums = tiles * Winograd.columnBlock + Winograd.gap
    return Winograd.numbers * 4 * (transformed + weights + sums)
  }

  /// Bytes of scratch memory that one thread can make use of, whole lines of the cache.
  package var byteCount: Int { (byteCount(min(Winograd.mostTiles, tileCount)) + 63) / 64 * 64 }
}

#if arch(x86_64)
/// A convolution by Winograd's transforms, its tiles or columns shared among threads.
struct WinogradWork: ParallelWork {
  let shape: Winograd
  let source: ImageSource<Float>
  let weights: MatrixWeights
  let bias: UnsafePointer<Float>?
  let addend: UnsafePointer<Float>?
  let addendStride: Int
  let output: UnsafeMutablePointer<Float>
  let outputStride: Int
  let activation: Activation
  let runtime: Runtime

  /// False if this runtime has no kernels or too little memory for it; nothing is done then.
  func start() -> Bool {
    guard runtime.kernels.f32_winograd != nil, runtime.kernels.f32_igemm.run != nil,
      let scratch = runtime.scratch, !scratch.isForExactOnly,
      scratch.shareByteCount >= shape.byteCount
    else { return false }
    forEach(runtime.threadCount, runtime) { WinogradWork.body($0).run($1) }
    return true
  }

  func run(_ index: Int) {
    let pieces = runtime.threadCount
    let pairs = (shape.columns + Winograd.columnBlock - 1) / Winograd.columnBlock
    // Many tiles: each thread transforms its own. Few: each transforms weights of its own, if all threads get some.
    let splitsTiles =
      shape.tileCount >= 2 * Winograd.mostTiles * pieces
      || pairs % pieces != 0 && pairs < 4 * pieces
    let tiles = splitsTiles ? piece(index, of: pieces, shape.tileCount) : 0..<shape.tileCount
    let columns = splitsTiles ? 0..<pairs : piece(index, of: pieces, pairs)
    let blocks = (tiles.count + Winograd.mostTiles - 1) / Winograd.mostTiles
    for block in 0..<blocks where !columns.isEmpty {
      let part = piece(block, of: blocks, tiles.count)
      runBlock(
        index, tiles.lowerBound + part.lowerBound..<tiles.lowerBound + part.upperBound,
        columns.lowerBound
          * Winograd.columnBlock..<min(shape.columns, columns.upperBound * Winograd.columnBlock))
    }
  }

  private func runBlock(_ index: Int, _ tiles: Range<Int>, _ columns: Range<Int>) {
    guard let scratch = runtime.scratch else { return }
    let start = scratch.share(index).assumingMemoryBound(to: Float.self)
    let block = WinogradBlock(work: self, tiles: tiles, memory: start)
    block.transformInputs()
    var column = columns.lowerBound
    while column < columns.upperBound {
      let count = min(Winograd.columnBlock, columns.upperBound - column)
      var depth = 0
      while depth < shape.channels {
        let end = min(shape.channels, depth + Winograd.depthBlock)
        block.transformWeights(column, count, depth..<end)
        block.multiply(count, depth..<end)
        depth = end
      }
      block.transformOutputs(column, count)
      column += count
    }
  }
}

/// One thread's block of tiles: [36][tiles][channels] of inputs, [36][panels][depth][16] of weights, [36][tiles][32] of sums.
private struct WinogradBlock {
  let work: WinogradWork
  let tiles: Range<Int>
  let inputs: UnsafeMutablePointer<Float>
  let inputStride: Int
  let weights: UnsafeMutablePointer<Float>
  let weightStride: Int
  let sums: UnsafeMutablePointer<Float>
  let sumStride: Int

  init(work: WinogradWork, tiles: Range<Int>, memory: UnsafeMutablePointer<Float>) {
    self.work = work
    self.tiles = tiles
    let channels = work.shape.channels
    inputStride = tiles.count * channels + Winograd.gap
    weightStride = min(channels, Winograd.depthBlock) * Winograd.columnBlock + Winograd.gap
    sumStride = tiles.count * Winograd.columnBlock + Winograd.gap
    inputs = memory
    weights = inputs + Winograd.numbers * inputStride
    sums = weights + Winograd.numbers * weightStride
  }

  func transformInputs() {
    for index in tiles {
      var params = work.shape.inputs(index, of: work.source)
      params.spectrum = inputs + (index - tiles.lowerBound) * work.shape.channels
      params.spectrum_stride = inputStride
      work.runtime.kernels.f32_winograd?(work.shape.channels, &params)
    }
  }

  /// Those of `count` columns from `column` on, for the channels `depth`.
  func transformWeights(_ column: Int, _ count: Int, _ depth: Range<Int>) {
    let panel = MatrixProduct.panel
    let channels = work.shape.channels
    var params = zoo_f32_winograd_params()
    let type = work.weights.type
    params.kind = type == ZOO_BF16 ? ZOO_WINOGRAD_BF16_WEIGHTS : ZOO_WINOGRAD_WEIGHTS
    params.row_stride = 3 * channels * panel
    params.pixel_stride = channels * panel
    params.spectrum_stride = weightStride
    var first = 0
    while first < count {
      params.x =
        work.weights.panel(column + first, depth: 9 * channels) + depth.lowerBound * panel
        * type.byteWidth
      params.spectrum = weights + first * depth.count
      work.runtime.kernels.f32_winograd?(depth.count * panel, &params)
      first += panel
    }
  }

  /// Adds the products of the channels `depth` to the sums of `count` columns.
  func multiply(_ count: Int, _ depth: Range<Int>) {
    guard let kernel = work.runtime.kernels.f32_igemm.run else { return }
    let most = min(16, Int(work.runtime.kernels.f32_igemm.mr))
    let channels = work.shape.channels
    var table = InlineArray<16, UnsafePointer<Float>?>(repeating: nil)
    var span = table.mutableSpan
    span.withUnsafeMutableBufferPointer { pointers in
      guard let first = pointers.baseAddress else { return }
      var params = zoo_f32_igemm_params()
      params.kc = depth.count
      params.tap_count = 1
      params.a = UnsafePointer(first)
      params.a_tap_stride = most
      params.c_stride = Winograd.columnBlock
      params.addend_stride = Winograd.columnBlock
      params.lower = -Float.infinity
      params.upper = Float.infinity
      for number in 0..<Winograd.numbers {
        params.w = UnsafeRawPointer(weights + number * weightStride)
        let line = inputs + number * inputStride + depth.lowerBound
        let sum = sums + number * sumStride
        var row = 0
        while row < tiles.count {
          let rows = min(most, tiles.count - row)
          for i in 0..<rows { first[i] = UnsafePointer(line + (row + i) * channels) }
          params.c = sum + row * Winograd.columnBlock
          params.addend = depth.lowerBound == 0 ? nil : UnsafePointer(params.c)
          kernel(rows, count, &params)
          row += rows
        }
      }
    }
  }

  func transformOutputs(_ column: Int, _ count: Int) {
    let shape = work.shape
    var params = zoo_f32_winograd_params()
    params.kind = ZOO_WINOGRAD_OUTPUT
    params.pixel_stride = work.outputStride
    params.row_stride = shape.width * work.outputStride
    params.spectrum_stride = sumStride
    params.bias = work.bias.map { $0 + column }
    params.addend_pixel_stride = work.addendStride
    params.addend_row_stride = shape.width * work.addendStride
    params.lower = work.activation.lower
    params.upper = work.activation.upper
    for index in tiles {
      let (image, row, first) = shape.position(index)
      let pixel = (image * shape.height + row) * shape.width + first
      params.y = work.output + pixel * work.outputStride + column
      params.addend = work.addend.map { $0 + pixel * work.addendStride + column }
      params.end_row = min(Winograd.tile, shape.height - row)
      params.end_column = min(Winograd.tile, shape.width - first)
      params.spectrum = sums + (index - tiles.lowerBound) * Winograd.columnBlock
      work.runtime.kernels.f32_winograd?(count, &params)
    }
  }
}
#endif
