// i8_winograd against the convolution that it stands for, bit by bit, between protected pages.
import CZooKernels
import Testing

struct IntegerWinogradKernelTests {
  /// A tile of which these rows and columns of the input exist, and so many of the output.
  private struct Tile {
    let rows: Range<Int>
    let columns: Range<Int>
    let height: Int
    let width: Int
  }

  private static let tiles = [
    Tile(rows: 0..<6, columns: 0..<6, height: 4, width: 4),
    Tile(rows: 1..<6, columns: 2..<6, height: 4, width: 3),
    Tile(rows: 0..<4, columns: 1..<3, height: 2, width: 1),
    Tile(rows: 5..<6, columns: 0..<1, height: 1, width: 4),
  ]

  /// Channels in one part and in several, one panel of columns and two; inputs and weights at their ends, where sums are largest.
  @Test(arguments: [(16, 16, false), (128, 32, false), (128, 16, true), (144, 32, true)])
  func bitsAreRightAndStayInside(_ channels: Int, _ columns: Int, _ isExtreme: Bool) {
    for tile in IntegerWinogradKernelTests.tiles { check(tile, channels, columns, isExtreme) }
  }

  private func check(_ tile: Tile, _ channels: Int, _ columns: Int, _ isExtreme: Bool) {
    var noise = Noise(state: UInt64(channels + tile.height))
    func bytes(_ count: Int) -> GuardedBytes {
      GuardedBytes(noise.floats(count).map { isExtreme ? ($0 < 0.9 ? -128 : 127) : Int8($0 * 127) })
    }
    let existing = tile.rows.count * tile.columns.count
    let x = bytes(existing * channels)
    let w = GuardedBytes(bytes(9 * channels * columns).array.map { max(-127, $0) })
    let addend = bytes(tile.height * tile.width * columns)
    let bias = noise.floats(columns).map { Int32($0 * 10_000) }
    let size: Float = isExtreme ? 0.5e-5 : 0.1 / Float(channels)
    var multipliers = noise.floats(columns).map { $0 * size }
    (multipliers[0], multipliers[1], multipliers[2]) = (1e9, -1e9, .nan)
    func weight(_ tap: Int, _ c: Int, _ column: Int) -> Int32 {
      let panel = w.bytes + column / 16 * 9 * channels * 16
      let row = tap * channels + c
      return Int32(panel[row / 4 * 64 + column % 16 * 4 + row % 4])
    }
    func pixel(_ i: Int, _ j: Int, _ c: Int) -> Int32 {
      guard tile.rows.contains(i), tile.columns.contains(j) else { return -5 }
      let line = (i - tile.rows.lowerBound) * tile.columns.count + j - tile.columns.lowerBound
      return Int32(x.bytes[line * channels + c])
    }
    let want = (0..<tile.height * tile.width * columns).map { at -> Int8 in
      let (place, column) = (at / columns, at % columns)
      var sum = bias[column]
      for tap in 0..<9 {
        for c in 0..<channels {
          sum +=
            pixel(place / tile.width + tap / 3, place % tile.width + tap % 3, c)
            * weight(tap, c, column)
        }
      }
      let real = Float(sum) * multipliers[column] + Float(Int32(addend.bytes[at]) - 3) * 0.25
      let clamped = real.isNaN ? -120 : min(max(real, -120), 110.25)
      return Int8(clamped.rounded(.toNearestOrEven) + 11)
    }
    for kernel in variants("i8_winograd") {
      let run = unsafeBitCast(kernel.function, to: zoo_i8_winograd_ukernel.self)
      let y = GuardedBytes(count: want.count, filledWith: 0)
      let inputs = Guarded<Int16>(count: 36 * channels, filledWith: 0)
      let sums = Guarded<Int32>(count: 36 * Int(ZOO_WINOGRAD_COLUMNS), filledWith: 0)
      let partial = Guarded<Int32>(count: 16 * Int(ZOO_WINOGRAD_COLUMNS), filledWith: 0)
      var params = zoo_i8_winograd_params()
      params.channels = channels
      (params.inputs, params.input_stride) = (inputs.numbers, channels)
      (params.sums, params.sum_stride) = (sums.numbers, Int(ZOO_WINOGRAD_COLUMNS))
      (params.partial, params.padding, params.columns) = (partial.numbers, -5, columns)
      (params.pixel_stride, params.row_stride) = (channels, tile.columns.count * channels)
      (params.first_row, params.end_row) = (tile.rows.lowerBound, tile.rows.upperBound)
      (params.first_column, params.end_column) = (
        tile.columns.lowerBound, tile.columns.upperBound
      )
      let first = tile.rows.lowerBound * tile.columns.count + tile.columns.lowerBound
      params.x = UnsafePointer(x.bytes) - first * channels
      params.step = ZOO_I8_WINOGRAD_INPUT
      run(channels, &params)
      (params.first_row, params.end_row) = (0, tile.height)
      (params.first_column, params.end_column) = (0, tile.width)
      (params.y, params.zero_point, params.lower, params.upper) = (y.bytes, 11, -120, 110.25)
      (params.y_pixel_stride, params.y_row_stride) = (columns, tile.width * columns)
      (params.addend, params.addend_zero_point) = (UnsafePointer(addend.bytes), 3)
      (params.addend_pixel_stride, params.addend_row_stride) = (columns, tile.width * columns)
      params.addend_multiplier = 0.25
      bias.withUnsafeBufferPointer { bias in
        multipliers.withUnsafeBufferPointer { multipliers in
          (params.bias, params.multipliers) = (bias.baseAddress, multipliers.baseAddress)
          runParts(run, params, w, channels)
        }
      }
      #expect(y.array == want, "\(String(cString: kernel.name)) \(tile), \(channels) channels")
    }
  }

  private func runParts(
    _ run: zoo_i8_winograd_ukernel, _ given: zoo_i8_winograd_params, _ w: GuardedBytes,
    _ channels: Int
  ) {
    let most = Int(ZOO_I8_WINOGRAD_DEPTH)
    for depth in stride(from: 0, to: channels, by: most) {
      var params = given
      params.depth = min(most, channels - depth)
      (params.is_first, params.is_last) = (depth == 0, depth + params.depth == channels)
      let weights = Guarded<Int16>(count: 36 * params.depth * params.columns, filledWith: 0)
      params.tap_stride = 16 * channels
      params.weight_stride = params.depth * params.columns
      params.step = ZOO_I8_WINOGRAD_WEIGHTS
      for column in stride(from: 0, to: params.columns, by: 16) {
        params.w = UnsafePointer(w.bytes) + column * 9 * channels + depth * 16
        params.weights = weights.numbers + column * params.depth
        run(params.depth, &params)
      }
      params.weights = weights.numbers
      params.step = ZOO_I8_WINOGRAD_PRODUCT
      params.inputs = given.inputs + depth
      run(1, &params)
      params.step = ZOO_I8_WINOGRAD_OUTPUT
      run(params.columns, &params)
    }
  }
}
