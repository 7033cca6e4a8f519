// The depthwise microkernels: rectangles of pixels against the definition, and against their pixels one by one.
import CZooKernels
import Testing

/// A rectangle of windows over an image.
struct Rectangle {
  var taps: (kh: Int, kw: Int)
  var (lines, pixels) = (1, 1)
  var stride = 1
  var dilation = 1
  var channels: Int
  /// Elements from one pixel of the image to the next.
  var pitch: Int

  var width: Int { (pixels - 1) * stride + (taps.kw - 1) * dilation + 1 }
  var height: Int { (lines - 1) * stride + (taps.kh - 1) * dilation + 1 }
  var inputCount: Int { (height * width - 1) * pitch + channels }
  var outputCount: Int { lines * pixels * channels }

  /// The index in x of tap (i, j) of the window of (line, pixel).
  func index(_ line: Int, _ pixel: Int, _ i: Int, _ j: Int) -> Int {
    ((line * stride + i * dilation) * width + pixel * stride + j * dilation) * pitch
  }

  /// Windows with and without code of their own; apart, overlapping and dilated; in one part or several of a copy.
  static func all(channels: Int, pitch: Int) -> [Rectangle] {
    var all: [Rectangle] = []
    for taps in [(3, 3), (2, 3), (3, 2), (2, 2), (5, 5), (4, 5), (5, 3), (1, 1), (6, 7)] {
      for (lines, pixels) in [(1, 1), (1, 7), (5, 1), (3, 6), (9, 4)] {
        for stride in 1...3 {
          all.append(
            Rectangle(
              taps: taps, lines: lines, pixels: pixels, stride: stride, channels: channels,
              pitch: pitch))
        }
      }
    }
    all.append(Rectangle(taps: (3, 3), lines: 2, pixels: 40, channels: channels, pitch: pitch))
    all.append(
      Rectangle(
        taps: (3, 3), lines: 3, pixels: 5, dilation: 2, channels: channels, pitch: pitch))
    return all
  }
}

struct DepthwiseKernelTests {
  @Test(arguments: [
    (1, 1), (7, 7), (8, 8), (9, 12), (16, 16), (17, 17), (40, 41), (64, 64), (36, 128), (64, 256),
    (128, 512),
  ])
  func floatsAreRightWhateverTheRectangle(_ channels: Int, _ pitch: Int) {
    var noise = Noise(state: UInt64(channels))
    for shape in Rectangle.all(channels: channels, pitch: pitch) {
      let (kh, kw) = shape.taps
      let x = GuardedBuffer(noise.floats(shape.inputCount))
      let w = GuardedBuffer(noise.floats(kh * kw * channels))
      let bias = GuardedBuffer(noise.floats(channels))
      for kernel in variants("f32_dwconv") {
        let run = unsafeBitCast(kernel.function, to: zoo_f32_dwconv_ukernel.self)
        var params = zoo_f32_dwconv_params()
        params.channels = channels
        (params.kh, params.kw, params.lines) = (kh, kw, shape.lines)
        params.x = UnsafePointer(x.floats)
        params.x_line_stride = shape.stride * shape.width * pitch
        params.x_pixel_stride = shape.stride * pitch
        params.x_row_stride = shape.dilation * shape.width * pitch
        params.x_col_stride = shape.dilation * pitch
        params.w = UnsafePointer(w.floats)
        (params.w_row_stride, params.w_col_stride) = (kw * channels, channels)
        params.bias = UnsafePointer(bias.floats)
        (params.lower, params.upper) = (-2, 2)
        (params.y_line_stride, params.y_stride) = (shape.pixels * channels, channels)
        let whole = GuardedBuffer(count: shape.outputCount, filledWith: .nan)
        params.y = whole.floats
        run(shape.pixels, &params)
        let alone = GuardedBuffer(count: shape.outputCount, filledWith: .nan)
        params.lines = 1
        for l in 0..<shape.lines {
          for q in 0..<shape.pixels {
            params.y = alone.floats + (l * shape.pixels + q) * channels
            params.x = UnsafePointer(x.floats + shape.index(l, q, 0, 0))
            run(1, &params)
          }
        }
        #expect(whole.array == alone.array, "\(String(cString: kernel.name)) \(shape)")
        for l in 0..<shape.lines {
          for q in 0..<shape.pixels {
            for c in 0..<channels {
              var sum = Double(bias.floats[c])
              for i in 0..<kh {
                for j in 0..<kw {
                  sum +=
                    Double(x.floats[shape.index(l, q, i, j) + c])
                    * Double(w.floats[(i * kw + j) * channels + c])
                }
              }
              let got = Double(whole.floats[(l * shape.pixels + q) * channels + c])
              let bound = Double(kh * kw + 2) * 0x1p-24 * Double(kh * kw + 1)
              if abs(got - min(max(sum, -2), 2)) > bound {
                Issue.record("\(String(cString: kernel.name)) \(shape): \(got), not \(sum)")
                return
              }
            }
          }
        }
      }
    }
  }

  /// The one right answer, as the portable code computes it; some multipliers lead out of the integers.
  @Test(arguments: [
    (1, 1), (3, 3), (7, 7), (8, 8), (8, 9), (16, 16), (17, 17), (24, 24), (32, 32), (40, 41),
    (64, 64), (80, 80), (130, 140),
  ])
  func integersAreExact(_ channels: Int, _ pitch: Int) {
    var noise = Noise(state: UInt64(channels))
    func bytes(_ count: Int) -> GuardedBytes {
      GuardedBytes(noise.floats(count).map { Int8($0 * 127) })
    }
    for shape in Rectangle.all(channels: channels, pitch: pitch) {
      let (kh, kw) = shape.taps
      let x = bytes(shape.inputCount)
      let w = bytes(kh * kw * channels)
      let bias = noise.floats(channels).map { Int32($0 * 10_000) }
      var multipliers = noise.floats(channels).map { $0 * 0.01 }
      if channels > 2 { (multipliers[0], multipliers[1], multipliers[2]) = (1e9, -1e9, .nan) }
      let want = (0..<shape.outputCount).map { at -> Int8 in
        let (pixel, c) = (at / channels, at % channels)
        var sum = bias[c]
        for i in 0..<kh {
          for j in 0..<kw {
            let from = shape.index(pixel / shape.pixels, pixel % shape.pixels, i, j) + c
            sum += (Int32(x.bytes[from]) + 5) * Int32(w.bytes[(i * kw + j) * channels + c])
          }
        }
        let real = Float(sum) * multipliers[c]
        let clamped = real.isNaN ? -120 : min(max(real, -120), 110.25)
        return Int8(clamped.rounded(.toNearestOrEven) + 11)
      }
      for kernel in variants("i8_dwconv") {
        let run = unsafeBitCast(kernel.function, to: zoo_integer_dwconv_ukernel.self)
        let y = GuardedBytes(count: shape.outputCount, filledWith: 0)
        var params = zoo_integer_dwconv_params()
        params.channels = channels
        (params.kh, params.kw, params.lines) = (kh, kw, shape.lines)
        params.x = UnsafeRawPointer(x.bytes)
        params.x_line_stride = shape.stride * shape.width * pitch
        params.x_pixel_stride = shape.stride * pitch
        params.x_row_stride = shape.dilation * shape.width * pitch
        params.x_col_stride = shape.dilation * pitch
        params.x_zero_point = -5
        params.w = UnsafePointer(w.bytes)
        (params.w_row_stride, params.w_col_stride) = (kw * channels, channels)
        params.y = UnsafeMutableRawPointer(y.bytes)
        (params.y_line_stride, params.y_stride) = (shape.pixels * channels, channels)
        params.y_zero_point = 11
        (params.lower, params.upper) = (-120, 110.25)
        bias.withUnsafeBufferPointer { bias in
          multipliers.withUnsafeBufferPointer { multipliers in
            params.bias = (bias.baseAddress, nil)
            params.multipliers = multipliers.baseAddress
            run(shape.pixels, &params)
          }
        }
        #expect(y.array == want, "\(String(cString: kernel.name)) \(shape)")
      }
    }
  }
}
