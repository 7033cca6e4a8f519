// Element-wise functions of one variable, alone or fused into the operator before.
import CZoo
import CZooKernels

/// Which function; raw values are those of `zoo_f32_unary_kind`, plus `none`.
package enum ActivationKind: Int32, Sendable {
  case none = -1
  /// min(max(x, alpha), beta): ReLU is (0, inf), ReLU6 is (0, 6).
  case clamp = 0
  /// x < 0 ? alpha x : x
  case leakyReLU = 1
  /// 1 / (1 + e^-x)
  case sigmoid = 2
  case tanh = 3
  /// min(max(alpha x + beta, 0), 1)
  case hardSigmoid = 4
  /// x min(max(x / 6 + 1 / 2, 0), 1)
  case hardSwish = 5
  /// e^x
  case exp = 6
  /// x < 0 ? alpha (e^x - 1) : x
  case elu = 7
  /// x sigmoid(alpha x)
  case silu = 8
}

/// y = f(x), element by element.
package struct Activation: Sendable {
  package var kind = ActivationKind.none
  package var alpha: Float = 0
  package var beta: Float = 0

  package init() {}

  package init(_ kind: ActivationKind, alpha: Float = 0, beta: Float = 0) {
    self.kind = kind
    self.alpha = alpha
    self.beta = beta
  }

  package static let none = Activation()
  package static let relu = Activation(.clamp, alpha: 0, beta: .infinity)
  package static let relu6 = Activation(.clamp, alpha: 0, beta: 6)

  package mutating func archive<A: Archive>(_ archive: inout A) {
    archive.field("activation", &kind)
    archive.field("activation alpha", &alpha)
    archive.field("activation beta", &beta)
  }

  /// Bounds that a kernel's clamp applies on its own; infinite for everything that is not a clamp.
  var lower: Float { kind == .clamp ? alpha : -.infinity }
  var upper: Float { kind == .clamp ? beta : .infinity }

  /// Whether something is left to do after a kernel has clamped.
  var needsPass: Bool { kind != .none && kind != .clamp }

  /// Applies the function to `count` elements; `y` may be `x`.
  func apply(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, count: Int, _ runtime: Runtime
  ) {
    if let kernel = runtime.kernels.f32_unary {
      var params = zoo_f32_unary_params(
        kind: zoo_f32_unary_kind(rawValue: UInt32(kind.rawValue)), x: x, y: y, alpha: alpha,
        beta: beta)
      kernel(count, &params)
    } else {
      for index in 0..<count { y[index] = value(x[index]) }
    }
  }

  /// The function in portable arithmetic.
  func value(_ x: Float) -> Float {
    switch kind {
    case .none: x
    case .clamp: clamp(x, alpha, beta)
    case .leakyReLU: x < 0 ? alpha * x : x
    case .sigmoid: sigmoid(x)
    case .tanh: hyperbolicTangent(x)
    case .hardSigmoid: clamp(alpha * x + beta, 0, 1)
    case .hardSwish: x * clamp(x * (1 / 6) + 0.5, 0, 1)
    case .exp: exponential(x)
    case .elu: x < 0 ? alpha * (exponential(x) - 1) : x
    case .silu: x * sigmoid(alpha * x)
    }
  }
}

/// min(max(x, lower), upper); a NaN stays one.
func clamp(_ x: Float, _ lower: Float, _ upper: Float) -> Float {
  var y = x
  if y < lower { y = lower }
  if y > upper { y = upper }
  return y
}

/// y = f(x) as an operator of its own.
///
/// - Shapes: `x` any, `y` the same.
/// - In place: `y` may be `x`.
package struct Unary: RunnableOperation {
  package static let code = 7
  package static let inputCounts = 1...1
  package var activation = Activation()

  package init() {}
  package init(_ activation: Activation) { self.activation = activation }

  package mutating func archive<A: Archive>(_ archive: inout A) { activation.archive(&archive) }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    guard activation.kind != .none else { throw .attribute("activation is none") }
    return inputs[0].extent
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireFloat()
    try node.requireLayout()
  }

  func run(_ node: Node) {
    RowWork(x: node.inputs[0], y: node.output, activation: activation, runtime: node.runtime)
      .start()
  }
}

/// Rows of an element-wise pass, cut into pieces of similar size.
private struct RowWork: ParallelWork {
  let x: zoo_tensor
  let y: zoo_tensor
  let activation: Activation
  let runtime: Runtime
  let pieces: Int

  init(x: zoo_tensor, y: zoo_tensor, activation: Activation, runtime: Runtime) {
    self.x = x
    self.y = y
    self.activation = activation
    self.runtime = runtime
    pieces = runtime.pieces(
      for: y.extent.elementCount, worth: 1 << 15, most: y.extent.elementCount)
  }

  func start() { forEach(pieces, runtime) { RowWork.body($0).run($1) } }

  func run(_ index: Int) {
    if x.isDense && y.isDense {
      let part = piece(index, of: pieces, y.extent.elementCount)
      activation.apply(
        x.floats + part.lowerBound, y.floats + part.lowerBound, count: part.count, runtime)
    } else {
      for row in piece(index, of: pieces, y.extent.rowCount) {
        activation.apply(
          x.floats + row * x.rowStride, y.floats + row * y.rowStride, count: y.extent.last,
          runtime)
      }
    }
  }
}

@c(zoo_unary_prepare)
func unaryPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Unary.self, node, error) }

@c(zoo_unary_run)
func unaryRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Unary.self, node) }
