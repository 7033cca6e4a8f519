// f32_lines against sums in Double, between protected pages.
import CZooKernels
import Testing

struct LineKernelTests {
  /// Lines of one pixel, of a part of a vector, of one vector, of two, and of more.
  @Test(arguments: [1, 7, 8, 9, 16, 17, 28, 32, 33, 70])
  func linesAreRightAndStayInside(_ count: Int) throws {
    for kernel in variants("f32_lines") {
      let run = unsafeBitCast(kernel.function, to: zoo_f32_lines_ukernel.self)
      var noise = Noise(state: UInt64(count))
      for outputs in 1...Int(ZOO_LINES_OUTPUTS) {
        for (kh, kw) in [(1, 1), (3, 2), (5, 5)] {
          // Lines lie next to each other: the last one ends where memory does.
          let width = count + kw - 1
          let image = noise.floats(kh * width)
          let x = GuardedBuffer(image)
          let plain = noise.floats(kh * kw * outputs)
          let w = GuardedBuffer(plain)
          let bias = GuardedBuffer(noise.floats(outputs))
          let y = GuardedBuffer([Float](repeating: 9, count: count * outputs))
          var params = zoo_f32_lines_params()
          (params.kh, params.kw, params.outputs) = (kh, kw, outputs)
          params.x = UnsafePointer(x.floats)
          params.x_stride = width
          params.w = UnsafePointer(w.floats)
          params.bias = UnsafePointer(bias.floats)
          params.y = y.floats
          params.y_stride = outputs
          (params.lower, params.upper) = (-1, 1.5)
          run(count, &params)
          let got = y.array
          for p in 0..<count {
            for j in 0..<outputs {
              var sum = Double(bias.floats[j])
              var magnitude = abs(sum)
              for tap in 0..<kh * kw {
                let product =
                  Double(image[tap / kw * width + p + tap % kw])
                  * Double(plain[tap * outputs + j])
                sum += product
                magnitude += abs(product)
              }
              let want = min(max(sum, -1), 1.5)
              let bound = Double(kh * kw + 2) * 0x1p-24 * magnitude
              #expect(
                abs(Double(got[p * outputs + j]) - want) <= bound,
                "\(String(cString: kernel.name)), pixel \(p) of \(count), output \(j) of \(outputs)"
              )
            }
          }
        }
      }
    }
  }
}
