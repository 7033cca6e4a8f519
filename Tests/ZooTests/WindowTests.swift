// Pools and depthwise convolutions of random geometry against their definitions.
import Testing
import Zoo
import ZooCompiler

/// One axis of a random window, and what it covers.
private struct Axis {
  var kernel: Int
  var stride: Int
  var dilation: Int
  var before: Int
  var after: Int
  var input: Int

  init(_ generator: inout SplitMix64, dilates: Bool) {
    repeat {
      input = Int.random(in: 1...12, using: &generator)
      kernel = Int.random(in: 1...4, using: &generator)
      stride = Int.random(in: 1...3, using: &generator)
      dilation = dilates ? Int.random(in: 1...2, using: &generator) : 1
      before = Int.random(in: 0..<kernel, using: &generator)
      after = Int.random(in: 0..<kernel, using: &generator)
    } while input + before + after < reach
  }

  private var reach: Int { (kernel - 1) * dilation + 1 }

  /// Windows that fit; with `ceil` also one that sticks out, if it starts before the padding at the end.
  func output(ceil: Bool) -> Int {
    let room = input + before + after - reach
    let extent = (ceil ? room + stride - 1 : room) / stride + 1
    return ceil && (extent - 1) * stride >= input + before ? extent - 1 : extent
  }

  /// Input positions of the taps at output `p`: all of them, also those outside.
  func taps(_ p: Int) -> [Int] { (0..<kernel).map { p * stride - before + $0 * dilation } }
}

extension Window {
  fileprivate init(_ vertical: Axis, _ horizontal: Axis) {
    self.init()
    kernelHeight = Int32(vertical.kernel)
    kernelWidth = Int32(horizontal.kernel)
    strideHeight = Int32(vertical.stride)
    strideWidth = Int32(horizontal.stride)
    dilationHeight = Int32(vertical.dilation)
    dilationWidth = Int32(horizontal.dilation)
    padTop = Int32(vertical.before)
    padBottom = Int32(vertical.after)
    padLeft = Int32(horizontal.before)
    padRight = Int32(horizontal.after)
  }
}

struct WindowTests {
  @Test(arguments: 0..<60)
  func poolReducesItsWindows(_ seed: Int) throws {
    var generator = SplitMix64(state: UInt64(seed))
    let vertical = Axis(&generator, dilates: seed % 2 == 1)
    let horizontal = Axis(&generator, dilates: seed % 2 == 1)
    let channels = channelCounts[seed % channelCounts.count]
    let x = Tensor(random: [2, vertical.input, horizontal.input, channels], &generator)
    var pool = Pool()
    pool.window = Window(vertical, horizontal)
    pool.kind = [.max, .min, .average, .average][seed % 4]
    pool.ceil = seed % 3 == 1
    pool.countsPadding = seed % 4 == 3
    if seed % 5 == 4 { pool.activation = .relu6 }
    let shape = [
      2, vertical.output(ceil: pool.ceil), horizontal.output(ceil: pool.ceil), channels,
    ]
    let answer = Answer(shape) { i in
      let rows = vertical.taps(i[1])
      let columns = horizontal.taps(i[2])
      let values = rows.filter { (0..<vertical.input).contains($0) }.flatMap { row in
        columns.filter { (0..<horizontal.input).contains($0) }.map { x[[i[0], row, $0, i[3]]] }
      }
      let padded =
        rows.count { $0 < vertical.input + vertical.after }
        * columns.count { $0 < horizontal.input + horizontal.after }
      guard let largest = values.max(), let smallest = values.min() else { return (0, 0) }
      var value =
        switch pool.kind {
        case .max: largest
        case .min: smallest
        case .average:
          values.reduce(0, +) / Double(pool.countsPadding ? padded : values.count)
        }
      if pool.activation.kind == .clamp { value = min(max(value, 0), 6) }
      let magnitude = values.reduce(0) { $0 + abs($1) } / Double(values.count)
      return (value, pool.kind == .average ? Double(values.count + 2) * roundoff * magnitude : 0)
    }
    try expect(pool, [.variable(x)], answer, "seed \(seed), \(pool.kind)")
  }

  @Test(arguments: channelCounts)
  func globalPoolReducesTheImage(_ channels: Int) throws {
    var generator = SplitMix64(state: UInt64(channels))
    for (height, width) in [(1, 1), (7, 7), (5, 3), (1, 40)] {
      let x = Tensor(random: [2, height, width, channels], &generator)
      for kind in [PoolKind.max, .min, .average] {
        let answer = Answer([2, 1, 1, channels]) { i in
          let values = (0..<height).flatMap { p in (0..<width).map { x[[i[0], p, $0, i[3]]] } }
          let count = Double(values.count)
          switch kind {
          case .max: return (values.max() ?? .nan, 0)
          case .min: return (values.min() ?? .nan, 0)
          case .average:
            let magnitude = values.reduce(0) { $0 + abs($1) } / count
            return (values.reduce(0, +) / count, (count + 2) * roundoff * magnitude)
          }
        }
        try expect(GlobalPool(kind), [.variable(x)], answer, "\(kind) of \(height)x\(width)")
      }
    }
  }

  @Test(arguments: 0..<40)
  func depthwiseSumsItsTaps(_ seed: Int) throws {
    var generator = SplitMix64(state: UInt64(seed))
    let vertical = Axis(&generator, dilates: seed % 2 == 1)
    let horizontal = Axis(&generator, dilates: seed % 2 == 1)
    let channels = channelCounts[seed % channelCounts.count]
    let x = Tensor(random: [2, vertical.input, horizontal.input, channels], &generator)
    let w = Tensor(random: [vertical.kernel, horizontal.kernel, channels], &generator)
    let bias = Tensor(random: [channels], &generator)
    var operation = DepthwiseConv2D()
    operation.window = Window(vertical, horizontal)
    if seed % 3 == 0 { operation.activation = .relu }
    let hasBias = seed % 4 != 0
    let shape = [2, vertical.output(ceil: false), horizontal.output(ceil: false), channels]
    let answer = Answer(shape) { i in
      var value = hasBias ? bias[[i[3]]] : 0
      var magnitude = abs(value)
      for (row, p) in vertical.taps(i[1]).enumerated() where (0..<vertical.input).contains(p) {
        for (column, q) in horizontal.taps(i[2]).enumerated()
        where (0..<horizontal.input).contains(q) {
          let product = x[[i[0], p, q, i[3]]] * w[[row, column, i[3]]]
          value += product
          magnitude += abs(product)
        }
      }
      if operation.activation.kind == .clamp { value = max(value, 0) }
      return (value, Double(vertical.kernel * horizontal.kernel + 2) * roundoff * magnitude)
    }
    try expect(
      operation, [.variable(x), .constant(w), hasBias ? .constant(bias) : .absent], answer,
      "seed \(seed)")
  }
}
