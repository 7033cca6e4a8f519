// The transforms of f32_winograd against their matrices in Double, between protected pages.
import CZooKernels
import Testing

private let inputMatrix: [[Double]] = [
  [4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0], [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1],
]
private let weightMatrix: [[Double]] = [
  [1 / 4, 0, 0], [-1 / 6, -1 / 6, -1 / 6], [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6], [0, 0, 1],
]
private let outputMatrix: [[Double]] = [
  [1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1],
]

/// a x a^T, all as rows.
private func transform(_ a: [[Double]], _ x: [[Double]]) -> [[Double]] {
  let left = a.map { row in
    x[0].indices.map { j in row.indices.reduce(0) { $0 + row[$1] * x[$1][j] } }
  }
  return left.map { row in a.map { other in zip(row, other).reduce(0) { $0 + $1.0 * $1.1 } } }
}

/// Square values of every lane: `size` x `size` numbers, lane by lane.
private struct Planes {
  let size: Int
  let lanes: Int
  let floats: [Float]

  init(_ size: Int, _ lanes: Int, _ noise: inout Noise) {
    self.size = size
    self.lanes = lanes
    floats = noise.floats(size * size * lanes)
  }

  /// The numbers of one lane; zeros outside of `rows` and `columns`.
  func lane(_ lane: Int, _ rows: Range<Int>, _ columns: Range<Int>) -> [[Double]] {
    (0..<size).map { i in
      (0..<size).map { j in
        rows.contains(i) && columns.contains(j)
          ? Double(floats[(i * size + j) * lanes + lane]) : 0
      }
    }
  }

  /// Those of `rows` and `columns` alone, next to each other, in front of a protected page.
  func part(_ rows: Range<Int>, _ columns: Range<Int>) -> GuardedBuffer {
    GuardedBuffer(
      rows.flatMap { i in
        columns.flatMap { j in floats[(i * size + j) * lanes..<(i * size + j + 1) * lanes] }
      })
  }
}

struct WinogradKernelTests {
  private static let parts: [(rows: Range<Int>, columns: Range<Int>)] = [
    (0..<6, 0..<6), (1..<6, 0..<6), (0..<6, 1..<5), (0..<3, 2..<6), (2..<3, 5..<6),
  ]

  @Test(arguments: [1, 7, 8, 9, 15, 16, 17, 33, 64])
  func transformsOfInputsAndWeights(_ lanes: Int) throws {
    for kernel in variants("f32_winograd") {
      let run = unsafeBitCast(kernel.function, to: zoo_f32_winograd_ukernel.self)
      var noise = Noise(state: UInt64(lanes))
      for kind in lanes % 16 == 0
        ? [ZOO_WINOGRAD_INPUT, ZOO_WINOGRAD_WEIGHTS] : [ZOO_WINOGRAD_INPUT]
      {
        let size = kind == ZOO_WINOGRAD_INPUT ? 6 : 3
        let matrix = kind == ZOO_WINOGRAD_INPUT ? inputMatrix : weightMatrix
        for (rows, columns) in kind == ZOO_WINOGRAD_INPUT
          ? WinogradKernelTests.parts : [(0..<3, 0..<3)]
        {
          let planes = Planes(size, lanes, &noise)
          let x = planes.part(rows, columns)
          let spectrum = GuardedBuffer(count: 36 * lanes, filledWith: .nan)
          var params = zoo_f32_winograd_params()
          params.kind = kind
          params.pixel_stride = lanes
          params.row_stride = columns.count * lanes
          params.x = UnsafeRawPointer(
            x.floats - rows.lowerBound * params.row_stride - columns.lowerBound * lanes)
          (params.first_row, params.end_row) = (rows.lowerBound, rows.upperBound)
          (params.first_column, params.end_column) = (columns.lowerBound, columns.upperBound)
          params.spectrum = spectrum.floats
          params.spectrum_stride = lanes
          run(lanes, &params)
          for lane in 0..<lanes {
            let want = transform(matrix, planes.lane(lane, rows, columns))
            for s in 0..<36 {
              let got = Double(spectrum.floats[s * lanes + lane])
              #expect(abs(got - want[s / 6][s % 6]) <= 200 * 0x1p-24, "lane \(lane) of \(lanes)")
            }
          }
        }
      }
    }
  }

  /// Weights of bf16 give the bits that the same numbers give as floats.
  @Test(arguments: [32, 64, 192])
  func weightsOfBF16(_ lanes: Int) throws {
    for kernel in variants("f32_winograd") {
      let run = unsafeBitCast(kernel.function, to: zoo_f32_winograd_ukernel.self)
      var noise = Noise(state: UInt64(lanes))
      let halves = noise.floats(9 * lanes).map { UInt16($0.bitPattern >> 16) }
      // Rows of 16 columns lie in pairs, as floats one after the other.
      let floats = halves.indices.map { index in
        let (pair, row, column) = (index / 32, index / 16 % 2, index % 16)
        return Float(bitPattern: UInt32(halves[pair * 32 + column * 2 + row]) << 16)
      }
      func spectrum(_ kind: zoo_f32_winograd_kind, _ x: UnsafeRawPointer?) -> [Float] {
        let buffer = GuardedBuffer(count: 36 * lanes, filledWith: .nan)
        var params = zoo_f32_winograd_params()
        params.kind = kind
        params.x = x
        params.pixel_stride = lanes
        params.row_stride = 3 * lanes
        params.spectrum = buffer.floats
        params.spectrum_stride = lanes
        run(lanes, &params)
        return (0..<36 * lanes).map { buffer.floats[$0] }
      }
      let wide = floats.withUnsafeBytes { spectrum(ZOO_WINOGRAD_WEIGHTS, $0.baseAddress) }
      let narrow = halves.withUnsafeBytes { spectrum(ZOO_WINOGRAD_BF16_WEIGHTS, $0.baseAddress) }
      #expect(wide == narrow)
    }
  }

  @Test(arguments: [16, 32, 48])
  func transformsOfOutputs(_ lanes: Int) throws {
    for kernel in variants("f32_winograd") {
      let run = unsafeBitCast(kernel.function, to: zoo_f32_winograd_ukernel.self)
      var noise = Noise(state: UInt64(lanes))
      for (height, width) in [(4, 4), (4, 1), (3, 4), (1, 2)] {
        let planes = Planes(6, lanes, &noise)
        let spectrum = GuardedBuffer(planes.floats)
        let bias = GuardedBuffer(noise.floats(lanes))
        let addend = noise.floats(height * width * lanes)
        let y = GuardedBuffer(addend)
        var params = zoo_f32_winograd_params()
        params.kind = ZOO_WINOGRAD_OUTPUT
        params.y = UnsafeMutableRawPointer(y.floats)
        params.pixel_stride = lanes
        params.row_stride = width * lanes
        (params.end_row, params.end_column) = (height, width)
        params.spectrum = spectrum.floats
        params.spectrum_stride = lanes
        params.bias = UnsafePointer(bias.floats)
        params.addend = UnsafeRawPointer(y.floats)
        params.addend_pixel_stride = lanes
        params.addend_row_stride = width * lanes
        (params.lower, params.upper) = (-9, 12)
        run(lanes, &params)
        for lane in 0..<lanes {
          let sums = transform(outputMatrix, planes.lane(lane, 0..<6, 0..<6))
          for pixel in 0..<height * width {
            let at = pixel * lanes + lane
            let sum = sums[pixel / width][pixel % width] + Double(bias.floats[lane] + addend[at])
            let got = Double(y.floats[at])
            #expect(abs(got - min(max(sum, -9), 12)) <= 1000 * 0x1p-24, "lane \(lane) of \(lanes)")
          }
        }
      }
    }
  }
}
