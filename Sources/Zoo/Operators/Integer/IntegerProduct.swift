// The product behind integer convolution and dense layers: how it is cut into tiles and pieces.
import CZoo
import CZooKernels

/// output[i, j] = requantize(multiplier[j] (bias[j] + sum over k of source[i, k] weights[k, j]) + addend)
///
/// `weights` are panels of 16 columns in quads of 4 rows (`ZOO_LAYOUT_QUADS16`), with `depth` rows, a multiple of 4. Sums are
/// exact, so no order or cut changes the result.
struct IntegerProduct<Element: IntegerElement> {
  let source: ImageSource<Element>
  let rows: Int
  let columns: Int
  /// Rows of the weights: taps times channels, rounded up to a multiple of 4.
  let depth: Int
  /// What taps in the padding read: the zero point of the input.
  let padding: Element
  let weights: UnsafePointer<Int8>
  /// i8: biases less the zero point's share, for inputs read as they are. i16: their upper 32 of 48 bits.
  let bias: UnsafePointer<Int32>
  /// i8: the same for inputs read as unsigned numbers, 128 larger. i16: the lower 16 bits.
  let secondBias: UnsafePointer<Int32>
  let multipliers: UnsafePointer<Float>
  let addend: IntegerAddend<Element>?
  let output: UnsafeMutablePointer<Element>
  let outputStride: Int
  let requantization: Requantization
  let runtime: Runtime

  /// Pointers of one tile: enough for 8 rows of an 11 x 11 window.
  static var pointerCapacity: Int { 1024 }
  /// Elements of one gathered tile.
  static var gatherCapacity: Int { 16384 }
  /// Channels whose padding fits the row that stands for it.
  static var paddingCapacity: Int { 4096 }
  /// Weights of one block of columns stay in L2 while the rows pass by.
  static var blockByteCount: Int { 256 << 10 }

  func start() {
    let kernel = Element.product(runtime.kernels)
    let isCovered =
      kernel.run != nil
      && (gathers
        ? depth <= IntegerProduct.gatherCapacity
        : source.isDirect
          || source.channels <= IntegerProduct.paddingCapacity
            && source.tapCount <= IntegerProduct.pointerCapacity)
    let cost = ProductPieces.Cost(
      operations: Float(rows) * Float(columns) * Float(depth), least: 1_048_576,
      imageByteCount: rows * depth / source.tapCount * MemoryLayout<Element>.size,
      columnByteCount: depth,
      blockColumns: blockColumns)
    let pieces = ProductPieces(
      rows: rows, columns: columns, tile: isCovered ? Int(kernel.mr) : 1,
      unit: max(MatrixProduct.panel, Int(kernel.nr)), cost: cost,
      hasWorkspaces: kernel.workspace > 0, cutsColumns: isCovered, runtime: runtime)
    IntegerWork(product: self, pieces: pieces, kernel: isCovered ? kernel.run : nil).start()
  }

  /// Columns of one block of weights: whole tiles.
  private var blockColumns: Int {
    let nr = max(MatrixProduct.panel, Int(Element.product(runtime.kernels).nr))
    return max(nr, IntegerProduct.blockByteCount / depth / nr * nr)
  }

  /// Whether a row is copied before it is multiplied: quads must not straddle two taps, and for few channels a pointer per
  /// tap would cost more than it saves.
  var gathers: Bool {
    !source.isDirect && source.channels <= 8 || source.channels % 4 != 0
  }
}

/// A residual added before rounding: multiplier (q - zero point).
struct IntegerAddend<Element: IntegerElement> {
  let base: UnsafePointer<Element>
  let stride: Int
  let zeroPoint: Int32
  let multiplier: Float

  func value(_ row: Int, _ column: Int) -> Float {
    Float(Int(Int32(base[row * stride + column]) &- zeroPoint)) * multiplier
  }
}

private struct IntegerWork<Element: IntegerElement>: ParallelWork {
  let product: IntegerProduct<Element>
  let pieces: ProductPieces
  let kernel: zoo_integer_igemm_ukernel?

  func start() {
    forEach(
      pieces.count, product.runtime,
      Element.isWide
        ? { IntegerWork<Int16>.body($0).run($1) } : { IntegerWork<Int8>.body($0).run($1) })
  }

  func run(_ index: Int) {
    let (rows, columns) = pieces.part(index)
    guard let kernel else { return product.runPortable(rows: rows) }
    let workspace = product.runtime.workspace(
      Element.product(product.runtime.kernels).workspace, rows: product.rows, index)
    product.run(kernel, workspace, rows: rows, columns: columns)
  }
}

extension IntegerProduct {
  /// Runs `kernel` over a block of the output; `columns` starts at a panel.
  fileprivate func run(
    _ kernel: zoo_integer_igemm_ukernel, _ workspace: UnsafeMutableRawPointer?, rows: Range<Int>,
    columns: Range<Int>
  ) {
    let block = blockColumns
    var column = columns.lowerBound
    while column < columns.upperBound {
      let end = min(columns.upperBound, column + block)
      if gathers {
        runGathered(kernel, workspace, rows: rows, columns: column..<end)
      } else {
        runIndirect(kernel, workspace, rows: rows, columns: column..<end)
      }
      column = end
    }
  }

  private func parameters(_ row: Int, _ columns: Range<Int>) -> zoo_integer_igemm_params {
    let first = columns.lowerBound
    var params = zoo_integer_igemm_params()
    params.w = weights + first * depth
    params.bias = (bias + first, secondBias + first)
    params.multipliers = multipliers + first
    if let addend {
      params.addend = UnsafeRawPointer(addend.base + row * addend.stride + first)
      params.addend_stride = addend.stride
      params.addend_zero_point = addend.zeroPoint
      params.addend_multiplier = addend.multiplier
    }
    params.c = UnsafeMutableRawPointer(output + row * outputStride + first)
    params.c_stride = outputStride
    params.zero_point = requantization.zeroPoint
    params.lower = requantization.lower
    params.upper = requantization.upper
    return params
  }

  /// Tiles whose rows are read through a table of pointers, one per tap.
  @inline(never)  // its table would sit in every caller's frame
  private func runIndirect(
    _ kernel: zoo_integer_igemm_ukernel, _ workspace: UnsafeMutableRawPointer?, rows: Range<Int>,
    columns: Range<Int>
  ) {
    let taps = source.tapCount
    let tile = rowsPerCall(
      tile: Int(Element.product(runtime.kernels).mr), workspace,
      most: IntegerProduct.pointerCapacity / taps)
    var table = InlineArray<1024, UnsafePointer<Element>?>(repeating: nil)
    var span = table.mutableSpan
    var line = InlineArray<4096, Element>(repeating: padding)
    var lineSpan = line.mutableSpan
    lineSpan.withUnsafeMutableBufferPointer { line in
      span.withUnsafeMutableBufferPointer { table in
        guard let pointers = table.baseAddress else { return }
        let most = rowsPerTable(tile, most: MatrixProduct.tableCapacity / taps)
        var first = rows.lowerBound
        while first < rows.upperBound {
          let end = min(rows.upperBound, first + most)
          source.fill(
            pointers, rows: first..<end, stride: end - first,
            padding: UnsafePointer(line.baseAddress))
          var row = first
          while row < end {
            let count = min(tile, end - row)
            var params = parameters(row, columns)
            params.kc = source.channels
            params.tap_count = taps
            params.a = UnsafeRawPointer(pointers + (row - first))
              .assumingMemoryBound(to: UnsafeRawPointer?.self)
            params.a_tap_stride = end - first
            params.workspace = workspace
            kernel(count, columns.count, &params)
            row += count
          }
          first = end
        }
      }
    }
  }

  /// Tiles whose rows are first copied to a small buffer.
  @inline(never)
  private func runGathered(
    _ kernel: zoo_integer_igemm_ukernel, _ workspace: UnsafeMutableRawPointer?, rows: Range<Int>,
    columns: Range<Int>
  ) {
    // Not filled: every element that is read is written first, but for up to 3 at the end of a row, whose weights are 0.
    var storage = InlineArray<16384, Element>(repeating: 0)
    var span = storage.mutableSpan
    var table = InlineArray<128, UnsafePointer<Element>?>(repeating: nil)
    var tableSpan = table.mutableSpan
    span.withUnsafeMutableBufferPointer { buffer in
      guard let gathered = buffer.baseAddress else { return }
      tableSpan.withUnsafeMutableBufferPointer { table in
        guard let pointers = table.baseAddress else { return }
        let tile = rowsPerCall(
          tile: Int(Element.product(runtime.kernels).mr), workspace,
          most: min(table.count, buffer.count / depth))
        let most = rowsPerTable(tile, most: min(table.count, buffer.count / depth))
        for i in 0..<most { pointers[i] = UnsafePointer(gathered + i * depth) }
        var first = rows.lowerBound
        while first < rows.upperBound {
          let end = min(rows.upperBound, first + most)
          source.gather(first..<end, into: gathered, step: depth, padding: padding)
          var row = first
          while row < end {
            let count = min(tile, end - row)
            var params = parameters(row, columns)
            params.kc = depth
            params.tap_count = 1
            params.a = UnsafeRawPointer(pointers + (row - first))
              .assumingMemoryBound(to: UnsafeRawPointer?.self)
            params.a_tap_stride = count
            params.workspace = workspace
            kernel(count, columns.count, &params)
            row += count
          }
          first = end
        }
      }
    }
  }

  /// The meaning of the product.
  fileprivate func runPortable(rows: Range<Int>) {
    let width = MatrixProduct.panel
    for row in rows {
      let (image, p, q) = source.position(row)
      var column = 0
      while column < columns {
        let count = min(width, columns - column)
        let panel = weights + column * depth
        var sums = InlineArray<16, Element.Sum> {
          Element.Sum(bias: bias, lower: secondBias, min(column + $0, columns - 1))
        }
        var k = 0
        for i in 0..<source.vertical.kernel {
          for j in 0..<source.horizontal.kernel {
            let x = source.pixel(image, p, q, i, j)
            for channel in 0..<source.channels {
              let value = Int32(x.map { $0[channel] } ?? padding)
              let quad = panel + (k / 4) * 4 * count + k % 4
              for c in 0..<count { sums[c].add(value, Int32(quad[c * 4])) }
              k += 1
            }
          }
        }
        for c in 0..<count {
          var real = sums[c].float * multipliers[column + c]
          if let addend { real += addend.value(row, column + c) }
          output[row * outputStride + column + c] = requantization(real)
        }
        column += count
      }
    }
  }
}
