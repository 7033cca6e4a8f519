// Every microkernel of the lists against a naive reference in Double, between protected pages.
import CZooKernels
import Testing

/// All variants of a family that this CPU runs; the others are named.
func variants(_ family: String) -> [zoo_ukernel] {
  var count = 0
  guard let list = zoo_ukernel_list(&count) else { return [] }
  return (0..<count).map { list[$0] }.filter { kernel in
    guard String(cString: kernel.family) == family else { return false }
    if zoo_kernels_supported(kernel.isa) { return true }
    print("skipped: \(String(cString: kernel.name)) needs another CPU")
    return false
  }
}

struct ProductKernelTests {
  /// Rows below, at and above tiles, and several of them; columns around panels and tiles. Rows by themselves have the same bits.
  @Test(arguments: [1, 2, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 40, 47, 56, 64, 120, 130])
  func productsAreRightAndStayInside(_ n: Int) throws {
    for kernel in variants("f32_igemm") {
      let run = unsafeBitCast(kernel.function, to: zoo_f32_igemm_ukernel.self)
      var noise = Noise(state: UInt64(n))
      for (kc, taps) in [(1, 1), (3, 3), (5, 1), (16, 2), (37, 4)] {
        for m in Array(1...Int(kernel.mr)) + [2 * Int(kernel.mr) + 3] {
          let depth = kc * taps
          let rows = (0..<m * taps).map { _ in GuardedBuffer(noise.floats(kc)) }
          let plain = noise.floats(depth * n)
          let weights = GuardedBuffer(pack(plain, depth, n))
          let bias = GuardedBuffer(noise.floats(n))
          let addend = noise.floats(m * n)
          let output = GuardedBuffer(addend)
          let alone = GuardedBuffer(addend)
          let pointers = rows.map { Optional(UnsafePointer($0.floats)) }
          pointers.withUnsafeBufferPointer { table in
            var params = zoo_f32_igemm_params()
            params.kc = kc
            params.tap_count = taps
            params.a = table.baseAddress
            params.a_tap_stride = m
            params.w = UnsafeRawPointer(weights.floats)
            params.bias = UnsafePointer(bias.floats)
            params.addend = UnsafePointer(output.floats)  // in place
            params.addend_stride = n
            params.c = output.floats
            params.c_stride = n
            params.lower = -3
            params.upper = 2
            // Whatever is fetched meanwhile, even from where there is nothing.
            params.next = zoo_next_weights(
              w: UnsafeRawPointer(output.floats), bytes: m % 2 * depth * n * 4)
            run(m, n, &params)
            for i in 0..<m {
              params.a = table.baseAddress.map { $0 + i }
              params.c = alone.floats + i * n
              params.addend = UnsafePointer(params.c)
              run(1, n, &params)
            }
          }
          let got = output.array
          #expect(
            got.map(\.bitPattern) == alone.array.map(\.bitPattern),
            "\(String(cString: kernel.name)) m \(m) n \(n) kc \(kc) taps \(taps), row by row")
          for i in 0..<m {
            for j in 0..<n {
              var sum = Double(bias.floats[j])
              var magnitude = abs(sum)
              for t in 0..<taps {
                for k in 0..<kc {
                  let product =
                    Double(rows[t * m + i].floats[k]) * Double(plain[(t * kc + k) * n + j])
                  sum += product
                  magnitude += abs(product)
                }
              }
              sum = min(max(sum + Double(addend[i * n + j]), -3), 2)
              let bound = Double(depth + 3) * 0x1p-24 * (magnitude + 1)
              #expect(
                abs(Double(got[i * n + j]) - sum) <= bound,
                "\(String(cString: kernel.name)) m \(m) n \(n) kc \(kc) taps \(taps)")
            }
          }
        }
      }
    }
  }

  /// Panels of 16 columns, the last one narrower (zoo/FORMAT.md).
  private func pack(_ plain: [Float], _ depth: Int, _ n: Int) -> [Float] {
    var packed: [Float] = []
    for panel in stride(from: 0, to: n, by: 16) {
      for row in 0..<depth {
        packed += plain[row * n + panel..<row * n + min(n, panel + 16)]
      }
    }
    return packed
  }
}

struct ElementKernelTests {
  @Test(arguments: [1, 7, 8, 9, 15, 16, 17, 33, 100])
  func binaryKernelsAreExactAndStayInside(_ count: Int) throws {
    for kernel in variants("f32_binary") {
      let run = unsafeBitCast(kernel.function, to: zoo_f32_binary_ukernel.self)
      var noise = Noise(state: UInt64(count))
      for kind in 0..<6 {
        for (aStep, bStep, rows) in [(1, 1, 1), (1, 0, 3), (0, 1, 2), (1, 1, 3)] {
          // The rows of b are one, or apart.
          let (aStride, bStride) = (aStep * count + 1, rows == 3 ? 0 : bStep * count + 1)
          let (aEnd, bEnd) = (aStep * (count - 1) + 1, bStep * (count - 1) + 1)
          let a = GuardedBuffer(noise.floats((rows - 1) * aStride + aEnd))
          let b = GuardedBuffer(noise.floats((rows - 1) * bStride + bEnd))
          let y = GuardedBuffer(count: rows * count, filledWith: .nan)
          var params = zoo_f32_binary_params(
            kind: zoo_f32_binary_kind(rawValue: UInt32(kind)), a: a.floats, b: b.floats,
            a_step: aStep, b_step: bStep, y: y.floats, lower: -0.75, upper: 0.8, rows: rows,
            a_stride: aStride, b_stride: bStride, y_stride: count, rounded_a: nil, rounded_y: nil)
          run(count, &params)
          for at in 0..<rows * count {
            let (row, i) = (at / count, at % count)
            let p = a.floats[row * aStride + i * aStep]
            let q = b.floats[row * bStride + i * bStep]
            let value = [p + q, p - q, p * q, p / q, max(p, q), min(p, q)][kind]
            #expect(y.floats[at] == min(max(value, -0.75), 0.8))
          }
        }
      }
    }
  }

  @Test(
    arguments: [1, 2, 3, 5, 6, 7, 8, 9, 16, 17, 40],
    [(kernel: 3, stride: 1), (kernel: 2, stride: 2), (kernel: 3, stride: 2)])
  func poolKernelsAreExactAndStayInside(
    _ channels: Int, _ window: (kernel: Int, stride: Int)
  ) throws {
    var noise = Noise(state: UInt64(channels))
    let (size, lines, pixels) = (window.kernel, 2, 7)
    let width = (pixels - 1) * window.stride + size
    let height = (lines - 1) * window.stride + size
    let x = GuardedBuffer(noise.floats(height * width * channels))
    for kernel in variants("f32_pool") {
      let run = unsafeBitCast(kernel.function, to: zoo_f32_pool_ukernel.self)
      // Of outputs that lie apart, what is between them stays as it was, and what is between lines.
      for (kind, gap) in [
        (ZOO_POOL_MAX, 0), (ZOO_POOL_MIN, 0), (ZOO_POOL_SUM, 0), (ZOO_POOL_SUM, 2),
      ] {
        let (pitch, line) = (channels + gap, pixels * (channels + gap) + 1)
        var want = [Float](repeating: 7, count: lines * line - 1 - gap)
        let y = GuardedBuffer(want)
        var params = zoo_f32_pool_params()
        params.kind = kind
        params.channels = channels
        (params.kh, params.kw, params.lines) = (size, size, lines)
        params.x_line_stride = window.stride * width * channels
        params.x = UnsafePointer(x.floats)
        params.x_pixel_stride = window.stride * channels
        params.x_row_stride = width * channels
        params.x_col_stride = channels
        params.y = y.floats
        params.y_line_stride = line
        params.y_stride = pitch
        params.scale = 0.25
        (params.lower, params.upper) = (-0.2, 0.3)
        run(pixels, &params)
        for q in 0..<lines * pixels {
          let at = q / pixels * line + q % pixels * pitch
          let origin = (q / pixels * width + q % pixels) * window.stride
          for c in 0..<channels {
            let taps = (0..<size * size).map {
              x.floats[(origin + $0 / size * width + $0 % size) * channels + c]
            }
            let value =
              kind == ZOO_POOL_SUM
              ? taps.reduce(0, +) : kind == ZOO_POOL_MAX ? taps.max() ?? 0 : taps.min() ?? 0
            want[at + c] = min(max(value * 0.25, -0.2), 0.3)
          }
        }
        #expect(y.array == want, "\(String(cString: kernel.name)) \(kind) gap \(gap)")
      }
    }
  }
}
