// A convolution of floats by Winograd's transforms: what a piece does.
#if arch(x86_64)
import CZoo
import CZooKernels

/// A convolution by Winograd's transforms.
struct WinogradWork: TransformedConvolution {
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
  /// Whether the image is one of bf16 (`RoundedTensors`), whatever its pointers say; and whether addend and output are.
  var isRoundedImage = false
  var roundsOutput = false

  /// False if this runtime has no kernels or too little memory for it; nothing is done then.
  func start() -> Bool {
    guard runtime.kernels.f32_winograd != nil, runtime.kernels.f32_igemm.run != nil,
      let scratch = runtime.scratch, !scratch.isForExactOnly,
      scratch.shareByteCount >= shape.byteCount
    else { return false }
    start { TransformedWork<WinogradWork>.body($0).run($1) }
    return true
  }

  func block(_ tiles: Range<Int>, _ memory: UnsafeMutableRawPointer) -> WinogradBlock {
    WinogradBlock(
      work: self, tiles: tiles, memory: memory.assumingMemoryBound(to: Float.self))
  }
}

/// One thread's block of tiles: [36][tiles][64] of inputs for each 64 channels, so that those which are multiplied together follow each other,
/// [36][panels][depth][16] of weights, [36][tiles][32] of sums.
struct WinogradBlock: TransformedBlock {
  private let work: WinogradWork
  private let tiles: Range<Int>
  private let inputs: UnsafeMutablePointer<Float>
  private let inputStride: Int
  private let weights: UnsafeMutablePointer<Float>
  private let weightStride: Int
  private let sums: UnsafeMutablePointer<Float>
  private let sumStride: Int

  init(work: WinogradWork, tiles: Range<Int>, memory: UnsafeMutablePointer<Float>) {
    self.work = work
    self.tiles = tiles
    let channels = work.shape.channels
    inputStride = tiles.count * min(channels, Winograd.depthBlock) + Winograd.gap
    weightStride = min(channels, Winograd.depthBlock) * Winograd.columnBlock + Winograd.gap
    sumStride = tiles.count * Winograd.columnBlock + Winograd.gap
    inputs = memory
    weights = inputs + work.shape.depthBlocks * Winograd.numbers * inputStride
    sums = weights + Winograd.numbers * weightStride
  }

  func transformInputs() {
    let kernels = work.runtime.kernels
    let kernel = work.isRoundedImage ? kernels.bf16_winograd : kernels.f32_winograd
    let rounded = work.source.over(
      UnsafeRawPointer(work.source.base).assumingMemoryBound(to: UInt16.self))
    for index in tiles {
      var params =
        work.isRoundedImage
        ? work.shape.inputs(index, of: rounded) : work.shape.inputs(index, of: work.source)
      params.spectrum_stride = inputStride
      var depth = 0
      while depth < work.shape.channels {
        let count = min(work.shape.channels - depth, Winograd.depthBlock)
        params.spectrum = inputs(of: depth) + (index - tiles.lowerBound) * count
        kernel?(count, &params)
        params.x += count * (work.isRoundedImage ? 2 : 4)
        depth += count
      }
    }
  }

  /// Those of the block of channels that begins with `depth`.
  private func inputs(of depth: Int) -> UnsafeMutablePointer<Float> {
    inputs + depth / Winograd.depthBlock * Winograd.numbers * inputStride
  }

  func makeOutputs(_ column: Int, _ count: Int) {
    var depth = 0
    while depth < work.shape.channels {
      let end = min(work.shape.channels, depth + Winograd.depthBlock)
      transformWeights(column, count, depth..<end)
      multiply(count, depth..<end)
      depth = end
    }
    transformOutputs(column, count)
  }

  /// Those of `count` columns from `column` on, for the channels `depth`.
  private func transformWeights(_ column: Int, _ count: Int, _ depth: Range<Int>) {
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
  private func multiply(_ count: Int, _ depth: Range<Int>) {
    guard let kernel = work.runtime.kernels.f32_igemm.run else { return }
    let inputs = inputs(of: depth.lowerBound)
    var table = InlineArray<48, UnsafePointer<Float>?>(repeating: nil)  // Winograd.mostTiles
    var span = table.mutableSpan
    span.withUnsafeMutableBufferPointer { pointers in
      guard let first = pointers.baseAddress else { return }
      var params = zoo_f32_igemm_params()
      params.kc = depth.count
      params.tap_count = 1
      params.a = UnsafePointer(first)
      params.a_tap_stride = tiles.count
      params.c_stride = Winograd.columnBlock
      params.addend_stride = Winograd.columnBlock
      params.lower = -Float.infinity
      params.upper = Float.infinity
      for number in 0..<Winograd.numbers {
        params.w = UnsafeRawPointer(weights + number * weightStride)
        let line = inputs + number * inputStride
        let sum = sums + number * sumStride
        for i in 0..<tiles.count { first[i] = UnsafePointer(line + i * depth.count) }
        params.c = sum
        params.addend = depth.lowerBound == 0 ? nil : UnsafePointer(sum)
        kernel(tiles.count, count, &params)
      }
    }
  }

  private func transformOutputs(_ column: Int, _ count: Int) {
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
    let kernels = work.runtime.kernels
    let kernel = work.roundsOutput ? kernels.bf16_winograd : kernels.f32_winograd
    let width = (work.roundsOutput ? ZOO_BF16 : ZOO_F32).byteWidth
    for index in tiles {
      let (image, row, first) = shape.position(index)
      let pixel = (image * shape.height + row) * shape.width + first
      params.y = UnsafeMutableRawPointer(work.output) + (pixel * work.outputStride + column) * width
      params.addend = work.addend.map {
        UnsafeRawPointer($0) + (pixel * work.addendStride + column) * width
      }
      params.end_row = min(Winograd.tile, shape.height - row)
      params.end_column = min(Winograd.tile, shape.width - first)
      params.spectrum = sums + (index - tiles.lowerBound) * Winograd.columnBlock
      kernel?(count, &params)
    }
  }
}
#endif
