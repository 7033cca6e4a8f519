// Rows of an integer product, tile by tile: how kernels find their inputs.
import CZoo
import CZooKernels

/// Memory of one thread while it multiplies, of no meaning before.
struct ProductMemory<Element: IntegerElement> {
  /// `IntegerProduct.elementCapacity` elements.
  let elements: UnsafeMutablePointer<Element>
  /// `IntegerProduct.pointerCapacity` pointers.
  let pointers: UnsafeMutablePointer<UnsafePointer<Element>?>

  init(
    _ bytes: UnsafeMutableRawPointer?,
    _ pointers: UnsafeMutablePointer<UnsafeRawPointer?>?
  ) {
    elements = bytes.unsafelyUnwrapped.assumingMemoryBound(to: Element.self)
    self.pointers = UnsafeMutableRawPointer(pointers.unsafelyUnwrapped)
      .assumingMemoryBound(to: UnsafePointer<Element>?.self)
  }
}

/// A kernel at work on a part of a product.
struct ProductTiles<Element: IntegerElement> {
  let product: IntegerProduct<Element>
  let kernel: zoo_integer_igemm_ukernel
  let workspace: UnsafeMutableRawPointer?
  let rows: Range<Int>
  /// They start at a panel.
  let columns: Range<Int>
  /// Those whose weights are wanted next.
  let nextColumns: Range<Int>
  /// Those of `columns` that the first call should fetch.
  let coldColumns: Range<Int>

  /// The tiles behind the context pointer of `zoo_with_memory`.
  static func body(_ context: UnsafeMutableRawPointer?) -> Self {
    context.unsafelyUnwrapped.assumingMemoryBound(to: Self.self).pointee
  }

  func run(_ memory: ProductMemory<Element>) {
    if product.pads {
      runPadded(memory)
    } else if product.gathers {
      gather(
        rows, of: product.source, rows.lowerBound, memory.elements,
        IntegerProduct<Element>.elementCapacity, memory)
    } else {
      let source = product.source.byKernelRows
      if !source.isDirect {
        for k in 0..<source.channels { memory.elements[k] = product.padding }
      }
      if source.horizontal.kernel > 1, runKernelRows(of: source, memory) { return }
      run(rows, of: source, rows.lowerBound, memory, padding: UnsafePointer(memory.elements))
    }
  }

  /// Runs `rows` by kernel rows as taps of `source` itself, if only a few have to be copied.
  @inline(never)
  private func runKernelRows(
    of source: ImageSource<Element>, _ memory: ProductMemory<Element>
  ) -> Bool {
    #if arch(x86_64) || arch(arm64)
    let length = source.horizontal.kernel * source.channels
    let room = IntegerProduct<Element>.elementCapacity - length
    guard workspace == nil, lines == nil, room > 0 else { return false }
    let windows = source.bytes
    let taps = source.vertical.kernel
    let tile = rowsPerCall(most: IntegerProduct<Element>.pointerCapacity / taps)
    let most =
      min(
        windows.rowsInPlace(room * MemoryLayout<Element>.stride),
        rowsPerTable(tile, most: MatrixProduct.tableCapacity / taps)) / tile * tile
    guard most > 0 else { return false }
    for k in source.channels..<length { memory.elements[k] = product.padding }
    var first = rows.lowerBound
    while first < rows.upperBound {
      let end = min(rows.upperBound, first + most)
      windows.fillKernelRows(
        memory.pointers, rows: first..<end, copies: memory.elements + length,
        padding: CChar(truncatingIfNeeded: product.padding), outside: memory.elements)
      multiply(first..<end, memory, tapCount: taps, channels: length, tile: tile)
      first = end
    }
    return true
    #else
    return false
    #endif
  }

  /// Blocks of the image are copied with their padding: no window leaves them, and the taps of a line are one.
  private func runPadded(_ memory: ProductMemory<Element>) {
    let source = product.source
    // There is memory past the elements, so that more of them may be read.
    let straddles = product.straddlesTaps && lines != nil
    let gathers = product.gathersBlocks && !straddles
    let capacity =
      straddles ? IntegerProduct<Element>.elementCapacity : product.blockCapacity
    let room = IntegerProduct<Element>.elementCapacity - capacity
    // As many as one table has pointers for, if there is one.
    let most =
      gathers
      ? room / product.depth
      : lines == nil ? MatrixProduct.tableCapacity / source.vertical.kernel : rows.count
    var first = rows.lowerBound
    while first < rows.upperBound {
      let block = source.paddedBlock(
        from: first, until: rows.upperBound, capacity: capacity, mostRows: most)
      let padding = CChar(truncatingIfNeeded: product.padding)  // 16-bit integers are padded with 0
      let part = source.copy(block, into: memory.elements, padding: padding)
      if gathers {
        gather(block.rows, of: part, 0, memory.elements + capacity, room, memory)
      } else {
        run(block.rows, of: part.byKernelRows, 0, memory, padding: nil)
      }
      first = block.rows.upperBound
    }
  }

  /// `rows`, which are those of `source` from `start` on, through a table of pointers, one per row and tap, or by lines.
  private func run(
    _ rows: Range<Int>, of source: ImageSource<Element>, _ start: Int,
    _ memory: ProductMemory<Element>, padding: UnsafePointer<Element>?
  ) {
    if let lines, source.hasLines {
      return run(lines, rows, of: source, start)
    }
    let taps = source.tapCount
    let tile = rowsPerCall(
      most: IntegerProduct<Element>.pointerCapacity / taps,
      line: source.isDirect ? 16 : source.outputWidth)
    let most = rowsPerTable(tile, most: MatrixProduct.tableCapacity / taps)
    var first = rows.lowerBound
    while first < rows.upperBound {
      let end = min(rows.upperBound, first + most)
      let offset = start - rows.lowerBound
      source.fill(
        memory.pointers, rows: first + offset..<end + offset, stride: end - first,
        padding: padding)
      multiply(first..<end, memory, tapCount: taps, channels: source.channels, tile: tile)
      first = end
    }
  }

  /// `rows`, which are those of `source` from `start` on, copied one after the other to `capacity` elements at `gathered`.
  private func gather(
    _ rows: Range<Int>, of source: ImageSource<Element>, _ start: Int,
    _ gathered: UnsafeMutablePointer<Element>, _ capacity: Int, _ memory: ProductMemory<Element>
  ) {
    let depth = product.depth
    let room = min(MatrixProduct.tableCapacity, capacity / depth)
    let tile = rowsPerCall(most: room)
    let most = rowsPerTable(tile, most: room)
    let lines = lines
    if lines == nil {
      for i in 0..<min(most, rows.count) {
        memory.pointers[i] = UnsafePointer(gathered + i * depth)
      }
    }
    var first = rows.lowerBound
    while first < rows.upperBound {
      let end = min(rows.upperBound, first + most)
      let offset = start - rows.lowerBound
      source.gather(
        first + offset..<end + offset, into: gathered, step: depth, padding: product.padding)
      if let lines {
        run(
          lines, 1, end - first, at: first, from: gathered, pixelStep: depth, lineStep: 0,
          tapStep: 0, tapCount: 1, channels: depth)
      } else {
        multiply(first..<end, memory, tapCount: 1, channels: depth, tile: tile)
      }
      first = end
    }
  }

  /// Rows of one call, of at most `most` for which there is room.
  private func rowsPerCall(most: Int, line: Int = 16) -> Int {
    Zoo.rowsPerCall(
      tile: Int(Element.product(product.runtime.kernels).mr), workspace, most: most, line: line)
  }

  /// `rows` whose pointers lie in a table of their number for each tap.
  @inline(never)
  private func multiply(
    _ rows: Range<Int>, _ memory: ProductMemory<Element>, tapCount: Int, channels: Int, tile: Int
  ) {
    let each = workspace == nil ? rows.count : tile
    var row = rows.lowerBound
    while row < rows.upperBound {
      let count = min(each, rows.upperBound - row)
      var params = parameters(row)
      params.kc = channels
      params.tap_count = tapCount
      params.a = UnsafeRawPointer(memory.pointers + (row - rows.lowerBound))
        .assumingMemoryBound(to: UnsafeRawPointer?.self)
      params.a_tap_stride = rows.count
      params.workspace = workspace
      params.next = zoo_next_weights(
        product.weights + nextColumns.lowerBound * product.depth,
        byteCount: nextColumns.count * product.depth, row..<row + count, of: self.rows)
      if row == self.rows.lowerBound {
        params.next.begin(
          with: product.weights + coldColumns.lowerBound * product.depth,
          byteCount: coldColumns.count * product.depth)
      }
      kernel(count, columns.count, &params)
      row += count
    }
  }

  func parameters(_ row: Int) -> zoo_integer_igemm_params {
    let first = columns.lowerBound
    var params = zoo_integer_igemm_params()
    params.w = product.weights + first * product.depth
    params.bias = (product.bias + first, product.secondBias + first)
    params.multipliers = product.multipliers + first
    if let addend = product.addend {
      params.addend = UnsafeRawPointer(addend.base + row * addend.stride + first)
      params.addend_stride = addend.stride
      params.addend_zero_point = addend.zeroPoint
      params.addend_multiplier = addend.multiplier
    }
    params.c = UnsafeMutableRawPointer(product.output + row * product.outputStride + first)
    params.c_stride = product.outputStride
    params.zero_point = product.requantization.zeroPoint
    params.lower = product.requantization.lower
    params.upper = product.requantization.upper
    return params
  }
}
