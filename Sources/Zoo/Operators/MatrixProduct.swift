// The product behind convolution and dense layers: how it is cut into tiles and pieces.
import CZoo
import CZooKernels

/// output[i, j] = act(bias[j] + scale[j] sum over k of source[i, k] weights[k, j] + addend[i, j])
///
/// `weights` are panels of 16 columns; only those of 8 bits have scales. With weights of bf16 the inputs are rounded to bf16 as well where
/// the CPU multiplies such pairs (twice as many at a time); elsewhere they stay floats. Each output element is summed in the order of k by whatever kernel runs, so
/// neither tiles nor pieces change the result.
package struct MatrixProduct {
  let source: ImageSource<Float>
  let rows: Int
  let columns: Int
  let depth: Int
  let weights: MatrixWeights
  let bias: UnsafePointer<Float>?
  let addend: UnsafePointer<Float>?
  let addendStride: Int
  let output: UnsafeMutablePointer<Float>
  let outputStride: Int
  let activation: Activation
  let runtime: Runtime
  /// Whether the image has one channel, whose kernel rows may have become taps of `source`.
  let isPlane: Bool

  package init(
    source: ImageSource<Float>, rows: Int, columns: Int, depth: Int, weights: MatrixWeights,
    bias: UnsafePointer<Float>?, addend: UnsafePointer<Float>?, addendStride: Int,
    output: UnsafeMutablePointer<Float>, outputStride: Int, activation: Activation, runtime: Runtime
  ) {
    self.source = source.byKernelRows
    isPlane = source.channels == 1 && source.pixelStride == 1
    self.rows = rows
    self.columns = columns
    self.depth = depth
    self.weights = weights
    self.bias = bias
    self.addend = addend
    self.addendStride = addendStride
    self.output = output
    self.outputStride = outputStride
    self.activation = activation
    self.runtime = runtime
  }

  static let panel = Int(ZOO_PANEL_WIDTH)
  /// Pointers of one tile: enough for 7 rows of an 11 x 11 window.
  static let pointerCapacity = 1024
  /// Pointers that are found at once: they leave the nearest cache to the data.
  static let tableCapacity = 512
  /// Floats of one gathered tile.
  static let gatherCapacity = 4096
  /// Results that stay in the nearest cache until an activation has passed over them.
  static let passCount = 4096
  /// Weights of one block of columns stay in L2 while the rows pass by.
  static let blockByteCount = 256 << 10

  package func start() {
    let family = self.family
    guard let kernel = family.run, isCovered else {
      return ProductWork(
        product: self, pieces: pieces(tile: 1, cutsColumns: false), kernel: nil, rounded: nil
      ).start()
    }
    ProductWork(
      product: self, pieces: pieces(tile: Int(family.mr), cutsColumns: true), kernel: kernel,
      rounded: rounds ? roundImage() : nil
    ).start()
  }

  /// Whether the kernels' zero row is long enough for the padding of this product.
  private var isCovered: Bool {
    source.isDirect
      || source.channels <= Int(ZOO_ZERO_ROW_COUNT)
        && source.tapCount <= MatrixProduct.pointerCapacity
  }

  private func pieces(tile: Int, cutsColumns: Bool) -> ProductPieces {
    let cost = ProductPieces.Cost(
      operations: Float(rows) * Float(columns) * Float(depth), least: 262_144,
      imageByteCount: rows * depth / source.tapCount * 4,
      columnByteCount: depth * weights.type.byteWidth,
      blockColumns: blockColumns)
    return ProductPieces(
      rows: rows, columns: columns, tile: tile, unit: max(MatrixProduct.panel, Int(family.nr)),
      cost: cost, hasWorkspaces: family.workspace > 0, cutsColumns: cutsColumns && lines == nil,
      runtime: runtime)
  }

  /// Columns of one block of weights: whole tiles.
  private var blockColumns: Int {
    let nr = max(MatrixProduct.panel, Int(family.nr))
    return max(nr, MatrixProduct.blockByteCount / (depth * weights.type.byteWidth) / nr * nr)
  }

  var family: zoo_f32_igemm_kernel {
    rounds ? runtime.kernels.bf16_igemm : weights.kernel(runtime.kernels)
  }
}

private struct ProductWork: ParallelWork {
  let product: MatrixProduct
  let pieces: ProductPieces
  let kernel: zoo_f32_igemm_ukernel?
  /// The image of the source in bf16, if the product rounds it.
  let rounded: UnsafePointer<UInt16>?

  func start() {
    forEach(pieces.count, product.runtime) { ProductWork.body($0).run($1) }
  }

  func run(_ index: Int) {
    let (rows, columns) = pieces.part(index)
    guard let kernel else { return product.runPortable(rows: rows) }
    product.run(kernel, rounded, product.workspace(index), rows: rows, columns: columns)
  }
}

extension MatrixProduct {
  /// Runs `kernel` over a block of the output; `columns` starts at a panel.
  fileprivate func run(
    _ kernel: zoo_f32_igemm_ukernel, _ rounded: UnsafePointer<UInt16>?,
    _ workspace: UnsafeMutableRawPointer?, rows: Range<Int>, columns: Range<Int>
  ) {
    let mr = Int(family.mr)
    let block = blockColumns
    let gathers = gathers(mr)
    let lines = lines
    var column = columns.lowerBound
    while column < columns.upperBound {
      let end = min(columns.upperBound, column + block)
      if let rounded {
        runRounded(kernel, workspace, image: rounded, rows: rows, columns: column..<end)
      } else if rounds {
        runRounded(kernel, workspace, rows: rows, columns: column..<end, gathers: gathers)
      } else if let lines {
        runLines(lines, rows: rows)
      } else if gathers {
        runGathered(kernel, rows: rows, columns: column..<end, tile: mr)
      } else {
        runIndirect(kernel, rows: rows, columns: column..<end, tile: mr)
      }
      column = end
    }
  }

  /// Whether tiles of `mr` rows are copied: those of few channels.
  func gathers(_ mr: Int) -> Bool {
    !source.isDirect && source.hasAdjacentTaps && source.channels <= 8
      && min(mr, 8) * depth <= MatrixProduct.gatherCapacity
  }

  func parameters(_ row: Int, _ columns: Range<Int>) -> zoo_f32_igemm_params {
    var params = zoo_f32_igemm_params()
    params.w = weights.panel(columns.lowerBound, depth: depth)
    params.w_scales = weights.scales.map { $0 + columns.lowerBound }
    params.bias = bias.map { $0 + columns.lowerBound }
    params.addend = addend.map { $0 + row * addendStride + columns.lowerBound }
    params.addend_stride = addendStride
    params.c = output + row * outputStride + columns.lowerBound
    params.c_stride = outputStride
    params.lower = activation.lower
    params.upper = activation.upper
    return params
  }

  /// Rows of one call that makes `columns` columns: `tile` or whole multiples; all, if nothing is left to do while they are in cache.
  private func rowsPerCall(tile: Int, columns: Int, _ workspace: UnsafeMutableRawPointer?) -> Int {
    if workspace != nil { return tile }
    return activation.needsPass ? max(1, MatrixProduct.passCount / columns / tile) * tile : Int.max
  }

  /// Calls the kernel for rows of whose taps `prepare` has brought the pointers into `table`.
  ///
  /// - Parameters:
  ///   - tile: rows that the kernel works on at a time.
  ///   - most: rows that are prepared at once.
  ///   - channels: of a tap.
  ///   - prepare: of `count` rows; pointer of tap t, row i belongs at t count + i.
  func runTiles(
    _ kernel: zoo_f32_igemm_ukernel, _ workspace: UnsafeMutableRawPointer?, rows: Range<Int>,
    columns: Range<Int>, tile: Int, most: Int, taps: Int, channels: Int,
    table: UnsafePointer<UnsafePointer<Float>?>, prepare: (Range<Int>) -> Void
  ) {
    let each = rowsPerCall(tile: tile, columns: columns.count, workspace)
    var first = rows.lowerBound
    while first < rows.upperBound {
      let end = min(rows.upperBound, first + most)
      prepare(first..<end)
      var row = first
      while row < end {
        let count = min(each, end - row)
        var params = parameters(row, columns)
        params.kc = channels
        params.tap_count = taps
        params.a = table + (row - first)
        params.a_tap_stride = end - first
        params.workspace = workspace
        kernel(count, columns.count, &params)
        finish(rows: row..<row + count, columns: columns)
        row += count
      }
      first = end
    }
  }

  /// Tiles whose rows are read through a table of pointers, one per tap; padding points at zeros.
  @inline(never)  // its table would sit in every caller's frame
  private func runIndirect(
    _ kernel: zoo_f32_igemm_ukernel, rows: Range<Int>, columns: Range<Int>, tile: Int
  ) {
    let taps = source.tapCount
    let tile = min(tile, MatrixProduct.pointerCapacity / taps)
    var table = InlineArray<1024, UnsafePointer<Float>?>(repeating: nil)
    var span = table.mutableSpan
    span.withUnsafeMutableBufferPointer { table in
      guard let pointers = table.baseAddress else { return }
      runTiles(
        kernel, nil, rows: rows, columns: columns, tile: tile,
        most: rowsPerTable(tile, most: MatrixProduct.tableCapacity / taps), taps: taps,
        channels: source.channels, table: pointers
      ) { rows in
        source.fill(
          pointers, rows: rows, stride: rows.count, padding: zoo_f32_zero_row_address())
      }
    }
  }

  /// Tiles whose rows are first copied to a small buffer: for few channels, where a pointer per tap would
  /// cost more than it saves.
  @inline(never)
  private func runGathered(
    _ kernel: zoo_f32_igemm_ukernel, rows: Range<Int>, columns: Range<Int>, tile: Int
  ) {
    var storage = InlineArray<4096, Float>(repeating: 0)
    var span = storage.mutableSpan
    var table = InlineArray<64, UnsafePointer<Float>?>(repeating: nil)
    var tableSpan = table.mutableSpan
    span.withUnsafeMutableBufferPointer { buffer in
      guard let gathered = buffer.baseAddress else { return }
      tableSpan.withUnsafeMutableBufferPointer { table in
        guard let pointers = table.baseAddress else { return }
        let most = rowsPerTable(tile, most: min(table.count, buffer.count / depth))
        for i in 0..<most { pointers[i] = UnsafePointer(gathered + i * depth) }
        runTiles(
          kernel, nil, rows: rows, columns: columns, tile: tile, most: most, taps: 1,
          channels: depth, table: pointers
        ) { source.gather($0, into: gathered, step: depth, padding: 0) }
      }
    }
  }

  /// What the kernel's clamp could not do, while the tile is in cache.
  func finish(rows: Range<Int>, columns: Range<Int>) {
    guard activation.needsPass else { return }
    if columns.count == outputStride {
      let first = output + rows.lowerBound * outputStride
      return activation.apply(first, first, count: rows.count * outputStride, runtime)
    }
    for row in rows {
      let line = output + row * outputStride + columns.lowerBound
      activation.apply(line, line, count: columns.count, runtime)
    }
  }

  /// The meaning of the product, in portable arithmetic: products added in order, no fused operations.
  fileprivate func runPortable(rows: Range<Int>) {
    let width = MatrixProduct.panel
    for line in rows {
      let (image, p, q) = source.position(line)
      var column = 0
      while column < columns {
        let count = min(width, columns - column)
        var sums = InlineArray<16, Float>(repeating: 0)
        let isScaled = weights.scales != nil
        if let bias, !isScaled { for j in 0..<count { sums[j] = bias[column + j] } }
        let panel = column * depth
        let isPaired = weights.type == ZOO_BF16
        var row = 0
        for i in 0..<source.vertical.kernel {
          for j in 0..<source.horizontal.kernel {
            guard let x = source.pixel(image, p, q, i, j) else {
              row += source.channels
              continue
            }
            for k in 0..<source.channels {
              let value = x[k]
              if isPaired && (row % 2 == 1 || row + 1 < depth) {
                let w = panel + row / 2 * 2 * count + row % 2
                for c in 0..<count { sums[c] += value * weights[w + 2 * c] }
              } else {
                let w = panel + row * count
                for c in 0..<count { sums[c] += value * weights[w + c] }
              }
              row += 1
            }
          }
        }
        for j in 0..<count {
          var y = sums[j]
          if let scales = weights.scales {
            y = y * scales[column + j] + (bias.map { $0[column + j] } ?? 0)
          }
          if let addend { y += addend[line * addendStride + column + j] }
          output[line * outputStride + column + j] = activation.value(y)
        }
        column += count
      }
    }
  }
}
