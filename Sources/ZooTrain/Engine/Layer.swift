// What every layer of a network in training can do.
package import Zoo
package import ZooCompiler

/// What layers are given when they are made and while they run.
package final class TrainingContext {
  package let workers: Workers
  package let precision: ProductPrecision
  /// Images in a batch.
  package let batch: Int
  package let seed: UInt64
  /// Number of the present step; random layers draw from (seed, step).
  package var step = 0

  package init(workers: Workers, precision: ProductPrecision, batch: Int, seed: UInt64) {
    self.workers = workers
    self.precision = precision
    self.batch = batch
    self.seed = seed
  }
}

/// A node of a network, with its gradient.
///
/// `forward` computes the output's value; `backward` is called when the output's gradient is complete, may overwrite
/// it, and contributes to the gradients of the inputs.
package protocol Layer: AnyObject {
  var site: LayerSite { get }
  func forward()
  func backward()
}

/// A layer whose forward pass is an operator of the runtime.
protocol OperatorLayer: Layer {
  var call: OperatorCall { get }
}

extension OperatorLayer {
  package func forward() { call.run() }
}

extension Layer {
  package var name: String { site.name }
  package var inputs: [Variable?] { site.inputs }
  package var output: Variable { site.output }
  package var context: TrainingContext { site.context }
  package var workers: Workers { site.context.workers }

  /// Input `index`, which the operation requires.
  package func input(_ index: Int) -> Variable { site.inputs[index].unsafelyUnwrapped }

  /// Multiplies the output's gradient by the derivative of a fused activation, in place.
  package func undo(_ activation: Activation) {
    guard activation.kind != .none, let gradient = output.gradient else { return }
    differentiate(
      activation, x: nil, y: output.value, dy: gradient, dx: gradient, count: output.count, workers)
  }
}

/// Where a layer sits.
package struct LayerSite {
  package let name: String
  package let inputs: [Variable?]
  package let output: Variable
  package let context: TrainingContext

  package init(name: String, inputs: [Variable?], output: Variable, context: TrainingContext) {
    self.name = name
    self.inputs = inputs
    self.output = output
    self.context = context
  }

  /// The forward pass of most layers: `operation` on the inputs as they are.
  package func call(_ operation: any Operation) throws(CompileError) -> OperatorCall {
    try OperatorCall(
      operation, name: name, inputs.map { $0.map { OperatorCall.Operand($0) } },
      output: OperatorCall.Operand(output), context.workers)
  }
}

/// Elements one piece of an element-wise pass has: small enough for L2, large enough to be worth a hand-over.
package let elementPiece = 1 << 15
