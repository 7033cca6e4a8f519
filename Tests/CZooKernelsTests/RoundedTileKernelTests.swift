// Products of bf16 by matrix units against their definition: as TileKernelTests for integers.
import CZooKernels
import EmulatedTiles
import Testing

struct RoundedTileKernelTests {
  /// Sums of bf16 within the rounding of their floats.
  @Test(arguments: [
    (8, 16, 32, 1), (17, 40, 16, 9), (32, 48, 31, 1), (33, 33, 50, 2), (49, 17, 128, 1),
    (64, 8, 61, 1), (100, 20, 12, 3), (33, 16, 7000, 1), (1, 24, 64, 1), (97, 40, 32, 1),
    (18, 24, 72, 1), (25, 56, 16, 3), (9, 24, 61, 1),
  ])
  func floatsAreRightAndStayInside(_ m: Int, _ n: Int, _ kc: Int, _ taps: Int) {
    var noise = Noise(state: UInt64(m + kc))
    // One tap of an odd number of elements has a zero after it.
    let inputs = TileInputs(m, channels: kc, taps: taps) {
      halves(kc, &noise) + (kc % 2 == 0 ? [] : [0])
    }
    for run in roundedKernels() {
      for hasAddend in [false, true] {
        for hasWorkspace in [true, false] {
          checkFloats(run, inputs, n, hasAddend: hasAddend, hasWorkspace: hasWorkspace)
          checkRounded(run, inputs, n, hasAddend: hasAddend, hasWorkspace: hasWorkspace)
        }
      }
    }
  }

  @Test(arguments: [
    TileImage(width: 5, height: 9, channels: 32), TileImage(width: 16, height: 5, channels: 64),
    TileImage(width: 20, height: 4, channels: 96), TileImage(width: 14, height: 8, channels: 32),
    TileImage(width: 20, height: 9, channels: 32, stride: 2),
    TileImage(width: 16, height: 5, channels: 48),
    TileImage(width: 18, height: 4, channels: 512),
    TileImage(width: 9, height: 4, channels: 32, kernel: 1, pitch: 2048),
    TileImage(width: 12, height: 12, channels: 32, kernel: 1),
  ])
  func roundedImagesAreReadInPlace(_ image: TileImage) {
    var noise = Noise(state: UInt64(image.width * image.channels))
    let inputs = TileInputs(image) { halves($0, &noise) }
    for run in roundedKernels() {
      for hasAddend in [false, true] {
        checkFloats(run, inputs, 40, hasAddend: hasAddend, hasWorkspace: true)
        checkRounded(run, inputs, 40, hasAddend: hasAddend, hasWorkspace: true)
      }
    }
  }

  private func roundedKernels() -> [zoo_f32_igemm_ukernel] {
    var kernels: [zoo_f32_igemm_ukernel] = []
    if let run = emulated_bf16_igemm() { kernels.append(run) }
    for kernel in variants("bf16_igemm") {
      kernels.append(unsafeBitCast(kernel.function, to: zoo_f32_igemm_ukernel.self))
    }
    return kernels
  }

  private func checkFloats(
    _ run: zoo_f32_igemm_ukernel, _ inputs: TileInputs<UInt16>, _ n: Int, hasAddend: Bool,
    hasWorkspace: Bool
  ) {
    let (m, kc, taps, depth) = (inputs.count, inputs.channels, inputs.taps, inputs.depth)
    var noise = Noise(state: UInt64(m * 131 + n * 17 + depth))
    let plain = halves(depth * n, &noise)
    let weights = Guarded(packInPairs(plain, depth, n))
    let bias = GuardedBuffer(noise.floats(n))
    let addend = noise.floats(m * n)
    let output = GuardedBuffer(addend)
    withParameters(inputs, weights, n, hasWorkspace: hasWorkspace) { params in
      if hasAddend {
        params.bias = UnsafePointer(bias.floats)
        params.addend = UnsafePointer(output.floats)  // in place
      }
      params.c = output.floats
      run(m, n, &params)
    }
    let got = output.array
    for i in 0..<m {
      for j in 0..<n {
        var sum = hasAddend ? Double(bias.floats[j]) + Double(addend[i * n + j]) : 0
        var magnitude = abs(sum)
        for t in 0..<taps {
          let x = inputs.pointers[t * m + i]
          for k in 0..<kc {
            let product = Double(widened(x[k])) * Double(widened(plain[(t * kc + k) * n + j]))
            sum += product
            magnitude += abs(product)
          }
        }
        let bound = Double(depth + 4) * 0x1p-24 * (magnitude + 1)
        if abs(Double(got[i * n + j]) - min(max(sum, -3), 2)) > bound {
          let shape = "m \(m) n \(n) kc \(kc) taps \(taps)"
          Issue.record("\(shape): [\(i), \(j)] is \(got[i * n + j]), not \(sum)")
          return
        }
      }
    }
  }

  /// Outputs of bf16 are those in floats, rounded, whatever is added.
  private func checkRounded(
    _ run: zoo_f32_igemm_ukernel, _ inputs: TileInputs<UInt16>, _ n: Int, hasAddend: Bool,
    hasWorkspace: Bool
  ) {
    let (m, kc, taps, depth) = (inputs.count, inputs.channels, inputs.taps, inputs.depth)
    var noise = Noise(state: UInt64(m * 131 + n * 17 + depth))
    let weights = Guarded(packInPairs(halves(depth * n, &noise), depth, n))
    let addend = halves(m * n, &noise)
    let wide = GuardedBuffer(addend.map(widened))
    let output = Guarded(addend)
    let floats = GuardedBuffer(count: m * n, filledWith: .nan)
    withParameters(inputs, weights, n, hasWorkspace: hasWorkspace) { params in
      params.addend = hasAddend ? UnsafePointer(wide.floats) : nil
      params.c = floats.floats
      run(m, n, &params)
      params.addend = nil
      params.c = nil
      params.rounded_addend = hasAddend ? UnsafePointer(output.numbers) : nil  // in place
      params.rounded = output.numbers
      run(m, n, &params)
    }
    withExtendedLifetime((inputs, weights, wide)) {}
    #expect(output.array == floats.array.map(bf16), "m \(m) n \(n) kc \(kc) taps \(taps)")
  }

  /// What all products of `inputs` have: clamped to -3...2, with rows of `n` outputs and addends side by side.
  private func withParameters(
    _ inputs: TileInputs<UInt16>, _ weights: Guarded<UInt16>, _ n: Int, hasWorkspace: Bool,
    _ body: (inout zoo_f32_igemm_params) -> Void
  ) {
    let workspace = UnsafeMutableRawPointer.allocate(
      byteCount: Int(ZOO_TILE_WORKSPACE), alignment: 16)
    defer { workspace.deallocate() }
    let pointers = inputs.pointers.map {
      Optional(UnsafeRawPointer($0).assumingMemoryBound(to: Float.self))
    }
    pointers.withUnsafeBufferPointer { table in
      var params = zoo_f32_igemm_params()
      (params.kc, params.tap_count) = (inputs.channels, inputs.taps)
      (params.a, params.a_tap_stride) = (table.baseAddress, inputs.count)
      params.w = UnsafeRawPointer(weights.numbers)
      (params.addend_stride, params.c_stride) = (n, n)
      (params.lower, params.upper) = (-3, 2)
      params.workspace = hasWorkspace ? workspace : nil
      body(&params)
    }
  }

  private func halves(_ count: Int, _ noise: inout Noise) -> [UInt16] {
    noise.floats(count).map(bf16)
  }

  /// Panels of 16 columns in pairs of rows, a last odd row as it is (zoo/FORMAT.md).
  private func packInPairs(_ plain: [UInt16], _ depth: Int, _ n: Int) -> [UInt16] {
    var packed: [UInt16] = []
    for panel in stride(from: 0, to: n, by: 16) {
      for row in stride(from: 0, to: depth, by: 2) {
        for column in panel..<min(n, panel + 16) {
          packed.append(plain[row * n + column])
          if row + 1 < depth { packed.append(plain[(row + 1) * n + column]) }
        }
      }
    }
    return packed
  }
}
