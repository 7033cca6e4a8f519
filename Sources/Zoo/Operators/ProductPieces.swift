// How a matrix product is cut into pieces for several threads.
import CZooKernels

/// A product of `rows` by `columns`, in whole tiles of `tile` rows by `unit` columns.
struct ProductPieces {
  let rows: Int
  let columns: Int
  let tile: Int
  let unit: Int
  private let rowPieces: Int
  private let columnPieces: Int
  private let order: SteppedPieces

  /// What a product moves and does, by which its cut is chosen.
  struct Cost {
    let operations: Float
    /// How many of them are just worth a hand-over.
    let least: Float
    /// How many make a piece of several that a thread has.
    let grain: Float
    let imageByteCount: Int
    let columnByteCount: Int
    /// Columns whose weights stay in L2 while the rows pass by.
    let blockColumns: Int
  }

  /// - Parameters:
  ///   - hasWorkspaces: whether a kernel has memory of its own for each thread: then there is one piece for each.
  ///   - cutsColumns: whether columns may be cut at all.
  @inline(never)  // products of three types need it, and it runs once for each
  init(
    rows: Int, columns: Int, tile: Int, unit: Int, cost: Cost, hasWorkspaces: Bool,
    cutsColumns: Bool, runtime: Runtime
  ) {
    self.rows = rows
    self.columns = columns
    self.tile = tile
    self.unit = unit
    let threads = runtime.threadCount
    let tiles = (rows + tile - 1) / tile
    let units = cutsColumns ? (columns + unit - 1) / unit : 1
    let wanted = runtime.pieces(
      for: cost.operations, worth: cost.least, grain: cost.grain, most: Int.max)
    let hasRows = tiles >= 2 * threads
    guard wanted > 1, hasRows || units > 1 else {
      (rowPieces, columnPieces) = (1, 1)
      order = SteppedPieces(owners: 1, partsEach: 1, steps: 1)
      return
    }
    guard !hasWorkspaces else {
      (rowPieces, columnPieces) = hasRows ? (threads, 1) : (1, min(threads, units))
      order = SteppedPieces(owners: 1, partsEach: rowPieces, steps: columnPieces)
      return
    }
    let blocks = min(units, (columns + cost.blockColumns - 1) / cost.blockColumns)
    if hasRows && (blocks < threads || columns * cost.columnByteCount < cost.imageByteCount) {
      // Threads own rows, which they have just made, and read all weights, block after block.
      let each = max(1, min(wanted / threads / blocks, tiles / (2 * threads)))
      order = SteppedPieces(owners: threads, partsEach: each, steps: blocks)
      (rowPieces, columnPieces) = (order.parts, blocks)
    } else {
      // Threads own columns: many weights are read once in all.
      let enough = min(units, max((blocks + threads - 1) / threads * threads, hasRows ? 0 : wanted))
      rowPieces = max(1, min(wanted / enough, tiles / 2))
      columnPieces = enough
      order = SteppedPieces(owners: 1, partsEach: rowPieces, steps: columnPieces)
    }
  }

  var count: Int { order.count }

  /// The first `most` of the columns that a thread comes to after those of piece `index`; none if they are the same.
  func columns(after index: Int, most: Int) -> Range<Int> {
    guard index + 1 < count else { return 0..<0 }
    let next = part(index + 1).columns
    return next == part(index).columns
      ? 0..<0 : next.lowerBound..<min(next.upperBound, next.lowerBound + most)
  }

  @inline(never)
  func part(_ index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let (row, column) = order.place(index)
    let tiles = order.part(row, (rows + tile - 1) / tile)
    let units = piece(column, of: columnPieces, (columns + unit - 1) / unit)
    return (
      tiles.lowerBound * tile..<min(rows, tiles.upperBound * tile),
      units.lowerBound * unit..<min(columns, units.upperBound * unit)
    )
  }
}

extension zoo_next_weights {
  /// What a call for `part` of `rows` fetches of `byteCount` bytes.
  @inline(never)
  init(_ weights: UnsafeRawPointer, byteCount: Int, _ part: Range<Int>, of rows: Range<Int>) {
    let each = byteCount / rows.count
    self.init(w: weights + each * (part.lowerBound - rows.lowerBound), bytes: each * part.count)
  }

  /// Has a call fetch `byteCount` bytes of its own weights, too, and first; only these if they do not lie before the others.
  @inline(never)
  mutating func begin(with weights: UnsafeRawPointer, byteCount: Int) {
    guard byteCount > 0 else { return }
    self = zoo_next_weights(
      w: weights, bytes: byteCount + (w == weights + byteCount ? bytes : 0))
  }
}
