// dL/dW of a convolution or dense layer as a product of bf16.
import CZoo
import CZooKernels
import CZooTrainKernels
import Zoo

/// dL/dW^T = dZ^T X, where a row of X is a window with all its taps: rows of the product are outputs, columns the weights of one of them,
/// and its depth is the pixels of the batch. Both operands are rounded while they are packed.
///
/// A piece of work has a block of weights of its own and goes over pixels, all of them or a fixed part, some at a time: what is packed of
/// them stays in L2 beside the sums.
struct RoundedWeightGradient: ConvolutionWeightGradient {
  private let source: ImageSource<Float>
  private let kernels: zoo_train_bf16_kernels
  private let pixels: Int
  private let outputs: Int
  private let columns: Int
  private let blocksAcross: Int
  private let blockCount: Int
  /// Into how many parts the pixels are cut; each has sums of its own.
  private let parts: Int
  private let partial: Buffer?

  private static let rowBlock = 128
  private static let columnBlock = 512
  /// Pixels at a time: whole tiles of a matrix unit.
  private static let chunk = 256
  private static let leastPieces = 16

  /// Windows of at most as many numbers are read from few pixels: packing them takes longer than their products in f32.
  private static let smallWindow = 32

  /// Nil for several groups, for small windows of several taps, and for f32.
  init?(_ operation: Conv2D, x: Variable, output: Variable, _ context: TrainingContext) {
    let taps = Int(operation.window.kernelHeight * operation.window.kernelWidth)
    guard operation.groups == 1,
      taps == 1 || taps * x.shape[3] > RoundedWeightGradient.smallWindow
    else { return nil }
    self.init(
      ImageSource(
        base: UnsafePointer(x.value), image: zoo_tensor(ZOO_F32, x.shape), channels: x.shape[3],
        outputHeight: output.shape[1], outputWidth: output.shape[2],
        vertical: operation.window.vertical(x.shape[1]),
        horizontal: operation.window.horizontal(x.shape[2])),
      pixels: output.shape.rowCount, outputs: output.shape[3], context)
  }

  /// Of a dense layer.
  init?(
    matrix: UnsafePointer<Float>, rows: Int, depth: Int, columns: Int, _ context: TrainingContext
  ) {
    self.init(
      ImageSource(matrix: matrix, rows: rows, depth: depth, rowStride: depth), pixels: rows,
      outputs: columns, context)
  }

  private init?(
    _ source: ImageSource<Float>, pixels: Int, outputs: Int, _ context: TrainingContext
  ) {
    guard context.precision == .bf16, let kernels = context.workers.bf16Kernels else { return nil }
    self.source = source.byKernelRows
    self.kernels = kernels
    self.pixels = pixels
    self.outputs = outputs
    columns = source.tapCount * source.channels
    blocksAcross = ceilDivide(columns, RoundedWeightGradient.columnBlock)
    blockCount = ceilDivide(outputs, RoundedWeightGradient.rowBlock) * blocksAcross
    parts = min(
      max(1, RoundedWeightGradient.leastPieces / blockCount),
      ceilDivide(pixels, RoundedWeightGradient.chunk))
    partial = parts == 1 ? nil : Buffer(count: parts * outputs * columns)
  }

  /// Outputs [row, row + rows), and `columns` weights of each from `column` on.
  private struct Block {
    let row: Int
    let rows: Int
    let column: Int
    let columns: Int

    var count: Int { rows * columns }
  }

  private func block(_ index: Int) -> Block {
    let row = index / blocksAcross * RoundedWeightGradient.rowBlock
    let column = index % blocksAcross * RoundedWeightGradient.columnBlock
    return Block(
      row: row, rows: min(RoundedWeightGradient.rowBlock, outputs - row), column: column,
      columns: min(RoundedWeightGradient.columnBlock, columns - column))
  }

  /// The sums of a block over a part of the pixels: blocks lie one after the other.
  private func sums(_ block: Block, part: Int) -> UnsafeMutablePointer<Float>? {
    partial.map {
      $0.base + part * outputs * columns + block.row * columns + block.rows * block.column
    }
  }

  func run(
    _ dz: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, adds: Bool,
    _ workers: Workers
  ) {
    workers.forEach(blockCount * parts) { index in
      let part = index % parts
      let block = block(index / parts)
      let chunks = ceilDivide(pixels, RoundedWeightGradient.chunk)
      PackingSpace.with(self, block, workers) { space in
        let sums = sums(block, part: part) ?? space.sums
        multiply(
          dz, chunks * part / parts..<chunks * (part + 1) / parts, block, space, to: sums, workers)
        if parts == 1 { store(sums, of: block, to: target, adds: adds) }
      }
    }
    guard parts > 1 else { return }
    workers.forEach(blockCount) { index in
      let block = block(index)
      guard let sums = sums(block, part: 0) else { return }
      for part in 1..<parts {
        if let other = self.sums(block, part: part) {
          workers.kernels.add(block.count, 1, other, 1, sums)
        }
      }
      store(sums, of: block, to: target, adds: adds)
    }
  }

  /// The product of a block over some chunks of pixels.
  private func multiply(
    _ dz: UnsafePointer<Float>, _ chunks: Range<Int>, _ block: Block, _ space: PackingSpace,
    to sums: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    let size = RoundedWeightGradient.chunk
    let family = workers.runtime.pointee.kernels.bf16_igemm
    let most = family.workspace > 0 ? block.rows : Int(family.mr)
    var params = zoo_f32_igemm_params()
    params.tap_count = 1
    params.a_tap_stride = block.rows
    params.w = UnsafeRawPointer(space.pairs)
    params.addend_stride = block.columns
    params.c_stride = block.columns
    params.lower = -Float.infinity
    params.upper = Float.infinity
    params.workspace = space.workspace
    for chunk in chunks {
      let first = chunk * size
      let count = min(size, pixels - first)
      pack(first..<first + count, of: block, space)
      kernels.transpose(
        count, block.rows, dz + first * outputs + block.row, outputs, space.rows, size)
      params.kc = count
      for row in stride(from: 0, to: block.rows, by: most) {
        params.a = UnsafePointer(space.rowPointers + row)
        params.c = sums + row * block.columns
        params.addend = chunk == chunks.lowerBound ? nil : UnsafePointer(params.c)
        family.run?(min(most, block.rows - row), block.columns, &params)
      }
    }
  }

  /// The columns of a block of the windows of some pixels; those in the padding are zeros.
  private func pack(_ part: Range<Int>, of block: Block, _ space: PackingSpace) {
    source.fill(space.pointers, rows: part, stride: part.count, padding: nil)
    var pairs = zoo_train_pairs()
    pairs.rows = part.count
    pairs.channels = source.channels
    pairs.column = block.column
    pairs.columns = block.columns
    pairs.a = UnsafePointer(space.pointers)
    pairs.a_tap_stride = part.count
    pairs.y = space.pairs
    kernels.pairs(&pairs)
  }

  /// Transposes the sums of a block, tile by tile.
  private func store(
    _ sums: UnsafePointer<Float>, of block: Block, to target: UnsafeMutablePointer<Float>,
    adds: Bool
  ) {
    let tile = 16
    for column in stride(from: 0, to: block.columns, by: tile) {
      for row in stride(from: 0, to: block.rows, by: tile) {
        for c in column..<min(block.columns, column + tile) {
          let to = target + (block.column + c) * outputs + block.row
          for r in row..<min(block.rows, row + tile) {
            let sum = sums[r * block.columns + c]
            to[r] = adds ? to[r] + sum : sum
          }
        }
      }
    }
  }

  /// Memory of one piece of work.
  private struct PackingSpace {
    /// Pixels of the windows, [taps][chunk].
    let pointers: UnsafeMutablePointer<UnsafePointer<Float>?>
    /// The left operand: [rows][chunk], and a pointer to each row.
    let rows: UnsafeMutablePointer<UInt16>
    let rowPointers: UnsafeMutablePointer<UnsafePointer<Float>?>
    /// The right operand, as `zoo_train_pairs` packs it.
    let pairs: UnsafeMutablePointer<UInt16>
    let sums: UnsafeMutablePointer<Float>
    let workspace: UnsafeMutableRawPointer?

    static func with(
      _ gradient: RoundedWeightGradient, _ block: Block, _ workers: Workers,
      _ body: (PackingSpace) -> Void
    ) {
      let chunk = RoundedWeightGradient.chunk
      let workspace = Int(workers.runtime.pointee.kernels.bf16_igemm.workspace)
      var byteCount = 0
      func place(_ bytes: Int) -> Int {
        defer { byteCount += (bytes + 63) / 64 * 64 }
        return byteCount
      }
      let pointers = place(gradient.source.tapCount * chunk * MemoryLayout<Int>.stride)
      let rowPointers = place(block.rows * MemoryLayout<Int>.stride)
      let rows = place(block.rows * chunk * MemoryLayout<UInt16>.stride)
      let pairs = place(block.columns * chunk * MemoryLayout<UInt16>.stride)
      let sums = place(gradient.parts == 1 ? block.count * MemoryLayout<Float>.stride : 0)
      let work = place(workspace)
      withUnsafeTemporaryAllocation(byteCount: byteCount, alignment: 64) { memory in
        guard let base = memory.baseAddress else { return }
        let space = PackingSpace(
          pointers: (base + pointers).assumingMemoryBound(to: UnsafePointer<Float>?.self),
          rows: (base + rows).assumingMemoryBound(to: UInt16.self),
          rowPointers: (base + rowPointers).assumingMemoryBound(to: UnsafePointer<Float>?.self),
          pairs: (base + pairs).assumingMemoryBound(to: UInt16.self),
          sums: (base + sums).assumingMemoryBound(to: Float.self),
          workspace: workspace > 0 ? base + work : nil)
        for row in 0..<block.rows {
          space.rowPointers[row] = UnsafeRawPointer(space.rows + row * chunk)
            .assumingMemoryBound(to: Float.self)
        }
        body(space)
      }
    }
  }
}

func ceilDivide(_ a: Int, _ b: Int) -> Int { (a + b - 1) / b }
