// Products with inputs rounded to bf16, where the CPU multiplies pairs of bf16 numbers.
import CZoo
import CZooKernels

#if arch(x86_64)
extension MatrixProduct {
  /// Numbers of one tile: a row of VGG's largest dense layer, 8 of a 3 x 3 convolution of 512 channels.
  static let roundedCapacity = 36864

  /// Whether inputs are rounded to bf16 before they are multiplied.
  var rounds: Bool {
    weights.type == ZOO_BF16 && runtime.kernels.bf16_igemm.run != nil
      && depth < MatrixProduct.roundedCapacity
  }

  /// Numbers of the image that the windows lie on, if these are to be rounded all at once: where each belongs to several windows, and
  /// pairs of channels can be read in place. 0 otherwise.
  var roundedImageCount: Int {
    guard source.tapCount > 1, !pads, source.channels % 2 == 0,
      source.channels % source.pixelStride == 0
    else { return 0 }
    return rows / max(1, source.outputHeight * source.outputWidth) * source.height * source.width
      * source.pixelStride
  }

  /// The image in scratch memory, rounded, if there is room for it.
  func roundImage() -> UnsafePointer<UInt16>? {
    let count = roundedImageCount
    guard count > 0, let scratch = runtime.scratch else { return nil }
    // Workspaces of threads lie before it.
    let first = family.workspace == 0 ? 0 : runtime.threadCount * scratch.shareByteCount
    guard first + (count + 1) * MemoryLayout<UInt16>.stride <= scratch.byteCount else { return nil }
    let rounded = (scratch.base + first).assumingMemoryBound(to: UInt16.self)
    ImageRounding(image: source.base, count: count, rounded: rounded, runtime: runtime).start()
    return UnsafePointer(rounded)
  }

  /// Whether pairs of numbers straddle two kernel rows of a copied block although they need not: vectors multiply them, and weights
  /// with a row of zeros after each kernel row fit `ZOO_MEMORY_BYTES`.
  var wantsEvenLines: Bool {
    let line = source.horizontal.kernel * source.channels
    return rounds && pads && line % 2 == 1 && workspace(0) == nil
      && source.vertical.kernel * (line + 1) * columns * MemoryLayout<UInt16>.stride
        <= Int(ZOO_MEMORY_BYTES)
  }

  /// Puts weights with those zeros into `memory` and multiplies by them from now on: windows need not be put together, every kernel row is
  /// a tap of its own. (What is multiplied by zero is the number after it.)
  mutating func evenLines(_ memory: UnsafeMutableRawPointer) {
    let line = source.horizontal.kernel * source.channels
    let numbers = memory.assumingMemoryBound(to: UInt16.self)
    weights.copy(columns: columns, depth: depth, line: line, into: numbers)
    weights = MatrixWeights(UnsafeRawPointer(numbers), ZOO_BF16)
    depth = source.vertical.kernel * (line + 1)
    hasEvenLines = true
  }

  /// Whether outputs are rounded once they are finished, since the kernel gives floats or an activation passes over them.
  var roundsAfterwards: Bool { roundedOutput != nil && (!rounds || needsPass) }

  /// `floats` are the results for `rows` and `columns`: they become outputs of bf16.
  func finish(rows: Range<Int>, columns: Range<Int>, _ floats: UnsafeMutablePointer<Float>) {
    guard let roundedOutput else { return }
    let count = rows.count * columns.count
    if needsPass { activation.apply(floats, floats, count: count, runtime) }
    let first = roundedOutput + rows.lowerBound * outputStride + columns.lowerBound
    if columns.count == outputStride {
      return roundNumbers(floats, count, to: first, runtime)
    }
    for row in 0..<rows.count {
      roundNumbers(
        floats + row * columns.count, columns.count, to: first + row * outputStride, runtime)
    }
  }

  /// What the kernel of thread `index` is given. Rows that are cut differently for other numbers of threads must not have another
  /// kernel for it.
  func workspace(_ index: Int) -> UnsafeMutableRawPointer? {
    guard rounds, runtime.scratch?.isForExactOnly == false else { return nil }
    return runtime.workspace(family.workspace, rows: rows, index)
  }
}

extension FloatTiles {
  /// Numbers that fit half of the memory.
  private static let smallCount = 2 * blockCapacity

  /// `rows`, which are those of `source` from `start` on, rounded to bf16 some at a time, so that the kernel finds them as one tap.
  func round(
    _ rows: Range<Int>, of source: ImageSource<Float>, _ start: Int, _ memory: FloatMemory
  ) {
    if workspace == nil, min(rows.count, Int(product.family.mr)) * step <= FloatTiles.smallCount {
      let numbers = UnsafeMutableRawPointer(memory.rest).assumingMemoryBound(to: UInt16.self)
      round(rows, of: source, start, memory, numbers, capacity: FloatTiles.smallCount)
    } else {
      withLargeSpace {
        guard let numbers = $0.baseAddress else { return }
        round(rows, of: source, start, memory, numbers, capacity: $0.count)
      }
    }
  }

  /// `rows`, which are all those of `part`, a copied block: it is rounded once, not every window of it.
  func runRounded(_ rows: Range<Int>, of part: ImageSource<Float>, _ memory: FloatMemory) {
    let numbers = UnsafeMutableRawPointer(memory.rest).assumingMemoryBound(to: UInt16.self)
    roundNumbers(
      part.base, part.height * part.width * part.pixelStride, to: numbers, product.runtime)
    let rounded = part.over(UnsafePointer(numbers))
    let lines = rounded.byKernelRows
    if product.hasEvenLines {
      numbers[part.height * part.width * part.pixelStride] = 0
      return run(rows, of: lines, 0, channels: lines.channels + 1, memory)
    }
    guard lines.channels % 2 == 1 else { return run(rows, of: lines, 0, memory) }
    // Windows are put together.
    let windows = numbers + FloatTiles.blockCapacity
    let (depth, step) = (product.depth, step)
    let most = FloatTiles.blockCapacity / step
    let tile = rowsPerCall(tile: Int(product.family.mr), workspace, most: most)
    multiply(
      rows, tile: tile, most: rowsPerTable(tile, most: most), taps: 1, channels: depth,
      memory
    ) {
      rounded.gather(
        $0.lowerBound - rows.lowerBound..<$0.upperBound - rows.lowerBound, into: windows,
        step: step, padding: 0)
      for i in 0..<$0.count {
        if depth < step { windows[i * step + depth] = 0 }
        memory.pointers[i] = UnsafeRawPointer(windows + i * step)
          .assumingMemoryBound(to: Float.self)
      }
    }
  }

  /// Numbers from row to row of what is rounded: pairs, so an even number.
  private var step: Int { (product.depth + 1) & ~1 }

  private func round(
    _ rows: Range<Int>, of source: ImageSource<Float>, _ start: Int, _ memory: FloatMemory,
    _ numbers: UnsafeMutablePointer<UInt16>, capacity: Int
  ) {
    guard let pack = product.runtime.kernels.bf16_pack else { return }
    let taps = source.tapCount
    let step = step
    let most = min(MatrixProduct.pointerCapacity / taps, capacity / step)
    let tile = rowsPerCall(tile: Int(product.family.mr), workspace, most: most)
    let offset = start - rows.lowerBound
    multiply(
      rows, tile: tile, most: rowsPerTable(tile, most: most), taps: 1, channels: product.depth,
      memory
    ) { rows in
      source.fill(
        memory.pointers, rows: rows.lowerBound + offset..<rows.upperBound + offset,
        stride: rows.count, padding: zoo_f32_zero_row_address())
      var packing = zoo_bf16_pack_params()
      packing.kc = source.channels
      packing.tap_count = taps
      packing.a = UnsafePointer(memory.pointers)
      packing.a_tap_stride = rows.count
      packing.y = numbers
      packing.y_stride = step
      pack(rows.count, &packing)
      for i in 0..<rows.count {
        memory.pointers[i] = UnsafeRawPointer(numbers + i * step)
          .assumingMemoryBound(to: Float.self)
      }
    }
  }

  @inline(never)  // its memory would sit in every caller's frame
  private func withLargeSpace(_ body: (UnsafeMutableBufferPointer<UInt16>) -> Void) {
    var numbers = InlineArray<36864, UInt16>(repeating: 0)  // MatrixProduct.roundedCapacity
    var span = numbers.mutableSpan
    span.withUnsafeMutableBufferPointer(body)
  }
}

extension MatrixWeights {
  /// Copies pairs of `depth` rows with one row of zeros after each `line` of them, an odd number.
  fileprivate func copy(
    columns: Int, depth: Int, line: Int, into target: UnsafeMutablePointer<UInt16>
  ) {
    let numbers = base.assumingMemoryBound(to: UInt16.self)
    let lines = depth / line
    let evenDepth = lines * (line + 1)
    for panel in Swift.stride(from: 0, to: columns, by: MatrixProduct.panel) {
      let count = min(MatrixProduct.panel, columns - panel)
      for row in Swift.stride(from: 0, to: evenDepth, by: 2) {
        let (i, k) = (row / (line + 1), row % (line + 1))
        let pairs = UnsafeMutableRawPointer(target + panel * evenDepth + row * count)
          .assumingMemoryBound(to: UInt32.self)
        let first = place(row: i * line + k, of: depth, columns: count)
        let low = numbers + panel * depth + first.start
        guard k + 1 < line else {
          for c in 0..<count { pairs[c] = UInt32(low[first.step &* c]) }
          continue
        }
        let second = place(row: i * line + k + 1, of: depth, columns: count)
        let high = numbers + panel * depth + second.start
        for c in 0..<count {
          pairs[c] = UInt32(low[first.step &* c]) | UInt32(high[second.step &* c]) &<< 16
        }
      }
    }
  }
}

/// All numbers of an image rounded to bf16, in parts.
private struct ImageRounding: ParallelWork {
  let image: UnsafePointer<Float>
  let count: Int
  let rounded: UnsafeMutablePointer<UInt16>
  let runtime: Runtime

  /// Numbers that one task is worth.
  private static let least = 1 << 14

  private var pieces: Int { min(runtime.threadCount, max(1, count / ImageRounding.least)) }

  func start() { forEach(pieces, runtime) { ImageRounding.body($0).run($1) } }

  func run(_ index: Int) {
    // Whole vectors: only the last part may be odd, and then has a zero after it.
    let blocks = piece(index, of: pieces, (count + 31) / 32)
    let first = blocks.lowerBound * 32
    roundNumbers(
      image + first, min(count, blocks.upperBound * 32) - first, to: rounded + first, runtime)
  }
}

/// Rounds `count` neighbouring numbers; a zero follows an odd number of them.
private func roundNumbers(
  _ from: UnsafePointer<Float>, _ count: Int, to target: UnsafeMutablePointer<UInt16>,
  _ runtime: Runtime
) {
  var from: UnsafePointer<Float>? = from
  withUnsafePointer(to: &from) { pointer in
    var params = zoo_bf16_pack_params()
    params.kc = count
    params.tap_count = 1
    params.a = pointer
    params.a_tap_stride = 1
    params.y = target
    params.y_stride = count
    runtime.kernels.bf16_pack?(1, &params)
  }
}
#else
extension MatrixProduct {
  /// Never: no other kernels multiply bf16, and firmware does not carry the code.
  var rounds: Bool { false }
  func workspace(_ index: Int) -> UnsafeMutableRawPointer? { nil }
  func roundImage() -> UnsafePointer<UInt16>? { nil }
  var wantsEvenLines: Bool { false }
  mutating func evenLines(_ memory: UnsafeMutableRawPointer) {}
  var roundsAfterwards: Bool { false }
  func finish(rows: Range<Int>, columns: Range<Int>, _ floats: UnsafeMutablePointer<Float>) {}
}

extension FloatTiles {
  func round(
    _ rows: Range<Int>, of source: ImageSource<Float>, _ start: Int, _ memory: FloatMemory
  ) {}
  func runRounded(_ rows: Range<Int>, of part: ImageSource<Float>, _ memory: FloatMemory) {}
}
#endif
