// A convolution of bytes by Winograd's transforms, with the same bits as without them.
#if arch(x86_64)
import CZoo
package import CZooKernels

extension IntegerConv2D {
  /// Runs the node by Winograd's transforms, if that is faster and the session has memory for it.
  func runsByTransforms(_ node: Node) -> Bool {
    guard !Element.isWide, node.runtime.scratch != nil else { return false }
    var narrow = IntegerConv2D<Int8>()
    (narrow.window, narrow.groups, narrow.bounds) = (window, groups, bounds)
    narrow.addendMultiplier = addendMultiplier
    let (x, y) = (node.inputs[0], node.output)
    guard let shape = narrow.transformed(x: x.extent, y: y.extent, node.runtime.kernels) else {
      return false
    }
    return IntegerWinogradWork(narrow, node, shape).run()
  }
}

extension IntegerConv2D<Int8> {
  /// The tiles that the operator works on if it runs by Winograd's transforms. Where there are dot products of bytes, these are faster.
  package func transformed(x: Shape, y: Shape, _ kernels: zoo_kernels) -> Winograd? {
    guard kernels.i8_winograd != nil, kernels.isa < UInt32(ZOO_KERNELS_AVX512VNNI) else {
      return nil
    }
    return Winograd(self, x: x, y: y)
  }

  /// Bytes of scratch memory of which a thread can make use for `node`.
  static func scratchByteCount(
    _ node: NodeRecord, _ model: ModelReader, _ kernels: zoo_kernels
  ) -> Int {
    let first = node.firstOperand
    guard node.code == code, let x = model.operand(first),
      let y = model.operand(first + node.inputCount)
    else { return 0 }
    var operation = IntegerConv2D<Int8>()
    var reader = AttributeReader(node.attributes, byteCount: node.attributesByteCount)
    operation.archive(&reader)
    return operation.transformed(
      x: model.tensor(x, arena: nil).extent, y: model.tensor(y, arena: nil).extent, kernels
    )?.byteCount ?? 0
  }
}

/// A convolution of bytes of 3 x 3 taps, 4 x 4 outputs at a time (`i8_winograd`).
struct IntegerWinogradWork: TransformedConvolution {
  let shape: Winograd
  let source: ImageSource<Int8>
  let padding: Int8
  let weights: UnsafePointer<Int8>
  let bias: UnsafePointer<Int32>
  let multipliers: UnsafePointer<Float>
  let addend: IntegerAddend<Int8>?
  let output: UnsafeMutablePointer<Int8>
  let outputStride: Int
  let requantization: Requantization
  let runtime: Runtime

  init(_ operation: IntegerConv2D<Int8>, _ node: Node, _ shape: Winograd) {
    let inputs = node.inputs
    let (x, y) = (inputs[0], node.output)
    self.shape = shape
    source = ImageSource(
      base: UnsafePointer(x.bytes), image: x, channels: x.channels, outputHeight: y.height,
      outputWidth: y.width, vertical: operation.window.vertical(x.height),
      horizontal: operation.window.horizontal(x.width))
    padding = Int8(truncatingIfNeeded: x.zeroPoint)
    weights = UnsafePointer(inputs[1].bytes)
    bias = UnsafePointer(inputs[2].words)
    multipliers = UnsafePointer(inputs[3].floats)
    addend = node.integerAddend(4, offset: 0, multiplier: operation.addendMultiplier)
    output = y.bytes
    outputStride = y.rowStride
    requantization = operation.bounds.requantization(for: y)
    runtime = node.runtime
  }

  /// False if there is too little memory; nothing is done then.
  func run() -> Bool {
    guard let scratch = runtime.scratch, scratch.shareByteCount >= shape.byteCount else {
      return false
    }
    start { TransformedWork<IntegerWinogradWork>.body($0).run($1) }
    return true
  }

  func block(_ tiles: Range<Int>, _ memory: UnsafeMutableRawPointer) -> IntegerWinogradBlock {
    IntegerWinogradBlock(work: self, tiles: tiles, memory: memory)
  }
}

/// One thread's block of tiles: [36][tiles][32] of sums, [tiles][4 x 4][32] of those of the channels before, [36][tiles][channels] of
/// inputs and [36][panels][depth / 2][16][2] of weights.
struct IntegerWinogradBlock: TransformedBlock {
  private let work: IntegerWinogradWork
  private let tiles: Range<Int>
  private var params = zoo_i8_winograd_params()

  private static let partialStride = Winograd.tile * Winograd.tile * Winograd.columnBlock

  init(work: IntegerWinogradWork, tiles: Range<Int>, memory: UnsafeMutableRawPointer) {
    self.work = work
    self.tiles = tiles
    let shape = work.shape
    let depth = min(shape.channels, Winograd.integerDepthBlock)
    params.channels = shape.channels
    params.sum_stride = tiles.count * Winograd.columnBlock + Winograd.gap
    params.input_stride = tiles.count * shape.channels + Winograd.gap
    params.weight_stride = depth * Winograd.columnBlock + Winograd.gap
    let sums = memory.assumingMemoryBound(to: Int32.self)
    params.sums = sums
    params.partial = sums + Winograd.numbers * params.sum_stride
    let inputs = UnsafeMutableRawPointer(
      params.partial + tiles.count * IntegerWinogradBlock.partialStride
    ).assumingMemoryBound(to: Int16.self)
    params.inputs = inputs
    params.weights = inputs + Winograd.numbers * params.input_stride
  }

  private func call(_ count: Int, _ params: inout zoo_i8_winograd_params) {
    work.runtime.kernels.i8_winograd?(count, &params)
  }

  func transformInputs() {
    let source = work.source
    var params = params
    params.step = ZOO_I8_WINOGRAD_INPUT
    params.pixel_stride = source.pixelStride
    params.row_stride = source.width * source.pixelStride
    params.padding = Int32(work.padding)
    for index in tiles {
      let (pixel, rows, columns) = work.shape.extent(index, of: source)
      params.x = source.base + pixel
      (params.first_row, params.end_row) = (rows.lowerBound, rows.upperBound)
      (params.first_column, params.end_column) = (columns.lowerBound, columns.upperBound)
      call(work.shape.channels, &params)
      params.inputs += work.shape.channels
    }
  }

  func makeOutputs(_ column: Int, _ count: Int) {
    let channels = work.shape.channels
    var depth = 0
    while depth < channels {
      let end = min(channels, depth + Winograd.integerDepthBlock)
      transformWeights(column, count, depth..<end)
      multiply(count, depth..<end)
      transformOutputs(column, count, depth..<end)
      depth = end
    }
  }

  /// Those of `count` columns from `column` on, for the channels `depth`.
  private func transformWeights(_ column: Int, _ count: Int, _ depth: Range<Int>) {
    let panel = MatrixProduct.panel
    let channels = work.shape.channels
    var params = params
    params.step = ZOO_I8_WINOGRAD_WEIGHTS
    params.tap_stride = channels * panel
    for first in stride(from: 0, to: count, by: panel) {
      params.w = work.weights + (column + first) * 9 * channels + depth.lowerBound * panel
      call(depth.count, &params)
      params.weights += depth.count * panel
    }
  }

  private func multiply(_ count: Int, _ depth: Range<Int>) {
    var params = params
    params.step = ZOO_I8_WINOGRAD_PRODUCT
    params.inputs += depth.lowerBound
    params.depth = depth.count
    params.columns = count
    call(tiles.count, &params)
  }

  private func transformOutputs(_ column: Int, _ count: Int, _ depth: Range<Int>) {
    let shape = work.shape
    var params = params
    params.step = ZOO_I8_WINOGRAD_OUTPUT
    params.is_first = depth.lowerBound == 0
    params.is_last = depth.upperBound == shape.channels
    params.bias = work.bias + column
    params.multipliers = work.multipliers + column
    params.y_pixel_stride = work.outputStride
    params.y_row_stride = shape.width * work.outputStride
    if let addend = work.addend {
      params.addend_pixel_stride = addend.stride
      params.addend_row_stride = shape.width * addend.stride
      params.addend_zero_point = addend.zeroPoint
      params.addend_multiplier = addend.multiplier
    }
    params.zero_point = work.requantization.zeroPoint
    params.lower = work.requantization.lower
    params.upper = work.requantization.upper
    for index in tiles {
      let (image, row, first) = shape.position(index)
      let pixel = (image * shape.height + row) * shape.width + first
      params.y = work.output + pixel * work.outputStride + column
      params.addend = work.addend.map { $0.base + pixel * $0.stride + column }
      params.end_row = min(Winograd.tile, shape.height - row)
      params.end_column = min(Winograd.tile, shape.width - first)
      call(count, &params)
      params.sums += Winograd.columnBlock
      params.partial += IntegerWinogradBlock.partialStride
    }
  }
}
#endif
