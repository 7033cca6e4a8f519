// Rows of a product of floats, tile by tile: how kernels find their inputs.
import CZoo
import CZooKernels

/// Memory of one thread while it multiplies, of no meaning before.
struct FloatMemory {
  /// `FloatTiles.blockCapacity` floats of a copied block.
  let block: UnsafeMutablePointer<Float>
  /// As much again.
  let rest: UnsafeMutablePointer<Float>
  /// `MatrixProduct.pointerCapacity` pointers.
  let pointers: UnsafeMutablePointer<UnsafePointer<Float>?>

  init(
    _ bytes: UnsafeMutableRawPointer?,
    _ pointers: UnsafeMutablePointer<UnsafeRawPointer?>?
  ) {
    block = bytes.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
    rest = block + FloatTiles.blockCapacity
    self.pointers = UnsafeMutableRawPointer(pointers.unsafelyUnwrapped)
      .assumingMemoryBound(to: UnsafePointer<Float>?.self)
  }
}

extension MatrixProduct {
  /// Whether the taps of a line are one, of the image itself (`KernelRows.swift`) or of blocks that are copied with their padding: for few
  /// channels, a pointer for each tap would cost more than it saves.
  var pads: Bool {
    source.channels <= 8 && source.horizontal.kernel > 1
      && source.isPaddable(FloatTiles.blockCapacity, always: false)
  }
}

/// A kernel at work on a part of a product.
struct FloatTiles {
  let product: MatrixProduct
  let kernel: zoo_f32_igemm_ukernel
  let workspace: UnsafeMutableRawPointer?
  /// The image of the source in bf16, if the product rounds it.
  let rounded: UnsafePointer<UInt16>?
  let rows: Range<Int>
  /// They start at a panel.
  var columns: Range<Int>
  /// Those whose weights are wanted next.
  var nextColumns: Range<Int>
  /// Those of `columns` that the first call should fetch.
  var coldColumns: Range<Int>

  /// Floats of a copied block.
  static let blockCapacity = Int(ZOO_MEMORY_BYTES) / MemoryLayout<Float>.stride / 2
  /// Results that stay in the nearest cache until an activation has passed over them, or they are rounded.
  static let passCount = blockCapacity

  /// The tiles behind the context pointer of `zoo_with_memory`.
  static func body(_ context: UnsafeMutableRawPointer?) -> FloatTiles {
    context.unsafelyUnwrapped.assumingMemoryBound(to: FloatTiles.self).pointee
  }

  func run(_ memory: FloatMemory) {
    if let rounded {
      run(rows, of: product.source.over(rounded), rows.lowerBound, memory)
    } else if product.pads {
      if !runKernelRows(memory) { runPadded(memory) }
    } else if product.rounds {
      round(rows, of: product.source, rows.lowerBound, memory)
    } else {
      run(rows, of: product.source, rows.lowerBound, memory)
    }
  }

  /// Runs `rows` by kernel rows as taps of the image itself, if only a few have to be copied.
  @inline(never)
  private func runKernelRows(_ memory: FloatMemory) -> Bool {
    #if arch(x86_64) || arch(arm64)
    let source = product.source.bytes
    let most =
      product.rounds
      ? 0 : source.rowsInPlace(FloatTiles.blockCapacity * MemoryLayout<Float>.stride)
    guard most > 0 else { return false }
    let taps = source.vertical.kernel
    let tile = rowsPerCall(
      tile: Int(product.family.mr), workspace, most: MatrixProduct.pointerCapacity / taps,
      line: source.outputWidth)
    multiply(
      rows, tile: tile,
      most: min(most, rowsPerTable(tile, most: MatrixProduct.tableCapacity / taps)),
      taps: taps, channels: source.horizontal.kernel * product.source.channels, memory
    ) {
      source.fillKernelRows(
        memory.pointers, rows: $0, copies: memory.block, padding: 0,
        outside: zoo_f32_zero_row_address())
    }
    return true
    #else
    return false
    #endif
  }

  /// Blocks of the image are copied with their padding: no window leaves them, and the taps of a line are one.
  @inline(never)
  private func runPadded(_ memory: FloatMemory) {
    let source = product.source
    var first = rows.lowerBound
    while first < rows.upperBound {
      let block = source.paddedBlock(
        from: first, until: rows.upperBound, capacity: FloatTiles.blockCapacity,
        mostRows: rows.count)
      let part = source.copy(block, into: memory.block, padding: 0)
      if product.rounds {
        runRounded(block.rows, of: part, memory)
      } else {
        run(block.rows, of: part.byKernelRows, 0, memory)
      }
      first = block.rows.upperBound
    }
  }

  /// `rows`, which are those of `source` from `start` on, through a table of pointers, one per row and tap; padding points at zeros.
  ///
  /// - Parameter channels: of a tap, if more are multiplied than it has.
  @inline(never)
  func run<Element>(
    _ rows: Range<Int>, of source: ImageSource<Element>, _ start: Int, channels: Int? = nil,
    _ memory: FloatMemory
  ) {
    let taps = source.tapCount
    let tile = rowsPerCall(
      tile: Int(product.family.mr), workspace, most: MatrixProduct.pointerCapacity / taps,
      line: source.isDirect ? 16 : source.outputWidth)
    let table = UnsafeMutableRawPointer(memory.pointers)
      .assumingMemoryBound(to: UnsafePointer<Element>?.self)
    let zeros = UnsafeRawPointer(zoo_f32_zero_row_address())?
      .assumingMemoryBound(to: Element.self)
    let offset = start - rows.lowerBound
    multiply(
      rows, tile: tile, most: rowsPerTable(tile, most: MatrixProduct.tableCapacity / taps),
      taps: taps, channels: channels ?? source.channels, memory
    ) {
      source.fill(
        table, rows: $0.lowerBound + offset..<$0.upperBound + offset, stride: $0.count,
        padding: zeros)
    }
  }

  /// Calls the kernel for rows of whose taps `prepare` has brought the pointers into `memory`.
  ///
  /// - Parameters:
  ///   - tile: rows that the kernel works on at a time.
  ///   - most: rows that are prepared at once.
  ///   - channels: of a tap.
  ///   - prepare: of `count` rows; pointer of tap t, row i belongs at t count + i.
  @inline(never)
  func multiply(
    _ rows: Range<Int>, tile: Int, most: Int, taps: Int, channels: Int,
    _ memory: FloatMemory, prepare: (Range<Int>) -> Void
  ) {
    let each = rowsAtOnce(tile)
    let floats = product.roundsAfterwards ? product.floats(memory) : nil
    var first = rows.lowerBound
    while first < rows.upperBound {
      let end = min(rows.upperBound, first + most)
      prepare(first..<end)
      var row = first
      while row < end {
        let count = min(each, end - row)
        var params = parameters(row)
        params.kc = channels
        params.tap_count = taps
        params.a = UnsafePointer(memory.pointers) + (row - first)
        params.a_tap_stride = end - first
        params.next = zoo_next_weights(
          product.weights.panel(nextColumns.lowerBound, depth: product.depth),
          byteCount: nextColumns.count * product.depth * product.weights.type.byteWidth,
          row..<row + count, of: self.rows)
        if row == self.rows.lowerBound {
          params.next.begin(
            with: product.weights.panel(coldColumns.lowerBound, depth: product.depth),
            byteCount: coldColumns.count * product.depth * product.weights.type.byteWidth)
        }
        if let floats {
          params.c = floats
          params.c_stride = columns.count
        }
        kernel(count, columns.count, &params)
        if let floats {
          product.finish(rows: row..<row + count, columns: columns, floats)
        } else {
          product.finish(rows: row..<row + count, columns: columns)
        }
        row += count
      }
      first = end
    }
  }

  /// Whole tiles: all rows, if nothing is left to do while they are in cache.
  private func rowsAtOnce(_ tile: Int) -> Int {
    if workspace != nil { return tile }
    guard product.needsPass || product.roundsAfterwards else { return Int.max }
    return max(1, FloatTiles.passCount / columns.count / tile) * tile
  }

  private func parameters(_ row: Int) -> zoo_f32_igemm_params {
    let first = columns.lowerBound
    var params = zoo_f32_igemm_params()
    params.w = product.weights.panel(first, depth: product.depth)
    params.w_scales = product.weights.scales.map { $0 + first }
    params.bias = product.bias.map { $0 + first }
    if let rounded = product.roundedAddend {
      params.rounded_addend = rounded + row * product.addendStride + first
    } else {
      params.addend = product.addend.map { $0 + row * product.addendStride + first }
    }
    params.addend_stride = product.addendStride
    if let rounded = product.roundedOutput {
      params.rounded = product.roundsAfterwards ? nil : rounded + row * product.outputStride + first
    } else {
      params.c = product.output + row * product.outputStride + first
    }
    params.c_stride = product.outputStride
    params.lower = product.activation.lower
    params.upper = product.activation.upper
    params.hard_swish = product.hasSwish ? 1 : 0
    params.workspace = workspace
    return params
  }
}

extension MatrixProduct {
  /// Where results are that will be rounded: not where the inputs are. Blocks that are rounded have left the block's memory.
  fileprivate func floats(_ memory: FloatMemory) -> UnsafeMutablePointer<Float> {
    pads && !rounds ? memory.rest : memory.block
  }

  /// Whether the kernel itself computes hard-swish: that of bf16 does.
  var hasSwish: Bool { rounds && activation.kind == .hardSwish }

  /// Whether an activation is left to do after the kernel.
  var needsPass: Bool { activation.needsPass && !hasSwish }

  /// What the kernel's clamp could not do, while the tile is in cache.
  func finish(rows: Range<Int>, columns: Range<Int>) {
    guard needsPass else { return }
    if columns.count == outputStride {
      let first = output + rows.lowerBound * outputStride
      return activation.apply(first, first, count: rows.count * outputStride, runtime)
    }
    for row in rows {
      let line = output + row * outputStride + columns.lowerBound
      activation.apply(line, line, count: columns.count, runtime)
    }
  }
}
