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
  var depth: Int
  var weights: MatrixWeights
  let bias: UnsafePointer<Float>?
  let addend: UnsafePointer<Float>?
  let addendStride: Int
  let output: UnsafeMutablePointer<Float>
  let outputStride: Int
  let activation: Activation
  let runtime: Runtime
  /// Whether the image has one channel, whose kernel rows may have become taps of `source`.
  let isPlane: Bool
  /// Whether `weights` have an even number of rows for each kernel row (`evenLines`).
  var hasEvenLines = false
  /// The image in bf16, if the session keeps it so (`RoundedTensors`): then there are no floats of it. Weights are bf16, too.
  var roundedImage: UnsafePointer<UInt16>?
  /// Instead of `addend` numbers of bf16.
  var roundedAddend: UnsafePointer<UInt16>?
  /// Where outputs go instead of `output`, rounded to bf16.
  var roundedOutput: UnsafeMutablePointer<UInt16>?

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
  static let pointerCapacity = Int(ZOO_MEMORY_POINTERS)
  /// Pointers that are found at once: they leave the nearest cache to the data.
  static let tableCapacity = 512
  /// Bytes of an image of which most stays in L2, too. (With twice as much nothing is gained.)
  static let smallImage = 512 << 10

  @inline(never)
  package func start() {
    let family = self.family
    guard let kernel = family.run, isCovered else {
      return ProductWork(
        product: self, pieces: pieces(tile: 1, cutsColumns: false), kernel: nil, rounded: nil
      ).start()
    }
    var work = ProductWork(
      product: self, pieces: pieces(tile: Int(family.mr), cutsColumns: true), kernel: kernel,
      rounded: roundedImage ?? (rounds ? roundImage() : nil))
    guard wantsEvenLines else { return work.start() }
    withUnsafeMutablePointer(to: &work) {
      zoo_with_memory(UnsafeMutableRawPointer($0)) { context, bytes, _ in
        var work = ProductWork.body(context)
        work.product.evenLines(bytes.unsafelyUnwrapped)
        work.start()
      }
    }
  }

  /// Whether the kernels' zero row is long enough for the padding of this product.
  private var isCovered: Bool {
    source.isDirect || pads
      || source.channels <= Int(ZOO_ZERO_ROW_COUNT)
        && source.tapCount <= MatrixProduct.pointerCapacity
  }

  private func pieces(tile: Int, cutsColumns: Bool) -> ProductPieces {
    let cost = ProductPieces.Cost(
      operations: Float(rows) * Float(columns) * Float(depth), least: 131_072,
      grain: 1_048_576,
      imageByteCount: rows * depth / source.tapCount * 4,
      columnByteCount: depth * weights.type.byteWidth,
      blockColumns: blockColumns)
    return ProductPieces(
      rows: rows, columns: columns, tile: tile, unit: max(MatrixProduct.panel, Int(family.nr)),
      cost: cost, hasWorkspaces: family.workspace > 0, cutsColumns: cutsColumns && lines == nil,
      runtime: runtime)
  }

  /// Columns of one block of weights: whole tiles.
  fileprivate var blockColumns: Int {
    let nr = max(MatrixProduct.panel, Int(family.nr))
    let bytes = weightsPerBlock(
      family.workspace, rows: rows, taps: source.tapCount, tile: family.mr)
    let most = bytes / (depth * weights.type.byteWidth)
    return max(
      nr, (roundsAfterwards ? min(most, FloatTiles.passCount / Int(family.mr)) : most) / nr * nr)
  }

  /// Columns of which a thread multiplies all rows before it takes the next ones. Where the image stays in L2, too, no more than two
  /// tiles have: the weights of the next ones are fetched meanwhile. Kernels whose tiles are narrow (AVX2, NEON) would read rows too often.
  fileprivate func columnsAtOnce(isRounded: Bool) -> Int {
    let family = family
    let image = rows * depth / source.tapCount * (isRounded ? 2 : 4)
    guard image <= MatrixProduct.smallImage, rows > 2 * Int(family.mr), family.workspace == 0,
      !pads, isRounded || !rounds
    else { return blockColumns }
    return Int(family.nr) > MatrixProduct.panel ? 2 * Int(family.nr) : blockColumns
  }

  var family: zoo_f32_igemm_kernel {
    rounds ? runtime.kernels.bf16_igemm : weights.kernel(runtime.kernels)
  }
}

private struct ProductWork: ParallelWork {
  var product: MatrixProduct
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
    if let lines = product.lines { return product.runLines(lines, rows: rows) }
    var tiles = FloatTiles(
      product: product, kernel: kernel, workspace: product.workspace(index), rounded: rounded,
      rows: rows, columns: columns, nextColumns: 0..<0, coldColumns: 0..<0)
    let block = product.columnsAtOnce(isRounded: rounded != nil)
    while tiles.columns.lowerBound < columns.upperBound {
      let first = tiles.columns.lowerBound
      tiles.columns = first..<min(columns.upperBound, first + block)
      let end = tiles.columns.upperBound
      tiles.coldColumns = coldColumns(
        tiles.columns, first: columns.lowerBound, nr: product.family.nr, tiles.workspace)
      tiles.nextColumns =
        end < columns.upperBound
        ? end..<min(columns.upperBound, end + block) : pieces.columns(after: index, most: block)
      withUnsafeMutablePointer(to: &tiles) {
        zoo_with_memory(UnsafeMutableRawPointer($0)) {
          FloatTiles.body($0).run(FloatMemory($1, $2))
        }
      }
      tiles.columns = tiles.columns.upperBound..<columns.upperBound
    }
  }
}

extension MatrixProduct {
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
        var row = 0
        for i in 0..<source.vertical.kernel {
          for j in 0..<source.horizontal.kernel {
            guard let x = source.pixel(image, p, q, i, j) else {
              row += source.channels
              continue
            }
            for k in 0..<source.channels {
              let value = x[k]
              let (start, step) = weights.place(row: row, of: depth, columns: count)
              for c in 0..<count { sums[c] += value * weights[panel + start + step * c] }
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
