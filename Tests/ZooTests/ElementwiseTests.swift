// Functions of single elements: binary with broadcasting, unary, batch norm.
import Foundation
import Testing
import Zoo
import ZooCompiler

/// A unary function: its definition, and how far a result may be from it.
private struct Function: Sendable {
  var activation: Activation
  var value: @Sendable (Double) -> Double
  /// Error as a part of the result...
  var relative = 0.0
  /// ...plus this.
  var absolute = 0.0

  static let all = [
    Function(activation: .relu, value: { max($0, 0) }),
    Function(activation: .relu6, value: { min(max($0, 0), 6) }),
    Function(
      activation: Activation(.clamp, alpha: -0.5, beta: 0.75), value: { min(max($0, -0.5), 0.75) }),
    Function(
      activation: Activation(.leakyReLU, alpha: 0.125), value: { $0 < 0 ? 0.125 * $0 : $0 }),
    Function(activation: Activation(.sigmoid), value: sigmoid64, absolute: 1e-7),
    Function(activation: Activation(.tanh), value: { Foundation.tanh($0) }, relative: 5e-7),
    Function(
      activation: Activation(.hardSigmoid, alpha: 0.25, beta: 0.5),
      value: { min(max(0.25 * $0 + 0.5, 0), 1) }, absolute: roundoff),
    Function(
      activation: Activation(.hardSwish), value: { $0 * min(max($0 / 6 + 0.5, 0), 1) },
      relative: 2 * roundoff, absolute: 4 * roundoff * 3),
    Function(activation: Activation(.exp), value: { Foundation.exp($0) }, relative: 3 * roundoff),
    // e^x - 1 loses leading bits near 0: the error is that of e^x.
    Function(
      activation: Activation(.elu, alpha: 1.5), value: { $0 < 0 ? 1.5 * Foundation.expm1($0) : $0 },
      relative: roundoff, absolute: 1.5 * 4 * roundoff),
    Function(
      activation: Activation(.silu, alpha: 1), value: { $0 * sigmoid64($0) },
      relative: 4 * roundoff,
      absolute: 1e-6),
  ]
}

/// 1 / (1 + e^-x) in Double.
@Sendable private func sigmoid64(_ x: Double) -> Double { 1 / (1 + Foundation.exp(-x)) }

struct ElementwiseTests {
  @Test(arguments: channelCounts + [40_000])
  func unaryFunctionsAreWithinTheirBounds(_ count: Int) throws {
    var generator = SplitMix64(state: UInt64(count))
    var x = Tensor(random: [count], scale: 12, &generator)
    if count > 60 {
      // Far out, where exp overflows and underflows, and near zero, where differences cancel.
      let special: [Float] = [
        0, -0.0, 1e-30, -1e-30, 1e-4, -1e-4, 50, -50, 88, -87, 100, -110, 1e30, -1e30,
        .infinity, -.infinity, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
      ]
      for (index, value) in special.enumerated() { x.floats[3 * index] = value }
    }
    for function in Function.all {
      let answer = Answer([count]) { i in
        // Rounded to single, so that an overflow is one here too.
        let want = Double(Float(function.value(x[i])))
        let ulp = Double(Float.leastNonzeroMagnitude)
        return (want, (function.relative + roundoff) * abs(want) + function.absolute + ulp)
      }
      try expect(
        Unary(function.activation), [.variable(x)], answer, activationName(function.activation))
    }
  }

  @Test func notANumberStaysOne() throws {
    let x = Tensor([20], [Float](repeating: .nan, count: 20))
    for function in Function.all {
      try expect(
        Unary(function.activation), [.variable(x)], Answer([20]) { _ in (.nan, 0) },
        activationName(function.activation))
    }
  }

  /// Shapes that broadcast in every way: none, scalars, channels, pixels, ranks, both at once.
  static let broadcasts: [([Int], [Int])] = [
    ([2, 3, 5, 17], [2, 3, 5, 17]), ([2, 3, 5, 17], []), ([], [7]), ([1], [1]),
    ([2, 3, 5, 16], [16]), ([33], [4, 33]), ([2, 3, 5, 9], [2, 1, 1, 9]),
    ([2, 3, 5, 8], [3, 5, 1]), ([2, 1, 5, 1], [1, 3, 1, 15]), ([4, 1], [1, 31]),
    ([3, 1, 2, 1, 2, 7], [2, 2, 1, 7]), ([1, 1, 1, 64], [1, 6, 6, 64]),
    ([1, 40, 30, 33], [33]), ([1, 40, 30, 33], [1, 40, 30, 33]),
  ]

  @Test(arguments: broadcasts.indices)
  func binaryFunctionsBroadcastAndRoundOnce(_ index: Int) throws {
    var generator = SplitMix64(state: UInt64(index))
    let a = Tensor(random: ElementwiseTests.broadcasts[index].0, &generator)
    let b = Tensor(random: ElementwiseTests.broadcasts[index].1, &generator)
    let rank = max(a.shape.count, b.shape.count)
    let ones = { (tensor: Tensor) in
      [Int](repeating: 1, count: rank - tensor.shape.count) + tensor.shape
    }
    let shape = zip(ones(a), ones(b)).map { max($0, $1) }
    for kind in [BinaryKind.add, .subtract, .multiply, .divide, .maximum, .minimum] {
      for clamps in [false, true] {
        var operation = Binary(kind)
        if clamps { operation.activation = Activation(.clamp, alpha: -0.5, beta: 0.5) }
        // Double has enough bits for rounding twice to be rounding once.
        let answer = Answer(exactly: shape) { i in
          let (p, q) = (a.broadcast(i), b.broadcast(i))
          let value =
            switch kind {
            case .add: p + q
            case .subtract: p - q
            case .multiply: p * q
            case .divide: p / q
            case .maximum: max(p, q)
            case .minimum: min(p, q)
            }
          return clamps ? min(max(value, -0.5), 0.5) : value
        }
        try expect(operation, [.variable(a), .variable(b)], answer, "\(kind)")
        try expect(operation, [.variable(a), .constant(b)], answer, "\(kind), constant")
      }
    }
  }

  @Test(arguments: channelCounts)
  func batchNormScalesAndShifts(_ channels: Int) throws {
    var generator = SplitMix64(state: UInt64(channels))
    let x = Tensor(random: [2, 3, 5, channels], &generator)
    let scale = Tensor(random: [channels], &generator)
    let shift = Tensor(random: [channels], &generator)
    for activation in [Activation.none, .relu] {
      var operation = BatchNorm()
      operation.activation = activation
      let answer = Answer(x.shape) { i in
        let product = x[i] * scale[[i[3]]]
        let value = product + shift[[i[3]]]
        let bound = roundoff * (2 * abs(product) + abs(shift[[i[3]]]))
        return (activation.kind == .none ? value : max(value, 0), bound)
      }
      try expect(operation, [.variable(x), .constant(scale), .constant(shift)], answer)
    }
  }
}
