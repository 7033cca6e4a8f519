// How a convolution by Winograd's transforms, of floats or of bytes, is cut into pieces.
#if arch(x86_64)
import CZoo
import CZooKernels

/// A convolution by Winograd's transforms.
protocol TransformedConvolution {
  associatedtype Block: TransformedBlock
  var shape: Winograd { get }
  var runtime: Runtime { get }
  /// `memory` has `shape.byteCount` bytes.
  func block(_ tiles: Range<Int>, _ memory: UnsafeMutableRawPointer) -> Block
}

/// One thread's block of tiles.
protocol TransformedBlock {
  func transformInputs()
  /// Makes the outputs of `count` columns from `column` on, at most `Winograd.columnBlock`, of inputs that have been transformed.
  func makeOutputs(_ column: Int, _ count: Int)
}

extension TransformedConvolution {
  /// `entry` calls `run` of a `TransformedWork` of this type.
  func start(_ entry: @escaping zoo_task) {
    var words = InlineArray<64, UInt32>(repeating: 0)  // of ScratchSlots
    var span = words.mutableSpan
    span.withUnsafeMutableBufferPointer {
      guard let words = $0.baseAddress else { return }
      let slots = ScratchSlots(words: words, count: min($0.count, runtime.threadCount))
      let pieces = pieces
      TransformedWork(convolution: self, pieces: pieces, slots: slots)
        .forEach(pieces.count, runtime, entry)
    }
  }

  /// Many tiles: a block of them after the other, each with all columns in pieces that follow each other, so that a thread transforms
  /// the tiles once. Few: threads own columns, so that each transforms weights of its own, and all tiles, block after block.
  private var pieces: SteppedPieces {
    let threads = runtime.threadCount
    let pairs = (shape.columns + Winograd.columnBlock - 1) / Winograd.columnBlock
    let blocks = (shape.tileCount + Winograd.mostTiles - 1) / Winograd.mostTiles
    let products = 36 * Float(shape.tileCount) * Float(shape.channels) * Float(shape.columns)
    let wanted = runtime.pieces(
      for: products, worth: 524_288, grain: 2_097_152, most: Int.max)
    if shape.tileCount >= 2 * Winograd.mostTiles * threads
      || pairs % threads != 0 && pairs < 4 * threads
    {
      let steps = min(shape.tileCount, (blocks + threads - 1) / threads * threads)
      return SteppedPieces(
        owners: 1, partsEach: max(1, min(wanted / steps, pairs / 2)), steps: steps)
    }
    return SteppedPieces(
      owners: threads, partsEach: max(1, min(wanted, pairs) / threads / blocks), steps: blocks)
  }
}

/// Its tiles or columns shared among threads.
struct TransformedWork<Convolution: TransformedConvolution>: ParallelWork {
  let convolution: Convolution
  let pieces: SteppedPieces
  let slots: ScratchSlots

  private var shape: Winograd { convolution.shape }

  func run(_ index: Int) {
    let pairs = (shape.columns + Winograd.columnBlock - 1) / Winograd.columnBlock
    let (part, step) = pieces.place(index)
    let columns = piece(part, of: pieces.parts, pairs)
    let tiles = piece(step, of: pieces.steps, shape.tileCount)
    if columns.isEmpty || tiles.isEmpty { return }
    runBlock(
      step, tiles,
      columns.lowerBound
        * Winograd.columnBlock..<min(shape.columns, columns.upperBound * Winograd.columnBlock))
  }

  private func runBlock(_ step: Int, _ tiles: Range<Int>, _ columns: Range<Int>) {
    guard let scratch = convolution.runtime.scratch else { return }
    let (slot, content) = slots.take(preferring: UInt32(step + 1))
    let block = convolution.block(tiles, scratch.share(slot))
    if content != UInt32(step + 1) { block.transformInputs() }
    var column = columns.lowerBound
    while column < columns.upperBound {
      let count = min(Winograd.columnBlock, columns.upperBound - column)
      block.makeOutputs(column, count)
      column += count
    }
    slots.giveBack(slot, content: UInt32(step + 1))
  }
}
#endif
