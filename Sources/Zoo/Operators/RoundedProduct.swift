// Products with inputs rounded to bf16, where the CPU multiplies pairs of bf16 numbers.
import CZoo
import CZooKernels

#if arch(x86_64)
/// Where one tile of a product is prepared.
private struct RoundingSpace {
  let pointers: UnsafeMutablePointer<UnsafePointer<Float>?>
  let gathered: UnsafeMutablePointer<Float>
  let rounded: UnsafeMutablePointer<UInt16>
  /// Numbers that `rounded` holds.
  let capacity: Int
}

extension MatrixProduct {
  /// Numbers of one tile: a row of VGG's largest dense layer, 8 of a 3 x 3 convolution of 512 channels.
  private static let roundedCapacity = 36864

  /// Whether inputs are rounded to bf16 before they are multiplied.
  var rounds: Bool {
    weights.type == ZOO_BF16 && runtime.kernels.bf16_igemm.run != nil
      && depth < MatrixProduct.roundedCapacity
  }

  /// Numbers of the image that the windows lie on, if these are to be rounded all at once: where each belongs to several windows, and
  /// pairs of channels can be read in place. 0 otherwise.
  var roundedImageCount: Int {
    guard source.tapCount > 1, !gathers(Int(family.mr)), source.channels % 2 == 0,
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

  /// What the kernel of thread `index` is given. Rows that are cut differently for other numbers of threads must not have another
  /// kernel for it.
  func workspace(_ index: Int) -> UnsafeMutableRawPointer? {
    guard rounds, runtime.scratch?.isForExactOnly == false else { return nil }
    return runtime.workspace(family.workspace, rows: rows, index)
  }

  /// Tiles whose rows are read from a rounded image through a table of pointers, one per tap.
  @inline(never)  // its table would sit in every caller's frame
  func runRounded(
    _ kernel: zoo_f32_igemm_ukernel, _ workspace: UnsafeMutableRawPointer?,
    image: UnsafePointer<UInt16>, rows: Range<Int>, columns: Range<Int>
  ) {
    let source = self.source.over(image)
    let taps = source.tapCount
    let tile = rowsPerCall(
      tile: Int(family.mr), workspace, most: MatrixProduct.pointerCapacity / taps)
    var table = InlineArray<1024, UnsafePointer<UInt16>?>(repeating: nil)
    var span = table.mutableSpan
    let zeros = UnsafeRawPointer(zoo_f32_zero_row_address())?.assumingMemoryBound(to: UInt16.self)
    span.withUnsafeMutableBufferPointer { table in
      guard let pointers = table.baseAddress else { return }
      runTiles(
        kernel, workspace, rows: rows, columns: columns, tile: tile,
        most: rowsPerTable(tile, most: MatrixProduct.tableCapacity / taps), taps: taps,
        channels: source.channels,
        table: UnsafeRawPointer(pointers).assumingMemoryBound(to: UnsafePointer<Float>?.self)
      ) { source.fill(pointers, rows: $0, stride: $0.count, padding: zeros) }
    }
  }

  /// Tiles whose rows are rounded to bf16 into a small buffer, where the kernel finds them as one tap.
  func runRounded(
    _ kernel: zoo_f32_igemm_ukernel, _ workspace: UnsafeMutableRawPointer?, rows: Range<Int>,
    columns: Range<Int>, gathers: Bool
  ) {
    // Clearing a large buffer would cost a small product more than the product itself.
    if workspace == nil, Int(family.mr) * roundedStep <= 4096 {
      withSmallSpace { runRounded(kernel, workspace, rows, columns, gathers, $0) }
    } else {
      withLargeSpace { runRounded(kernel, workspace, rows, columns, gathers, $0) }
    }
  }

  /// Numbers from row to row of a rounded tile: pairs, so an even number.
  private var roundedStep: Int { (depth + 1) & ~1 }

  private func runRounded(
    _ kernel: zoo_f32_igemm_ukernel, _ workspace: UnsafeMutableRawPointer?, _ rows: Range<Int>,
    _ columns: Range<Int>, _ gathers: Bool, _ space: RoundingSpace
  ) {
    guard let pack = runtime.kernels.bf16_pack else { return }
    let taps = gathers ? 1 : source.tapCount
    let step = roundedStep
    var most = min(MatrixProduct.pointerCapacity / taps, space.capacity / step)
    if gathers { most = min(most, MatrixProduct.gatherCapacity / depth) }
    let tile = rowsPerCall(tile: Int(family.mr), workspace, most: most)
    runTiles(
      kernel, workspace, rows: rows, columns: columns, tile: tile,
      most: rowsPerTable(tile, most: most),
      taps: 1, channels: depth, table: space.pointers
    ) { rows in
      let count = rows.count
      if gathers {
        source.gather(rows, into: space.gathered, step: depth, padding: 0)
        for i in 0..<count { space.pointers[i] = UnsafePointer(space.gathered + i * depth) }
      } else {
        source.fill(
          space.pointers, rows: rows, stride: count, padding: zoo_f32_zero_row_address())
      }
      var packing = zoo_bf16_pack_params()
      packing.kc = gathers ? depth : source.channels
      packing.tap_count = taps
      packing.a = UnsafePointer(space.pointers)
      packing.a_tap_stride = count
      packing.y = space.rounded
      packing.y_stride = step
      pack(count, &packing)
      for i in 0..<count {
        space.pointers[i] = UnsafeRawPointer(space.rounded + i * step)
          .assumingMemoryBound(to: Float.self)
      }
    }
  }

  @inline(never)  // its memory would sit in every caller's frame
  private func withSmallSpace(_ body: (RoundingSpace) -> Void) {
    var rounded = InlineArray<4096, UInt16>(repeating: 0)
    var span = rounded.mutableSpan
    span.withUnsafeMutableBufferPointer { withTables($0, body) }
  }

  @inline(never)
  private func withLargeSpace(_ body: (RoundingSpace) -> Void) {
    var rounded = InlineArray<36864, UInt16>(repeating: 0)
    var span = rounded.mutableSpan
    span.withUnsafeMutableBufferPointer { withTables($0, body) }
  }

  private func withTables(
    _ rounded: UnsafeMutableBufferPointer<UInt16>, _ body: (RoundingSpace) -> Void
  ) {
    var pointers = InlineArray<1024, UnsafePointer<Float>?>(repeating: nil)
    var gathered = InlineArray<4096, Float>(repeating: 0)
    var pointerSpan = pointers.mutableSpan
    var gatheredSpan = gathered.mutableSpan
    pointerSpan.withUnsafeMutableBufferPointer { pointers in
      gatheredSpan.withUnsafeMutableBufferPointer { gathered in
        guard let pointers = pointers.baseAddress, let gathered = gathered.baseAddress,
          let numbers = rounded.baseAddress
        else { return }
        body(
          RoundingSpace(
            pointers: pointers, gathered: gathered, rounded: numbers, capacity: rounded.count))
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
    var from: UnsafePointer<Float>? = image + first
    withUnsafePointer(to: &from) { pointer in
      var params = zoo_bf16_pack_params()
      params.kc = min(count, blocks.upperBound * 32) - first
      params.tap_count = 1
      params.a = pointer
      params.a_tap_stride = 1
      params.y = rounded + first
      params.y_stride = params.kc
      runtime.kernels.bf16_pack?(1, &params)
    }
  }
}
#else
extension MatrixProduct {
  /// Never: no other kernels multiply bf16, and firmware does not carry the code.
  var rounds: Bool { false }
  func workspace(_ index: Int) -> UnsafeMutableRawPointer? { nil }
  func runRounded(
    _ kernel: zoo_f32_igemm_ukernel, _ workspace: UnsafeMutableRawPointer?, rows: Range<Int>,
    columns: Range<Int>, gathers: Bool
  ) {}
  func runRounded(
    _ kernel: zoo_f32_igemm_ukernel, _ workspace: UnsafeMutableRawPointer?,
    image: UnsafePointer<UInt16>, rows: Range<Int>, columns: Range<Int>
  ) {}
  func roundImage() -> UnsafePointer<UInt16>? { nil }
}
#endif
