// i8_igemm against its definition, between protected pages: on an emulated matrix unit, and whatever the CPU has.
import CZooKernels
import EmulatedTiles
import Foundation
import Testing

struct TileKernelTests {
  /// Kernels by name: the emulated one wherever its vectors run.
  private func kernels() -> [(name: String, run: zoo_integer_igemm_ukernel)] {
    var kernels: [(name: String, run: zoo_integer_igemm_ukernel)] = []
    if let run = emulated_i8_igemm() { kernels.append((name: "emulated", run: run)) }
    for kernel in variants("i8_igemm") {
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
    (33, 16, 13_000, 1), (7, 40, 64, 1), (1, 10, 20, 1), (97, 40, 64, 1), (1, 150, 2400, 1),
    (6, 70, 28, 1), (5, 33, 20, 5), (11, 50, 144, 17),
  ])
  func integersAreExactAndStayInside(_ m: Int, _ n: Int, _ kc: Int, _ taps: Int) {
    var noise = Noise(state: UInt64(m + kc))
    let inputs = TileInputs(m, channels: kc, taps: taps) { bytes(kc, &noise) }
    for (name, run) in kernels() {
      for hasAddend in [false, true] {
        for hasWorkspace in [true, false] {
          check(name, run, inputs, n, hasAddend: hasAddend, hasWorkspace: hasWorkspace)
        }
      }
    }
  }

  /// Rows that are regular but at edges, where tiles straddle these or not; that are not although they look like it, or a multiple
  /// of 4096 bytes apart; of more than the workspace holds; and of so many taps that it holds none of them one by one.
  @Test(arguments: [
    TileImage(width: 5, height: 9, channels: 64), TileImage(width: 7, height: 7, channels: 128),
    TileImage(width: 16, height: 5, channels: 64), TileImage(width: 20, height: 4, channels: 192),
    TileImage(width: 56, height: 4, channels: 64), TileImage(width: 14, height: 8, channels: 64),
    TileImage(width: 20, height: 9, channels: 64, stride: 2),
    TileImage(width: 33, height: 6, channels: 64, pitch: 128),
    TileImage(width: 16, height: 5, channels: 64, pitch: 96),
    TileImage(width: 16, height: 5, channels: 64, shift: 16),
    TileImage(width: 16, height: 5, channels: 96), TileImage(width: 18, height: 6, channels: 1024),
    TileImage(width: 10, height: 10, channels: 128, kernel: 9),
    TileImage(width: 9, height: 4, channels: 64, kernel: 1, pitch: 4096),
    TileImage(width: 12, height: 12, channels: 64, kernel: 1),
    TileImage(width: 31, height: 5, channels: 128, kernel: 1, stride: 2),
  ])
  func imagesAreReadInPlace(_ image: TileImage) {
    var noise = Noise(state: UInt64(image.width * image.channels))
    let inputs = TileInputs(image) { bytes($0, &noise) }
    for (name, run) in kernels() {
      for hasAddend in [false, true] {
        check(name, run, inputs, 40, hasAddend: hasAddend, hasWorkspace: true)
      }
    }
  }

  /// Nothing is written to the end of the workspace, where copies are, for regular rows; for others something is.
  @Test func regularRowsAreNotCopied() {
    guard let run = emulated_i8_igemm() else { return }
    var noise = Noise(state: 1)
    let end = Int(ZOO_TILE_WORKSPACE) - 16384..<Int(ZOO_TILE_WORKSPACE)
    for (image, isRegular) in [
      (TileImage(width: 20, height: 9, channels: 64, kernel: 1), true),
      (TileImage(width: 20, height: 9, channels: 192, kernel: 1), true),
      (TileImage(width: 20, height: 9, channels: 63, kernel: 1), false),
      (TileImage(width: 20, height: 9, channels: 64, kernel: 1, shift: 16), false),
      (TileImage(width: 20, height: 9, channels: 64, kernel: 1, pitch: 96), false),
      (TileImage(width: 20, height: 3, channels: 64, kernel: 1, pitch: 4096), false),
      (TileImage(width: 20, height: 9, channels: 192, kernel: 1, stride: 2), false),
      (TileImage(width: 20, height: 9, channels: 64), false),
      (TileImage(width: 10, height: 9, channels: 128, kernel: 9), false),
    ] {
      let inputs = TileInputs(image) { bytes($0, &noise) }
      let workspace = Guarded([Int8](repeating: 85, count: Int(ZOO_TILE_WORKSPACE)))
      check("emulated", run, inputs, 16, hasAddend: false, workspace: workspace.numbers)
      let isUntouched = end.allSatisfy { workspace.numbers[$0] == 85 }
      #expect(isUntouched == isRegular, "\(image)")
    }
  }

  private func bytes(_ count: Int, least: Float = -128, _ noise: inout Noise) -> [Int8] {
    noise.floats(count).map { Int8(max(least, min(127, ($0 * 140).rounded()))) }
  }

  private func check(
    _ name: String, _ run: zoo_integer_igemm_ukernel, _ inputs: TileInputs<Int8>, _ n: Int,
    hasAddend: Bool, hasWorkspace: Bool, next: zoo_next_weights = zoo_next_weights()
  ) {
    let workspace = UnsafeMutableRawPointer.allocate(
      byteCount: Int(ZOO_TILE_WORKSPACE), alignment: 16)
    defer { workspace.deallocate() }
    check(
      name, run, inputs, n, hasAddend: hasAddend, workspace: hasWorkspace ? workspace : nil,
      next: next)
  }

  private func check(
    _ name: String, _ run: zoo_integer_igemm_ukernel, _ inputs: TileInputs<Int8>, _ n: Int,
    hasAddend: Bool, workspace: UnsafeMutableRawPointer?,
    next: zoo_next_weights = zoo_next_weights()
  ) {
    let (m, kc, taps, depth) = (inputs.count, inputs.channels, inputs.taps, inputs.depth)
    var noise = Noise(state: UInt64(m * 131 + n * 17 + depth))
    let plain = bytes(depth * n, least: -127, &noise)
    let weights = GuardedBytes(pack(plain, depth, n))
    let bias = Guarded(noise.floats(n).map { Int32($0 * 100_000) })
    let shifted = Guarded(
      (0..<n).map { j in
        bias.numbers[j] - 128 * (0..<depth).reduce(Int32(0)) { $0 + Int32(plain[$1 * n + j]) }
      })
    let multipliers = GuardedBuffer(noise.floats(n).map { abs($0) / Float(depth * 20) + 1e-5 })
    let addend = bytes(m * n, &noise)
    let output = GuardedBytes(addend)
    let pointers = inputs.pointers.map { Optional(UnsafeRawPointer($0)) }
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
      params.workspace = workspace
      params.next = next
      run(m, n, &params)
    }
    let got = output.array
    for i in 0..<m {
      for j in 0..<n {
        var sum = bias.numbers[j]
        for t in 0..<taps {
          let x = inputs.pointers[t * m + i]
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
  func nextWeightsAreFetchedOnce(_ m: Int, _ n: Int, _ kc: Int) throws {
    guard let run = emulated_i8_igemm() else { return }
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let map = mmap(nil, 8 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    try #require(map != MAP_FAILED)
    let pages = try #require(map)
    defer { munmap(pages, 8 * page) }
    var noise = Noise(state: UInt64(m + kc))
    let inputs = TileInputs(m, channels: kc, taps: 1) { bytes(kc, &noise) }
    var first: UnsafeRawPointer?
    for (offset, count) in [(0, 4 * page), (0, 64), (40, 1), (70, 1000), (63, 2), (128, 0)] {
      _ = emulated_fetched_lines(&first)
      let next = zoo_next_weights(w: pages + offset, bytes: count)
      check("emulated", run, inputs, n, hasAddend: false, hasWorkspace: true, next: next)
      let lines = count == 0 ? 0 : (offset + count - 1) / 64 - offset / 64 + 1
      #expect(emulated_fetched_lines(&first) == lines, "\(count) bytes from \(offset) on")
      if lines > 0 { #expect(first == UnsafeRawPointer(pages + offset / 64 * 64)) }
    }
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
