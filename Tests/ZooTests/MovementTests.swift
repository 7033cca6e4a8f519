// Operators that only move elements: pad, transpose, slice, concat. Their results are exact.
import Testing
import Zoo
import ZooCompiler

/// Channels below, at and above the widths of vectors and panels.
let channelCounts = [1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64]

struct MovementTests {
  /// A random shape of `rank` with few elements.
  private func shape(_ rank: Int, _ generator: inout SplitMix64) -> [Int] {
    (0..<rank).map { axis in
      axis == rank - 1
        ? channelCounts[Int.random(in: 0..<6, using: &generator)]
        : Int.random(in: 1...4, using: &generator)
    }
  }

  @Test(arguments: 0..<40)
  func padAddsItsElements(_ seed: Int) throws {
    var generator = SplitMix64(state: UInt64(seed))
    let x = Tensor(random: shape(seed % 5 + 1, &generator), &generator)
    var pad = Pad()
    pad.mode = [.constant, .edge, .reflect][seed % 3]
    pad.value = 0.25
    for (axis, extent) in x.shape.enumerated() {
      let most = pad.mode == .reflect ? min(3, extent - 1) : 3
      pad.before[axis] = Int.random(in: 0...most, using: &generator)
      pad.after[axis] = Int.random(in: 0...most, using: &generator)
    }
    let answer = Answer(
      exactly: x.shape.enumerated().map { $1 + pad.before[$0] + pad.after[$0] }
    ) { i in
      var at = i.enumerated().map { $1 - pad.before[$0] }
      for (axis, extent) in x.shape.enumerated() where !(0..<extent).contains(at[axis]) {
        switch pad.mode {
        case .constant: return 0.25
        case .edge: at[axis] = min(max(at[axis], 0), extent - 1)
        case .reflect: at[axis] = at[axis] < 0 ? -at[axis] : 2 * (extent - 1) - at[axis]
        }
      }
      return x[at]
    }
    try expect(pad, [.variable(x)], answer, "\(pad.mode)")
  }

  @Test(arguments: 0..<40)
  func transposeReordersAxes(_ seed: Int) throws {
    var generator = SplitMix64(state: UInt64(seed))
    let rank = seed % 6 + 1
    let x = Tensor(random: shape(rank, &generator), &generator)
    let order = (0..<rank).shuffled(using: &generator)
    var transpose = Transpose()
    for (axis, source) in order.enumerated() { transpose.permutation[axis] = source }
    let answer = Answer(exactly: order.map { x.shape[$0] }) { i in
      var at = i
      for (axis, source) in order.enumerated() { at[source] = i[axis] }
      return x[at]
    }
    try expect(transpose, [.variable(x)], answer, "\(order)")
  }

  @Test(arguments: 0..<40)
  func sliceTakesWhatItsIndicesSay(_ seed: Int) throws {
    var generator = SplitMix64(state: UInt64(seed))
    let x = Tensor(random: shape(seed % 6 + 1, &generator), &generator)
    var slice = Slice()
    for (axis, extent) in x.shape.enumerated() {
      let start = Int.random(in: 0..<extent, using: &generator)
      let step = [1, 2, -1, -3].randomElement(using: &generator) ?? 1
      let most = step > 0 ? (extent - 1 - start) / step : start / -step
      slice.start[axis] = start
      slice.step[axis] = step
      slice.count[axis] = Int.random(in: 0...most, using: &generator) + 1
    }
    let answer = Answer(exactly: x.shape.indices.map { slice.count[$0] }) { i in
      x[i.enumerated().map { slice.start[$0] + $1 * slice.step[$0] }]
    }
    try expect(slice, [.variable(x)], answer)
  }

  @Test(arguments: 0..<40)
  func concatJoinsItsInputs(_ seed: Int) throws {
    var generator = SplitMix64(state: UInt64(seed))
    let base = shape(seed % 5 + 1, &generator)
    let axis = Int.random(in: 0..<base.count, using: &generator)
    let parts = (0..<Int.random(in: 1...4, using: &generator)).map { _ -> Tensor in
      var shape = base
      shape[axis] = Int.random(in: 1...9, using: &generator)
      return Tensor(random: shape, &generator)
    }
    var joined = base
    joined[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
    let answer = Answer(exactly: joined) { i in
      var at = i
      for part in parts {
        if at[axis] < part.shape[axis] { return part[at] }
        at[axis] -= part.shape[axis]
      }
      return .nan
    }
    try expect(Concat(axis: axis), parts.map { .variable($0) }, answer, "axis \(axis)")
  }
}
