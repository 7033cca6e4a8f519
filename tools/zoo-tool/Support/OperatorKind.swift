// Operators by kind, and the kernels that compute them.
import CZoo
import CZooKernels
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
    case is Conv2D: self = .convolution
    case is DepthwiseConv2D: self = .depthwise
    case is Dense: self = .dense
    case is Pool, is GlobalPool, is Mean: self = .pooling
    case let integer as any IntegerOperation:
      switch integer.family {
      case .product: self = integer.slidingWindow == nil ? .dense : .convolution
      case .depthwise: self = .depthwise
      case .pool: self = .pooling
      case .binary, .edge: self = .elementwise
      }
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
///
/// - Parameter isRounded: whether its input or output are tensors of bf16.
func kernelFamily(_ node: GraphNode, _ graph: Graph, isa: UInt32, isRounded: Bool) -> String? {
  switch node.operation {
  case is Conv2D, is Dense:
    guard node.inputs.count > 1, let weights = node.inputs[1] else { return nil }
    if isTransformed(node, graph) { return isRounded ? "bf16_winograd" : "f32_winograd" }
    return switch graph[weights].type {
    case ZOO_I8: "i8w_igemm"
    case ZOO_F16: "f16w_igemm"
    case ZOO_BF16: "bf16_igemm"
    default: goesByLines(node, graph, isa) ? "f32_lines" : "f32_igemm"
    }
  case let depthwise as DepthwiseConv2D:
    guard let x = node.inputs[0].map({ graph[$0].shape }) else { return nil }
    let goesByPlanes = depthwise.goesByPlanes(
      height: x[1], width: x[2], channels: x[3],
      pitch: x[3] * (isRounded ? 2 : 4), isRounded: isRounded, zoo_kernels_for(isa))
    return (isRounded ? "bf16" : "f32") + (goesByPlanes ? "_dwplane" : "_dwconv")
  case is Pool, is GlobalPool: return isRounded ? "bf16_pool" : "f32_pool"
  case is Binary: return isRounded ? "bf16_binary" : "f32_binary"
  case is Unary: return "f32_unary"
  case is Lookup: return "i8_lookup"
  case is Dequantize<Int8>, is Dequantize<Int16>: return nil
  case let integer as any IntegerOperation:
    let type = integer.isWide ? "i16" : "i8"
    return switch integer.family {
    case .product:
      goesByLines(integer, node, graph, isa)
        ? "i8_lines" : isTransformed(integer, node, graph, isa) ? "i8_winograd" : type + "_igemm"
    case .depthwise: goesByPlanes(node, graph, isa) ? "i8_dwplane" : type + "_dwconv"
    case .pool: type + "_pool"
    case .binary: type + "_binary"
    case .edge: type + "_quantize"
    }
  default: return nil
  }
}

/// Whether `node` is a convolution of an image of one channel that has a kernel of its own (`MatrixProduct`).
private func goesByLines(_ node: GraphNode, _ graph: Graph, _ isa: UInt32) -> Bool {
  guard let operation = node.operation as? Conv2D, let x = node.inputs[0],
    graph[x].shape.last == 1, graph[node.output].shape.last <= Int(ZOO_LINES_OUTPUTS),
    node.inputs.count < 4, Microkernel.selected(family: "f32_lines", isa: isa) != nil
  else { return false }
  let window = operation.window
  let pads = [window.padTop, window.padLeft, window.padBottom, window.padRight]
  return window.strideWidth == 1 && window.dilationWidth == 1 && pads.allSatisfy { $0 == 0 }
}

/// Whether `node` is a product of few columns that has a kernel of its own (`ProductLines.swift`).
private func goesByLines(
  _ operation: any IntegerOperation, _ node: GraphNode, _ graph: Graph, _ isa: UInt32
) -> Bool {
  let shape = graph[node.output].shape
  guard !operation.isWide, shape.rowCount >= 4, isa != ZOO_KERNELS_AMX,
    Microkernel.selected(family: "i8_lines", isa: isa) != nil
  else { return false }
  let columns = shape.last / operation.groupCount
  guard let window = operation.slidingWindow, let x = node.inputs[0] else { return columns < 48 }
  let run = Int(window.kernelWidth) * graph[x].shape.last / operation.groupCount
  return columns < (run % 4 != 0 && run <= 16 ? 65 : 48) && window.dilationHeight == 1
    && window.dilationWidth == 1
}

/// Whether `node` is a convolution of bytes that runs by transforms (`IntegerWinograd.swift`).
private func isTransformed(
  _ operation: any IntegerOperation, _ node: GraphNode, _ graph: Graph, _ isa: UInt32
) -> Bool {
  #if arch(x86_64)
  guard let operation = operation as? IntegerConv2D<Int8>, let x = node.inputs[0] else {
    return false
  }
  let (input, output) = (graph[x].shape, graph[node.output].shape)
  return operation.transformed(x: input, y: output, zoo_kernels_for(isa)) != nil
  #else
  return false
  #endif
}

/// Whether `node` is a depthwise convolution of bytes that reads the padding as pixels (`IntegerDepthwisePlanes.swift`).
private func goesByPlanes(_ node: GraphNode, _ graph: Graph, _ isa: UInt32) -> Bool {
  #if arch(x86_64)
  guard let operation = node.operation as? IntegerDepthwiseConv2D<Int8>, let x = node.inputs[0],
    Microkernel.selected(family: "i8_dwplane", isa: isa) != nil
  else { return false }
  return operation.goesByPlanes(
    zoo_tensor(ZOO_I8, graph[x].shape), zoo_tensor(ZOO_I8, graph[node.output].shape))
  #else
  return false
  #endif
}

/// What the products of `node` are of: bytes only where sums are of integers too. With activations of 16 bits they count
/// against the same peak, of which they can reach half.
func arithmetic(_ node: GraphNode) -> Arithmetic {
  switch node.operation {
  case let integer as any IntegerOperation where integer.hasWeights: .int8
  default: .f32
  }
}
