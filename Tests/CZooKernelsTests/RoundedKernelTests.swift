// Kernels that read and write images of bf16: the bits of those of floats, rounded.
import CZooKernels
import Testing

/// The kernel of floats that adds in the same order, which is that of the largest vectors.
private func floats(_ family: String) throws -> zoo_ukernel {
  try #require(variants(family).last { $0.isa <= UInt32(ZOO_KERNELS_AVX512) })
}

struct RoundedKernelTests {
  @Test(arguments: [
    (1, 1), (2, 2), (7, 7), (16, 16), (17, 17), (32, 32), (40, 42), (64, 64), (64, 512),
    (128, 1024),
  ])
  func depthwise(_ channels: Int, _ pitch: Int) throws {
    var noise = Noise(state: UInt64(channels))
    for shape in Rectangle.all(channels: channels, pitch: pitch) {
      let (kh, kw) = shape.taps
      let x = Guarded(noise.floats(shape.inputCount).map(bf16))
      let wide = GuardedBuffer(x.array.map(widened))
      let w = GuardedBuffer(noise.floats(kh * kw * channels))
      let bias = GuardedBuffer(noise.floats(channels))
      for kernel in variants("bf16_dwconv") {
        let y = Guarded(count: shape.outputCount, filledWith: UInt16(0x7FFF))
        let want = GuardedBuffer(count: shape.outputCount, filledWith: .nan)
        var params = zoo_f32_dwconv_params()
        params.channels = channels
        (params.kh, params.kw, params.lines) = (kh, kw, shape.lines)
        params.x_line_stride = shape.stride * shape.width * pitch
        params.x_pixel_stride = shape.stride * pitch
        params.x_row_stride = shape.dilation * shape.width * pitch
        params.x_col_stride = shape.dilation * pitch
        params.w = UnsafePointer(w.floats)
        (params.w_row_stride, params.w_col_stride) = (kw * channels, channels)
        params.bias = UnsafePointer(bias.floats)
        (params.lower, params.upper) = (-2, 2)
        (params.y_line_stride, params.y_stride) = (shape.pixels * channels, channels)
        params.rounded_x = UnsafePointer(x.numbers)
        params.rounded_y = y.numbers
        unsafeBitCast(kernel.function, to: zoo_f32_dwconv_ukernel.self)(shape.pixels, &params)
        params.x = UnsafePointer(wide.floats)
        params.y = want.floats
        let reference = try floats("f32_dwconv")
        unsafeBitCast(reference.function, to: zoo_f32_dwconv_ukernel.self)(shape.pixels, &params)
        withExtendedLifetime((x, wide, w, bias)) {}
        #expect(y.array == want.array.map(bf16), "\(shape)")
      }
    }
  }

  /// With padding on all sides, on none, and more than a window has; images whole and in two bands of lines.
  @Test(arguments: [
    (3, 8, 9), (3, 16, 16), (3, 24, 24), (3, 40, 43), (3, 64, 70), (5, 8, 8), (5, 8, 16),
    (5, 16, 33), (5, 32, 32), (5, 56, 57), (5, 64, 64),
  ])
  func planes(_ taps: Int, _ channels: Int, _ pitch: Int) throws {
    var noise = Noise(state: UInt64(taps + channels + pitch))
    // avx2 has windows of 5 x 5 taps only.
    let kernels = variants("f32_dwplane").filter {
      taps == 5 || $0.isa >= UInt32(ZOO_KERNELS_AVX512)
    }
    var calls = 0
    for (lines, pixels) in [(1, 7), (7, 7), (14, 14), (2, 13), (3, 8), (9, 44), (4, 60)] {
      for (top, left) in [(taps / 2, taps / 2), (0, 0), (taps - 1, taps - 1), (taps + 1, 1)] {
        let copied = (max(lines, 2) + taps - 1) * (pixels + taps - 1) * ((channels + 15) / 16) * 64
        guard copied <= Int(ZOO_PLANE_COPY) else { continue }
        // Also images that end before the last window does.
        let height = max(1, lines - 1 - top / 2)
        let width = max(1, pixels + taps - 2 - 2 * left)
        let x = Guarded(noise.floats((height * width - 1) * pitch + channels).map(bf16))
        let wide = GuardedBuffer(x.array.map(widened))
        let w = GuardedBuffer(noise.floats(taps * taps * channels))
        let bias = GuardedBuffer(noise.floats(channels))
        var params = zoo_f32_dwplane_params()
        (params.taps, params.channels, params.pixels) = (taps, channels, pixels)
        (params.height, params.width, params.top, params.left) = (height, width, top, left)
        (params.x_line_stride, params.x_pixel_stride) = (width * pitch, pitch)
        (params.w, params.w_stride) = (UnsafePointer(w.floats), channels)
        params.bias = UnsafePointer(bias.floats)
        (params.y_line_stride, params.y_stride) = (pixels * channels, channels)
        for swish in 0...(taps == 5 ? 1 : 0) {
          (params.lower, params.upper) =
            swish == 1 ? (-Float.infinity, Float.infinity) : (-1, Float(1.5))
          params.hard_swish = Int32(swish)
          for kernel in kernels {
            let y = GuardedBuffer(count: lines * pixels * channels, filledWith: .nan)
            let run = unsafeBitCast(kernel.function, to: zoo_f32_dwplane_ukernel.self)
            for band in [0..<lines / 2, lines / 2..<lines] where !band.isEmpty {
              (params.first, params.lines) = (band.lowerBound, band.count)
              params.x = UnsafePointer(wide.floats)
              params.y = y.floats + band.lowerBound * params.y_line_stride
              run(&params)
            }
            calls += 1
            for at in 0..<lines * pixels * channels {
              let (l, p, c) = (at / channels / pixels, at / channels % pixels, at % channels)
              var sum = Double(bias.floats[c])
              for tap in 0..<taps * taps {
                let (i, j) = (l + tap / taps - top, p + tap % taps - left)
                guard 0..<height ~= i, 0..<width ~= j else { continue }
                sum +=
                  Double(wide.floats[(i * width + j) * pitch + c])
                  * Double(w.floats[tap * channels + c])
              }
              let want =
                swish == 1 ? sum * min(max(sum / 6 + 0.5, 0), 1) : min(max(sum, -1), 1.5)
              try #require(abs(Double(y.floats[at]) - want) < 2e-5, "\(lines)x\(pixels) [\(at)]")
            }
            for rounding in variants("bf16_dwplane") {
              let rounded = Guarded(count: y.count, filledWith: UInt16(0x7FFF))
              (params.first, params.lines) = (0, lines)
              (params.rounded_x, params.rounded_y) = (UnsafePointer(x.numbers), rounded.numbers)
              unsafeBitCast(rounding.function, to: zoo_f32_dwplane_ukernel.self)(&params)
              #expect(rounded.array == y.array.map(bf16), "\(lines)x\(pixels)")
            }
          }
        }
        withExtendedLifetime((x, wide, w, bias)) {}
      }
    }
    #expect(calls > 0 || kernels.isEmpty)
  }

  @Test(arguments: [1, 7, 16, 17, 40])
  func binaries(_ count: Int) {
    var noise = Noise(state: UInt64(count))
    let rows = 3
    let a = Guarded(noise.floats(rows * count).map(bf16))
    for (step, stride) in [(1, 0), (1, count), (0, 1)] {
      let b = GuardedBuffer(noise.floats((rows - 1) * stride + step * (count - 1) + 1))
      for kernel in variants("bf16_binary") {
        let y = Guarded(count: rows * count, filledWith: UInt16(0x7FFF))
        var params = zoo_f32_binary_params()
        params.kind = ZOO_BINARY_MUL
        (params.rounded_a, params.a_step, params.a_stride) = (UnsafePointer(a.numbers), 1, count)
        (params.b, params.b_step, params.b_stride) = (UnsafePointer(b.floats), step, stride)
        (params.rounded_y, params.y_stride, params.rows) = (y.numbers, count, rows)
        (params.lower, params.upper) = (-0.5, 0.25)
        unsafeBitCast(kernel.function, to: zoo_f32_binary_ukernel.self)(count, &params)
        let want = (0..<rows * count).map { at in
          let factor = b.floats[at / count * stride + at % count * step]
          return bf16(min(max(widened(a.numbers[at]) * factor, -0.5), 0.25))
        }
        #expect(y.array == want)
      }
      withExtendedLifetime((a, b)) {}
    }
  }

  @Test(arguments: [1, 7, 16, 17, 40, 64, 100])
  func pools(_ channels: Int) throws {
    var noise = Noise(state: UInt64(channels))
    let (kh, kw, lines, pixels, width) = (3, 3, 2, 6, 8)
    let x = Guarded(noise.floats((kh + lines - 1) * width * channels).map(bf16))
    let wide = GuardedBuffer(x.array.map(widened))
    for kernel in variants("bf16_pool") {
      let run = unsafeBitCast(kernel.function, to: zoo_f32_pool_ukernel.self)
      for kind in [ZOO_POOL_MAX, ZOO_POOL_MIN, ZOO_POOL_SUM] {
        let y = Guarded(count: lines * pixels * channels, filledWith: UInt16(0x7FFF))
        let floating = GuardedBuffer(count: lines * pixels * channels, filledWith: .nan)
        let want = GuardedBuffer(count: lines * pixels * channels, filledWith: .nan)
        var params = zoo_f32_pool_params()
        params.kind = kind
        params.channels = channels
        (params.kh, params.kw, params.lines) = (kh, kw, lines)
        params.x_line_stride = width * channels
        params.x_pixel_stride = channels
        params.x_row_stride = width * channels
        params.x_col_stride = channels
        params.y_line_stride = pixels * channels
        params.y_stride = channels
        params.scale = kind == ZOO_POOL_SUM ? 1.0 / 9 : 1
        (params.lower, params.upper) = (-0.5, 0.9)
        params.rounded_x = UnsafePointer(x.numbers)
        params.rounded_y = y.numbers
        run(pixels, &params)
        params.rounded_y = nil
        params.y = floating.floats
        run(pixels, &params)
        params.x = UnsafePointer(wide.floats)
        params.y = want.floats
        let reference = try floats("f32_pool")
        unsafeBitCast(reference.function, to: zoo_f32_pool_ukernel.self)(pixels, &params)
        withExtendedLifetime((x, wide)) {}
        #expect(floating.array == want.array)
        #expect(y.array == want.array.map(bf16))
      }
    }
  }

  @Test(arguments: [1, 16, 17, 33, 64])
  func transformsOfInputs(_ lanes: Int) throws {
    var noise = Noise(state: UInt64(lanes))
    for (rows, columns) in [(0..<6, 0..<6), (1..<6, 0..<6), (0..<6, 1..<5), (2..<3, 5..<6)] {
      let x = Guarded(noise.floats(rows.count * columns.count * lanes).map(bf16))
      let wide = GuardedBuffer(x.array.map(widened))
      func spectrum(_ kernel: zoo_ukernel, _ x: UnsafeRawPointer, width: Int) -> [Float] {
        let spectrum = GuardedBuffer(count: 36 * lanes, filledWith: .nan)
        var params = zoo_f32_winograd_params()
        params.kind = ZOO_WINOGRAD_INPUT
        params.pixel_stride = lanes
        params.row_stride = columns.count * lanes
        params.x = x - (rows.lowerBound * columns.count + columns.lowerBound) * lanes * width
        (params.first_row, params.end_row) = (rows.lowerBound, rows.upperBound)
        (params.first_column, params.end_column) = (columns.lowerBound, columns.upperBound)
        params.spectrum = spectrum.floats
        params.spectrum_stride = lanes
        unsafeBitCast(kernel.function, to: zoo_f32_winograd_ukernel.self)(lanes, &params)
        return spectrum.array
      }
      for kernel in variants("bf16_winograd") {
        let reference = try floats("f32_winograd")
        #expect(
          spectrum(kernel, x.numbers, width: 2) == spectrum(reference, wide.floats, width: 4))
      }
      withExtendedLifetime((x, wide)) {}
    }
  }

  @Test(arguments: [16, 48], [false, true])
  func transformsOfOutputs(_ lanes: Int, _ adds: Bool) throws {
    var noise = Noise(state: UInt64(lanes))
    for (height, width) in [(4, 4), (4, 1), (3, 4), (1, 2)] {
      let spectrum = GuardedBuffer(noise.floats(36 * lanes))
      let bias = GuardedBuffer(noise.floats(lanes))
      let y = Guarded(noise.floats(height * width * lanes).map(bf16))
      let wide = GuardedBuffer(y.array.map(widened))
      func run(_ kernel: zoo_ukernel, _ y: UnsafeMutableRawPointer) {
        var params = zoo_f32_winograd_params()
        params.kind = ZOO_WINOGRAD_OUTPUT
        params.y = y
        params.pixel_stride = lanes
        params.row_stride = width * lanes
        (params.end_row, params.end_column) = (height, width)
        params.spectrum = spectrum.floats
        params.spectrum_stride = lanes
        params.bias = UnsafePointer(bias.floats)
        params.addend = adds ? UnsafeRawPointer(y) : nil  // in place
        params.addend_pixel_stride = lanes
        params.addend_row_stride = width * lanes
        (params.lower, params.upper) = (-9, 12)
        unsafeBitCast(kernel.function, to: zoo_f32_winograd_ukernel.self)(lanes, &params)
      }
      for kernel in variants("bf16_winograd") {
        run(kernel, y.numbers)
        run(try floats("f32_winograd"), wide.floats)
        #expect(y.array == wide.array.map(bf16))
      }
      withExtendedLifetime((spectrum, bias)) {}
    }
  }
}
