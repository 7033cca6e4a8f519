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
  static var pointerCapacity: Int { Int(ZOO_MEMORY_POINTERS) }
  /// Elements of one gathered tile, or of the row that stands for padding.
  static var elementCapacity: Int { Int(ZOO_MEMORY_BYTES) / 2 }
  /// Bytes of an image beside which two tiles of columns at a time stay in L2.
  static var smallImage: Int { 256 << 10 }

  func start() {
    let kernel = Element.product(runtime.kernels)
    let isCovered = kernel.run != nil && isCovered
    let cost = ProductPieces.Cost(
      operations: Float(rows) * Float(columns) * Float(depth), least: 262_144,
      grain: 4_194_304,
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
    let kernel = Element.product(runtime.kernels)
    let nr = max(MatrixProduct.panel, Int(kernel.nr))
    let most = weightsPerBlock(
      kernel.workspace, rows: rows, taps: source.tapCount, tile: kernel.mr)
    return max(nr, most / depth / nr * nr)
  }

  /// As of a product of floats.
  fileprivate var columnsAtOnce: Int {
    let kernel = Element.product(runtime.kernels)
    let image = rows * depth / source.tapCount * MemoryLayout<Element>.size
    guard image <= IntegerProduct.smallImage, rows > 2 * Int(kernel.mr), kernel.workspace == 0,
      !pads, !gathers
    else { return blockColumns }
    return Int(kernel.nr) > MatrixProduct.panel ? 2 * Int(kernel.nr) : blockColumns
  }

  /// Whether there is memory for what kernels need besides the operands.
  private var isCovered: Bool {
    if pads { return true }
    if gathers { return depth <= IntegerProduct.elementCapacity }
    return source.isDirect
      || source.channels <= IntegerProduct.elementCapacity
        && source.tapCount <= IntegerProduct.pointerCapacity
  }

  /// Whether a row is copied before it is multiplied: quads must not straddle two taps, and for few channels a pointer per
  /// tap would cost more than it saves.
  var gathers: Bool {
    let merged = source.byKernelRows
    if merged.tapCount < source.tapCount { return merged.channels % 4 != 0 }
    return !source.isDirect && source.channels <= 8 || source.channels % 4 != 0
  }

  /// Whether blocks of the image are copied, so that nothing has to be asked about their padding. With many channels and columns
  /// pointers cost little beside what is multiplied, and blocks would be of few rows, which tiles do not divide.
  var pads: Bool {
    (source.channels <= 32 || columns < 48)
      && source.isPaddable(blockCapacity, always: straddlesTaps)
      && (!gathersBlocks || depth <= IntegerProduct.elementCapacity - blockCapacity)
  }

  /// Whether rows are copied out of such a block: quads must not straddle two kernel rows.
  var gathersBlocks: Bool { source.horizontal.kernel * source.channels % 4 != 0 }

  /// Whether there may be a kernel that puts such rows together itself, from a block of which it reads more than it needs.
  var straddlesTaps: Bool {
    gathersBlocks && source.horizontal.kernel * source.channels <= 16
      && source.vertical.kernel <= Int(ZOO_STRADDLED_TAPS) && !Element.isWide
      && runtime.kernels.i8_lines != nil
  }

  /// Elements of such a block; the windows that are copied out of it need most of the memory.
  var blockCapacity: Int {
    gathersBlocks ? IntegerProduct.elementCapacity / 4 : IntegerProduct.elementCapacity
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

  @inline(never)
  func run(_ index: Int) {
    let (rows, columns) = pieces.part(index)
    guard let kernel else { return product.runPortable(rows: rows) }
    let workspace = product.runtime.workspace(
      Element.product(product.runtime.kernels).workspace, rows: product.rows, index)
    product.run(
      kernel, workspace, rows: rows, columns: columns,
      following: pieces.columns(after: index, most: product.columnsAtOnce))
  }
}

extension IntegerProduct {
  /// Runs `kernel` over a block of the output; `columns` starts at a panel.
  ///
  /// - Parameter following: the first of the columns that come afterwards.
  fileprivate func run(
    _ kernel: zoo_integer_igemm_ukernel, _ workspace: UnsafeMutableRawPointer?, rows: Range<Int>,
    columns: Range<Int>, following: Range<Int>
  ) {
    let block = columnsAtOnce
    var column = columns.lowerBound
    while column < columns.upperBound {
      let end = min(columns.upperBound, column + block)
      var tiles = ProductTiles(
        product: self, kernel: kernel, workspace: workspace, rows: rows, columns: column..<end,
        nextColumns: end < columns.upperBound
          ? end..<min(columns.upperBound, end + block) : following,
        coldColumns: coldColumns(
          column..<end, first: columns.lowerBound, nr: Element.product(runtime.kernels).nr,
          workspace))
      withUnsafeMutablePointer(to: &tiles) {
        let context = UnsafeMutableRawPointer($0)
        if Element.isWide {
          zoo_with_memory(context) { ProductTiles<Int16>.body($0).run(ProductMemory($1, $2)) }
        } else {
          zoo_with_memory(context) { ProductTiles<Int8>.body($0).run(ProductMemory($1, $2)) }
        }
      }
      column = end
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
