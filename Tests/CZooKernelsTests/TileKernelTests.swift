// Kernels for matrix units against their definition, between protected pages: on an emulated unit, and on the CPU's own if it has one.
import CZooKernels
import EmulatedTiles
import Foundation
import Testing

struct TileKernelTests {
  /// Kernels by name: the emulated one wherever its vectors run.
  private func kernels() -> [(name: String, run: zoo_integer_igemm_ukernel)] {
    var kernels: [(name: String, run: zoo_integer_igemm_ukernel)] = []
    if let run = emulated_i8_igemm() { kernels.append((name: "emulated", run: run)) }
    for kernel in variants("i8_igemm") where kernel.isa == ZOO_KERNELS_AMX {
      kernels.append(
        (
          name: String(cString: kernel.name),
          run: unsafeBitCast(kernel.function, to: zoo_integer_igemm_ukernel.self)
        ))
    }
    return kernels
  }

  /// Rows below, at and past tiles, blocks, which may overlap, and what the workspace holds; columns of whole and of narrow
  /// panels; depths of whole and of broken chunks of 64.
  @Test(arguments: [
    (8, 16, 64, 1), (16, 32, 64, 1), (17, 40, 16, 9), (31, 24, 4, 1), (32, 48, 32, 9),
    (33, 33, 100, 1), (49, 17, 128, 2), (64, 8, 61, 1), (100, 20, 12, 3), (9, 64, 3000, 2),
    (65, 16, 12000, 1),
    (33, 16, 13_000, 1), (7, 40, 64, 1), (1, 10, 20, 1), (97, 40, 64, 1),
  ])
  func integersAreExactAndStayInside(_ m: Int, _ n: Int, _ kc: Int, _ taps: Int) {
    for (name, run) in kernels() {
      for hasAddend in [false, true] {
        for hasWorkspace in [true, false] {
          check(name, run, m, n, kc, taps, hasAddend: hasAddend, hasWorkspace: hasWorkspace)
        }
      }
    }
  }

  private func check(
    _ name: String, _ run: zoo_integer_igemm_ukernel, _ m: Int, _ n: Int, _ kc: Int, _ taps: Int,
    hasAddend: Bool, hasWorkspace: Bool, next: zoo_next_weights = zoo_next_weights()
  ) {
    let depth = kc * taps
    var noise = Noise(state: UInt64(m * 131 + n * 17 + depth))
    func bytes(_ count: Int, least: Float = -128) -> [Int8] {
      noise.floats(count).map { Int8(max(least, min(127, ($0 * 140).rounded()))) }
    }
    let rows = (0..<m * taps).map { _ in GuardedBytes(bytes(kc)) }
    let plain = bytes(depth * n, least: -127)
    let weights = GuardedBytes(pack(plain, depth, n))
    let bias = Guarded(noise.floats(n).map { Int32($0 * 100_000) })
    let shifted = Guarded(
      (0..<n).map { j in
        bias.numbers[j] - 128 * (0..<depth).reduce(Int32(0)) { $0 + Int32(plain[$1 * n + j]) }
      })
    let multipliers = GuardedBuffer(noise.floats(n).map { abs($0) / Float(depth * 20) + 1e-5 })
    let addend = bytes(m * n)
    let output = GuardedBytes(addend)
    let workspace = UnsafeMutableRawPointer.allocate(
      byteCount: Int(ZOO_TILE_WORKSPACE), alignment: 16)
    defer { workspace.deallocate() }
    let pointers = rows.map { Optional(UnsafeRawPointer($0.bytes)) }
    pointers.withUnsafeBufferPointer { table in
      var params = zoo_integer_igemm_params()
      params.kc = kc
      params.tap_count = taps
      params.a = table.baseAddress
      params.a_tap_stride = m
      params.w = UnsafePointer(weights.bytes)
      params.bias = (UnsafePointer(bias.numbers), UnsafePointer(shifted.numbers))
      params.multipliers = UnsafePointer(multipliers.floats)
      if hasAddend {
        params.addend = UnsafeRawPointer(output.bytes)  // in place
        params.addend_stride = n
        params.addend_zero_point = -3
        params.addend_multiplier = 0.25
      }
      params.c = UnsafeMutableRawPointer(output.bytes)
      params.c_stride = n
      params.zero_point = 5
      (params.lower, params.upper) = (-100, 110)
      params.workspace = hasWorkspace ? workspace : nil
      params.next = next
      run(m, n, &params)
    }
    let got = output.array
    for i in 0..<m {
      for j in 0..<n {
        var sum = bias.numbers[j]
        for t in 0..<taps {
          let x = rows[t * m + i].bytes
          for k in 0..<kc { sum += Int32(x[k]) * Int32(plain[(t * kc + k) * n + j]) }
        }
        var real = Float(sum) * multipliers.floats[j]
        if hasAddend { real += Float(Int(addend[i * n + j]) + 3) * 0.25 }
        let want = Int8(min(max(real, -100), 110).rounded(.toNearestOrEven) + 5)
        if got[i * n + j] != want {
          let shape = "m \(m) n \(n) kc \(kc) taps \(taps)"
          Issue.record("\(name) \(shape): [\(i), \(j)] is \(got[i * n + j]), not \(want)")
          return
        }
      }
    }
  }

  /// Each line of the weights that are wanted next is fetched once, whatever part of a line they begin with, and nothing is read there;
  /// also from rows that do not fit the workspace at once.
  @Test(arguments: [
    (32, 32, 64), (49, 96, 256), (200, 40, 64), (4, 16, 4), (100, 64, 12_000), (17, 128, 576),
  ])
  func nextWeightsAreFetchedOnce(_ m: Int, _ n: Int, _ kc: Int) {
    guard let run = emulated_i8_igemm() else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let map = mmap(nil, 8 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let map, map != MAP_FAILED else { fatalError("mmap failed") }
    defer { munmap(map, 8 * page) }
    var first: UnsafeRawPointer?
    for (offset, count) in [(0, 4 * page), (0, 64), (40, 1), (70, 1000), (63, 2), (128, 0)] {
      _ = emulated_fetched_lines(&first)
      let next = zoo_next_weights(w: map + offset, bytes: count)
      check("emulated", run, m, n, kc, 1, hasAddend: false, hasWorkspace: true, next: next)
      let lines = count == 0 ? 0 : (offset + count - 1) / 64 - offset / 64 + 1
      #expect(emulated_fetched_lines(&first) == lines, "\(count) bytes from \(offset) on")
      if lines > 0 { #expect(first == UnsafeRawPointer(map + offset / 64 * 64)) }
    }
  }

  /// Sums of bf16 within the rounding of their floats.
  @Test(arguments: [
    (8, 16, 32, 1), (17, 40, 16, 9), (32, 48, 31, 1), (33, 33, 50, 2), (49, 17, 128, 1),
    (64, 8, 61, 1), (100, 20, 12, 3), (33, 16, 7000, 1), (1, 24, 64, 1), (97, 40, 32, 1),
  ])
  func floatsAreRightAndStayInside(_ m: Int, _ n: Int, _ kc: Int, _ taps: Int) {
    var kernels: [zoo_f32_igemm_ukernel] = []
    if let run = emulated_bf16_igemm() { kernels.append(run) }
    for kernel in variants("bf16_igemm") {
      kernels.append(unsafeBitCast(kernel.function, to: zoo_f32_igemm_ukernel.self))
    }
    for run in kernels {
      for hasAddend in [false, true] {
        for hasWorkspace in [true, false] {
          checkFloats(run, m, n, kc, taps, hasAddend: hasAddend, hasWorkspace: hasWorkspace)
          checkRounded(run, m, n, kc, taps, hasAddend: hasAddend, hasWorkspace: hasWorkspace)
        }
      }
    }
  }

  private func checkFloats(
    _ run: zoo_f32_igemm_ukernel, _ m: Int, _ n: Int, _ kc: Int, _ taps: Int, hasAddend: Bool,
    hasWorkspace: Bool
  ) {
    let depth = kc * taps
    var noise = Noise(state: UInt64(m * 131 + n * 17 + depth))
    // One tap of an odd number of elements has a zero after it.
    let rows = (0..<m * taps).map { _ in Guarded(halves(kc, &noise) + (kc % 2 == 0 ? [] : [0])) }
    let plain = halves(depth * n, &noise)
    let weights = Guarded(packInPairs(plain, depth, n))
    let bias = GuardedBuffer(noise.floats(n))
    let addend = noise.floats(m * n)
    let output = GuardedBuffer(addend)
    let workspace = UnsafeMutableRawPointer.allocate(
      byteCount: Int(ZOO_TILE_WORKSPACE), alignment: 16)
    defer { workspace.deallocate() }
    let pointers = rows.map {
      Optional(UnsafePointer(UnsafeRawPointer($0.numbers).assumingMemoryBound(to: Float.self)))
    }
    pointers.withUnsafeBufferPointer { table in
      var params = zoo_f32_igemm_params()
      params.kc = kc
      params.tap_count = taps
      params.a = table.baseAddress
      params.a_tap_stride = m
      params.w = UnsafeRawPointer(weights.numbers)
      if hasAddend {
        params.bias = UnsafePointer(bias.floats)
        params.addend = UnsafePointer(output.floats)  // in place
        params.addend_stride = n
      }
      params.c = output.floats
      params.c_stride = n
      (params.lower, params.upper) = (-3, 2)
      params.workspace = hasWorkspace ? workspace : nil
      run(m, n, &params)
    }
    let got = output.array
    for i in 0..<m {
      for j in 0..<n {
        var sum = hasAddend ? Double(bias.floats[j]) + Double(addend[i * n + j]) : 0
        var magnitude = abs(sum)
        for t in 0..<taps {
          let x = rows[t * m + i].numbers
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
    _ run: zoo_f32_igemm_ukernel, _ m: Int, _ n: Int, _ kc: Int, _ taps: Int, hasAddend: Bool,
    hasWorkspace: Bool
  ) {
    var noise = Noise(state: UInt64(m * 131 + n * 17 + kc * taps))
    let rows = (0..<m * taps).map { _ in Guarded(halves(kc, &noise) + (kc % 2 == 0 ? [] : [0])) }
    let weights = Guarded(packInPairs(halves(kc * taps * n, &noise), kc * taps, n))
    let addend = halves(m * n, &noise)
    let wide = GuardedBuffer(addend.map(widened))
    let output = Guarded(addend)
    let floats = GuardedBuffer(count: m * n, filledWith: .nan)
    let workspace = UnsafeMutableRawPointer.allocate(
      byteCount: Int(ZOO_TILE_WORKSPACE), alignment: 16)
    defer { workspace.deallocate() }
    let pointers = rows.map {
      Optional(UnsafePointer(UnsafeRawPointer($0.numbers).assumingMemoryBound(to: Float.self)))
    }
    pointers.withUnsafeBufferPointer { table in
      var params = zoo_f32_igemm_params()
      params.kc = kc
      params.tap_count = taps
      params.a = table.baseAddress
      params.a_tap_stride = m
      params.w = UnsafeRawPointer(weights.numbers)
      (params.addend_stride, params.c_stride) = (n, n)
      params.addend = hasAddend ? UnsafePointer(wide.floats) : nil
      params.c = floats.floats
      (params.lower, params.upper) = (-3, 2)
      params.workspace = hasWorkspace ? workspace : nil
      run(m, n, &params)
      params.addend = nil
      params.c = nil
      params.rounded_addend = hasAddend ? UnsafePointer(output.numbers) : nil  // in place
      params.rounded = output.numbers
      run(m, n, &params)
    }
    withExtendedLifetime((rows, weights, wide)) {}
    #expect(output.array == floats.array.map(bf16), "m \(m) n \(n) kc \(kc) taps \(taps)")
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

  /// Panels of 16 columns in quads of 4 rows, the last panel narrower (zoo/FORMAT.md).
  private func pack(_ plain: [Int8], _ depth: Int, _ n: Int) -> [Int8] {
    var packed: [Int8] = []
    for panel in stride(from: 0, to: n, by: 16) {
      for quad in stride(from: 0, to: depth, by: 4) {
        for column in panel..<min(n, panel + 16) {
          packed += (quad..<quad + 4).map { $0 < depth ? plain[$0 * n + column] : 0 }
        }
      }
    }
    return packed
  }
}
