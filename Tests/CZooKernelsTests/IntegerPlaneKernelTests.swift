// i8_dwplane against its meaning, bit by bit, between protected pages.
import CZooKernels
import Testing

struct IntegerPlaneKernelTests {
  /// An image, the padding before it, and what of the output is wanted.
  private struct Plane {
    let taps: Int
    let step: Int
    let side: (height: Int, width: Int)
    let padding: (top: Int, left: Int)
    let lines: Range<Int>
    let pixels: Int
    let channels: Int
    /// Elements from one pixel to the next.
    let pitch: Int
  }

  /// One line and many, even and odd; images of one pixel, and wider than what is read at a time; padding wider than the window; parts and all
  /// of 64 channels.
  @Test(arguments: [(3, 1), (5, 1), (5, 2)])
  func bitsAreRightAndStayInside(_ taps: Int, _ step: Int) {
    for channels in [1, 16, 40, 63, 64] { check(taps, step, channels: channels, gap: 3) }
  }

  /// Few channels without gaps between pixels.
  @Test(arguments: [1, 2])
  func sideBySideBitsAreRightAndStayInside(_ step: Int) {
    for channels in step == 1 ? [1, 3, 8, 12, 16, 24, 31, 32] : [8, 16, 32] {
      check(3, step, channels: channels, gap: 0)
    }
  }

  private func check(_ taps: Int, _ step: Int, channels: Int, gap: Int) {
    for side in [(1, 1), (3, 2), (4, 5), (6, 7), (11, 9), (3, 43), (2, 90)] {
      for padding in [(0, 0), (taps / 2, taps / 2), (1, 0), (2, 2), (taps + 1, taps + 2)] {
        let room = (side.0 + 2 * padding.0 - taps, side.1 + 2 * padding.1 - taps)
        guard room.0 >= 0, room.1 >= 0 else { continue }
        // With a step of 2, 3 taps need pixels side by side.
        if taps == 3, step == 2, padding.1 > 2 { continue }
        let height = room.0 / step + 1
        for lines in [0..<height, height / 2..<height] {
          check(
            Plane(
              taps: taps, step: step, side: side, padding: padding, lines: lines,
              pixels: room.1 / step + 1, channels: channels, pitch: channels + gap))
        }
      }
    }
  }

  private func check(_ plane: Plane) {
    var noise = Noise(state: UInt64(plane.channels + plane.side.width))
    func bytes(_ count: Int) -> GuardedBytes {
      GuardedBytes(noise.floats(count).map { Int8($0 * 127) })
    }
    let (taps, channels, pitch) = (plane.taps, plane.channels, plane.pitch)
    let (height, width) = plane.side
    let x = bytes((height * width - 1) * pitch + channels)
    let w = bytes((taps * taps - 1) * pitch + channels)
    let bias = noise.floats(channels).map { Int32($0 * 10_000) }
    var multipliers = noise.floats(channels).map { $0 * 0.01 }
    if channels > 2 { (multipliers[0], multipliers[1], multipliers[2]) = (1e9, -1e9, .nan) }
    let count = plane.lines.count * plane.pixels
    let want = (0..<count * channels).map { at -> Int8 in
      let (pixel, c) = (at / channels, at % channels)
      let top =
        (plane.lines.lowerBound + pixel / plane.pixels) * plane.step - plane.padding.top
      let left = pixel % plane.pixels * plane.step - plane.padding.left
      var sum = bias[c]
      for i in 0..<taps where (0..<height).contains(top + i) {
        for j in 0..<taps where (0..<width).contains(left + j) {
          let value = x.bytes[((top + i) * width + left + j) * pitch + c]
          sum += (Int32(value) + 5) * Int32(w.bytes[(i * taps + j) * pitch + c])
        }
      }
      let real = Float(sum) * multipliers[c]
      let clamped = real.isNaN ? -120 : min(max(real, -120), 110.25)
      return Int8(clamped.rounded(.toNearestOrEven) + 11)
    }
    for kernel in variants("i8_dwplane") {
      let run = unsafeBitCast(kernel.function, to: zoo_i8_dwplane_ukernel.self)
      let y = GuardedBytes(count: count * channels, filledWith: 0)
      var params = zoo_i8_dwplane_params()
      (params.taps, params.step, params.channels) = (taps, plane.step, channels)
      (params.height, params.width) = (height, width)
      (params.top, params.left) = plane.padding
      (params.first, params.lines) = (plane.lines.lowerBound, plane.lines.count)
      params.pixels = plane.pixels
      (params.x, params.x_zero_point) = (UnsafePointer(x.bytes), -5)
      (params.x_line_stride, params.x_pixel_stride) = (width * pitch, pitch)
      (params.w, params.w_stride) = (UnsafePointer(w.bytes), pitch)
      (params.y, params.y_zero_point) = (y.bytes, 11)
      (params.y_line_stride, params.y_stride) = (plane.pixels * channels, channels)
      (params.lower, params.upper) = (-120, 110.25)
      bias.withUnsafeBufferPointer { bias in
        multipliers.withUnsafeBufferPointer { multipliers in
          (params.bias, params.multipliers) = (bias.baseAddress, multipliers.baseAddress)
          run(&params)
        }
      }
      #expect(y.array == want, "\(String(cString: kernel.name)) \(plane)")
    }
  }
}
