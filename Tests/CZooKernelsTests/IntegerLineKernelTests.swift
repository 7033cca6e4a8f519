// i8_lines against its meaning, bit by bit, between protected pages.
import CZooKernels
import Testing

struct IntegerLineKernelTests {
  /// Taps and bytes of each: one run, whole quads, quads that straddle taps.
  private let runs = [
    (1, 3), (1, 16), (1, 28), (1, 31), (3, 16), (3, 48), (2, 20), (3, 9), (5, 5), (7, 2), (15, 15),
  ]

  /// Lines below, at and above four pixels and tiles; columns around fours and panels; runs around 16 bytes.
  @Test(arguments: [1, 2, 3, 4, 5, 7, 8, 16, 19])
  func bitsAreRightAndStayInside(_ pixels: Int) {
    for kernel in variants("i8_lines") {
      let run = unsafeBitCast(kernel.function, to: zoo_i8_lines_ukernel.self)
      for columns in [1, 4, 6, 8, 11, 16, 31, 33] {
        for (taps, channels) in runs {
          for step in [1, channels, channels + 5] {
            check(
              run, lines: pixels < 16 ? 3 : 2, pixels: pixels, columns: columns, taps: taps,
              channels: channels, step: step, hasAddend: (pixels + columns + taps) % 2 == 0)
          }
        }
      }
    }
  }

  private func check(
    _ run: zoo_i8_lines_ukernel, lines: Int, pixels: Int, columns: Int, taps: Int, channels: Int,
    step: Int, hasAddend: Bool
  ) {
    var noise = Noise(state: UInt64(pixels * 1000 + columns))
    func bytes(_ count: Int) -> [Int8] { noise.floats(count).map { Int8($0 * 127) } }
    let rows = lines * pixels
    // Taps lie one line below another; what is read last is the last that may be: 16 bytes where quads straddle taps.
    let lineStep = pixels * step
    let last = taps > 1 && channels % 4 != 0 ? 16 : channels
    let image = bytes((lines + taps - 2) * lineStep + (pixels - 1) * step + last)
    let depth = (taps * channels + 3) / 4 * 4
    var plain = bytes(depth * columns)
    for k in taps * channels..<depth {
      for j in 0..<columns { plain[k * columns + j] = 0 }
    }
    var packed: [Int8] = []
    for first in stride(from: 0, to: columns, by: 16) {
      for quad in stride(from: 0, to: depth, by: 4) {
        for j in first..<min(columns, first + 16) {
          packed += (0..<4).map { plain[(quad + $0) * columns + j] }
        }
      }
    }
    let bias = (0..<columns).map { Int32($0 * 37 - 300) }
    let unsigned = (0..<columns).map { j in
      bias[j] - 128 * (0..<depth).reduce(0) { $0 + Int32(plain[$1 * columns + j]) }
    }
    let scales = noise.floats(columns).map { 0.004 + 0.003 * $0 }
    let added = bytes(rows * columns)
    let x = GuardedBytes(image)
    let w = GuardedBytes(packed)
    let first = Guarded(bias)
    let second = Guarded(unsigned)
    let multipliers = GuardedBuffer(scales)
    let addend = GuardedBytes(added)
    let y = GuardedBytes(count: rows * columns, filledWith: 99)
    var params = zoo_i8_lines_params()
    params.product.kc = channels
    params.product.tap_count = taps
    params.product.w = UnsafePointer(w.bytes)
    params.product.bias = (UnsafePointer(first.numbers), UnsafePointer(second.numbers))
    params.product.multipliers = UnsafePointer(multipliers.floats)
    params.product.addend = hasAddend ? UnsafeRawPointer(addend.bytes) : nil
    params.product.addend_stride = columns
    params.product.addend_zero_point = 11
    params.product.addend_multiplier = 0.3
    params.product.c = UnsafeMutableRawPointer(y.bytes)
    params.product.c_stride = columns
    params.product.zero_point = -4
    (params.product.lower, params.product.upper) = (-90, 120)
    params.x = UnsafePointer(x.bytes)
    params.pixels = pixels
    (params.pixel_step, params.line_step, params.tap_step) = (step, lineStep, lineStep)
    run(lines, columns, &params)
    let got = y.array
    var wrong = 0
    for row in 0..<rows {
      for j in 0..<columns {
        var sum = bias[j]
        for k in 0..<taps * channels {
          let at = (row / pixels + k / channels) * lineStep + row % pixels * step + k % channels
          sum += Int32(image[at]) * Int32(plain[k * columns + j])
        }
        var real = Float(sum) * scales[j]
        if hasAddend { real += Float(Int32(added[row * columns + j]) - 11) * 0.3 }
        let rounded = min(max(real, -90), 120).rounded(.toNearestOrEven)
        if Int(got[row * columns + j]) != Int(rounded) - 4 { wrong += 1 }
      }
    }
    #expect(
      wrong == 0,
      "\(lines) lines of \(pixels), \(columns) columns, \(taps) taps of \(channels), \(step) apart")
  }
}
