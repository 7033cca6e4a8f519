// Where a described network gets its numbers: fresh ones, none, or those of a file.
import Foundation

/// What a parameter is for; decides its first values and its place in foreign files.
package enum ParameterRole: Sendable {
  /// Weights of a convolution, [groups, kh kw c/groups, m/groups].
  case convolution(height: Int, width: Int)
  /// Weights of a depthwise convolution, [kh, kw, c].
  case depthwise
  /// Weights of a dense layer, [in, out].
  case dense
  case bias
  /// Batch norm.
  case gamma, beta, mean, variance
}

/// One parameter of a network description.
package struct ParameterSpec: Sendable {
  /// Path of names, as "layer1.0.conv1.weight".
  package let name: String
  package let role: ParameterRole
  package let shape: [Int]
  /// Inputs and outputs of one unit, for the scale of random values.
  package let fanIn: Int
  package let fanOut: Int
  package let initializer: Initializer
  /// The picture whose pixels are the inputs of a dense layer, if it was flattened for it.
  package var flattened: (height: Int, width: Int, channels: Int)?

  package init(
    name: String, role: ParameterRole, shape: [Int], fanIn: Int, fanOut: Int,
    initializer: Initializer, flattened: (height: Int, width: Int, channels: Int)? = nil
  ) {
    (self.name, self.role, self.shape) = (name, role, shape)
    (self.fanIn, self.fanOut, self.initializer) = (fanIn, fanOut, initializer)
    self.flattened = flattened
  }

  package var count: Int { shape.reduce(1, *) }
}

/// How first values are drawn.
package enum Initializer: Sendable {
  case zeros
  /// U(-l, l), l = sqrt(6 / (fanIn + fanOut)). Glorot, Bengio, AISTATS 2010.
  case glorotUniform
  /// N(0, 2 / fanIn). He and others, arXiv:1502.01852.
  case heNormal
  /// N(0, 2 / fanOut), what ResNets use.
  case heNormalFanOut
  /// N(0, deviation^2).
  case normal(Float)
}

/// Gives every parameter its values.
package protocol WeightSource {
  /// Whether values are left out, because only shapes are wanted.
  var isCounting: Bool { get }
  mutating func values(_ parameter: ParameterSpec) throws(CompileError) -> [Float]
}

extension WeightSource {
  package var isCounting: Bool { false }
}

/// No values: for counting parameters of large networks.
package struct NoWeights: WeightSource {
  package init() {}
  package var isCounting: Bool { true }
  package func values(_ parameter: ParameterSpec) -> [Float] { [] }
}

/// Values drawn from a seeded stream; each parameter's depend on the seed and its name only.
package struct RandomWeights: WeightSource {
  private let seed: UInt64

  package init(seed: UInt64) { self.seed = seed }

  package func values(_ parameter: ParameterSpec) -> [Float] {
    switch parameter.role {
    case .gamma, .variance: return [Float](repeating: 1, count: parameter.count)
    case .beta, .mean: return [Float](repeating: 0, count: parameter.count)
    default: break
    }
    var random = RandomStream(seed: seed, name: parameter.name)
    let deviation: Double
    switch parameter.initializer {
    case .zeros: return [Float](repeating: 0, count: parameter.count)
    case .glorotUniform:
      let limit = (6 / Double(parameter.fanIn + parameter.fanOut)).squareRoot()
      return (0..<parameter.count).map { _ in Float((2 * random.uniform() - 1) * limit) }
    case .heNormal: deviation = (2 / Double(parameter.fanIn)).squareRoot()
    case .heNormalFanOut: deviation = (2 / Double(parameter.fanOut)).squareRoot()
    case .normal(let value): deviation = Double(value)
    }
    return (0..<parameter.count).map { _ in Float(random.normal() * deviation) }
  }
}
