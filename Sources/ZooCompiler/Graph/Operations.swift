// All operations the compiler knows: the one list that reading, naming and checking follow from.
package import Zoo

/// Every built-in operation; its position does not matter.
package let allOperations: [any (Operation & Sendable).Type] = [
  Conv2D.self, DepthwiseConv2D.self, Dense.self, Pool.self, GlobalPool.self, Binary.self,
  Unary.self, Concat.self, Pad.self, Reshape.self, Transpose.self, BatchNorm.self,
  LocalResponseNorm.self, Softmax.self, Slice.self, Mean.self,
  IntegerConv2D<Int8>.self, IntegerDepthwiseConv2D<Int8>.self, IntegerDense<Int8>.self,
  IntegerPool<Int8>.self, IntegerGlobalPool<Int8>.self, IntegerBinary<Int8>.self, Lookup.self,
  Quantize<Int8>.self, Dequantize<Int8>.self,
  IntegerConv2D<Int16>.self, IntegerDepthwiseConv2D<Int16>.self, IntegerDense<Int16>.self,
  IntegerPool<Int16>.self, IntegerGlobalPool<Int16>.self, IntegerBinary<Int16>.self,
  Quantize<Int16>.self, Dequantize<Int16>.self, Requantize.self,
]

/// The operation type with this code, if there is one.
package func operationType(code: Int) -> (any Operation.Type)? {
  allOperations.first { $0.code == code }
}

/// An operation by a name a person would use: "Conv2D", "Add", "ReLU".
package func operationName(_ operation: any Operation) -> String {
  switch operation {
  case let custom as CustomOperation: custom.name
  case let pool as Pool: capitalized("\(pool.kind)") + "Pool"
  case let pool as GlobalPool: "Global" + capitalized("\(pool.kind)") + "Pool"
  case let binary as Binary: capitalized("\(binary.kind)")
  case let unary as Unary: activationName(unary.activation)
  case is TrainableBatchNorm: "BatchNorm"
  case let integer as any IntegerOperation: integer.realName
  case let softmax as Softmax: softmax.isLogarithm ? "LogSoftmax" : "Softmax"
  default: "\(type(of: operation))"
  }
}

func capitalized(_ word: String) -> String {
  word.prefix(1).uppercased() + word.dropFirst()
}

/// "ReLU", "ReLU6", "Tanh"...; "" for none.
package func activationName(_ activation: Activation) -> String {
  switch activation.kind {
  case .none: ""
  case .clamp:
    switch (activation.alpha, activation.beta) {
    case (0, .infinity): "ReLU"
    case (0, 6): "ReLU6"
    default: "Clamp(\(activation.alpha), \(activation.beta))"
    }
  case .leakyReLU: "LeakyReLU(\(activation.alpha))"
  case .sigmoid: "Sigmoid"
  case .tanh: "Tanh"
  case .hardSigmoid: "HardSigmoid"
  case .hardSwish: "HardSwish"
  case .exp: "Exp"
  case .elu: "ELU(\(activation.alpha))"
  case .silu: "SiLU"
  }
}

/// An operation that applies an activation to its results.
private protocol ActivatedOperation: Operation {
  var activation: Activation { get set }
}
extension Conv2D: ActivatedOperation {}
extension DepthwiseConv2D: ActivatedOperation {}
extension Dense: ActivatedOperation {}
extension Pool: ActivatedOperation {}
extension Binary: ActivatedOperation {}
extension BatchNorm: ActivatedOperation {}
extension TrainableBatchNorm: ActivatedOperation {}

/// The activation fused into an operation, or none.
package func fusedActivation(_ operation: any Operation) -> Activation {
  (operation as? any ActivatedOperation)?.activation ?? .none
}

/// `operation` with `activation` fused, or nil if it cannot take it.
package func fusing(_ activation: Activation, into operation: any Operation) -> (any Operation)? {
  guard fusedActivation(operation).kind == .none else { return nil }
  return replacingActivation(of: operation, by: activation)
}

/// `operation` with `activation` instead of what is fused into it, or nil if it cannot take it.
package func replacingActivation(
  of operation: any Operation, by activation: Activation
) -> (any Operation)? {
  guard var activated = operation as? any ActivatedOperation else { return nil }
  if operation is Pool && activation.kind != .clamp && activation.kind != .none { return nil }
  activated.activation = activation
  return activated
}

/// The operand that the file stores as panels of 16 columns (in quads of rows if it is i8), if the operation has one.
package func packedOperand(_ operation: any Operation) -> Int? {
  switch operation {
  case is Conv2D, is Dense: 1
  case let integer as any IntegerOperation where integer.family == .product: 1
  default: nil
  }
}

/// Whether the operation reads and writes rows with gaps, so that it can work inside a concatenation.
package func supportsGaps(_ operation: any Operation) -> Bool {
  !(operation is Softmax || operation is Reshape || operation is Mean
    || operation is CustomOperation)
}

/// Which inputs the output may overwrite, given that shapes agree.
package func inPlaceOperands(_ operation: any Operation) -> [Int] {
  switch operation {
  case is Unary, is BatchNorm, is Softmax, is Lookup, is LocalResponseNorm: [0]
  case is Binary: [0, 1]
  case is Conv2D, is Dense: [3]
  case let integer as any IntegerOperation:
    switch integer.family {
    case .product: [4]
    case .binary: [0, 1]
    default: []
    }
  default: []
  }
}

/// An operator outside the library, found by name when a session is made.
package struct CustomOperation: Operation {
  package static let code = 0
  package static let inputCounts = 0...1024
  package var name = ""
  /// Little-endian words, as the operator defines them.
  package var attributes: [UInt8] = []
  package var shape = Shape()

  package init() {}

  package init(name: String, attributes: [UInt8], shape: Shape) {
    self.name = name
    self.attributes = attributes
    self.shape = shape
  }

  package mutating func archive<A: Archive>(_ archive: inout A) {}

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape { shape }
}
