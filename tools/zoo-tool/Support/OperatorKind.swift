// Operators by kind, and the kernels that compute them.
import CZoo
import Zoo
import ZooCompiler
import ZooMeasure

/// What an operator does to its input, roughly: what a profile groups and colours by.
enum OperatorKind: String, CaseIterable, Encodable {
  case convolution
  case depthwise = "depthwise convolution"
  case dense
  case pooling
  case elementwise = "element by element"
  case normalization
  case movement
  case custom

  init(_ operation: any Operation) {
    switch operation {
    case is Conv2D, is IntegerConv2D: self = .convolution
    case is DepthwiseConv2D, is IntegerDepthwiseConv2D: self = .depthwise
    case is Dense, is IntegerDense: self = .dense
    case is Pool, is GlobalPool, is Mean, is IntegerPool, is IntegerGlobalPool: self = .pooling
    case is BatchNorm, is LocalResponseNorm, is Softmax: self = .normalization
    case is Concat, is Pad, is Reshape, is Transpose, is Slice: self = .movement
    case is CustomOperation: self = .custom
    default: self = .elementwise
    }
  }
}

/// The family of microkernels that computes `node`, or nil if that is portable Swift alone.
///
/// Windows larger than a kernel's table of pointers (`MatrixProduct`) are portable all the same.
func kernelFamily(_ node: GraphNode, _ graph: Graph) -> String? {
  switch node.operation {
  case is Conv2D, is Dense:
    guard node.inputs.count > 1, let weights = node.inputs[1] else { return nil }
    return switch graph[weights].type {
    case ZOO_I8: "i8w_igemm"
    case ZOO_F16: "f16w_igemm"
    case ZOO_BF16: "bf16_igemm"
    default: isTransformed(node, graph) ? "f32_winograd" : "f32_igemm"
    }
  case is DepthwiseConv2D: return "f32_dwconv"
  case is Pool, is GlobalPool: return "f32_pool"
  case is Binary: return "f32_binary"
  case is Unary: return "f32_unary"
  case is IntegerConv2D, is IntegerDense: return "i8_igemm"
  case is IntegerDepthwiseConv2D: return "i8_dwconv"
  case is IntegerPool, is IntegerGlobalPool: return "i8_pool"
  case is IntegerBinary: return "i8_binary"
  case is Quantize: return "i8_quantize"
  default: return nil
  }
}

/// What the products of `node` are of: bytes only where sums are of integers too.
func arithmetic(_ node: GraphNode) -> Arithmetic {
  switch node.operation {
  case is IntegerConv2D, is IntegerDense, is IntegerDepthwiseConv2D: .int8
  default: .f32
  }
}
