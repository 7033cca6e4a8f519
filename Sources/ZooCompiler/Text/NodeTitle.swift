// What a node does, in a few words.
import Zoo

/// "Conv2D 3x3/2 g4 + ReLU".
package func title(_ node: GraphNode) -> String {
  var text = operationName(node.operation)
  let window: Window? =
    switch node.operation {
    case let op as Conv2D: op.window
    case let op as DepthwiseConv2D: op.window
    case let op as Pool: op.window
    case let op as any IntegerOperation: op.slidingWindow
    default: nil
    }
  if let window {
    text += " \(window.kernelHeight)x\(window.kernelWidth)"
    if window.strideHeight > 1 || window.strideWidth > 1 {
      text +=
        window.strideHeight == window.strideWidth
        ? "/\(window.strideHeight)" : "/\(window.strideHeight)x\(window.strideWidth)"
    }
  }
  if let conv = node.operation as? Conv2D, conv.groups > 1 { text += " g\(conv.groups)" }
  if let integer = node.operation as? any IntegerOperation, integer.groupCount > 1 {
    text += " g\(integer.groupCount)"
  }
  // Products may overwrite what they add.
  if packedOperand(node.operation) != nil, let addend = inPlaceOperands(node.operation).first,
    node.inputs.count > addend, node.inputs[addend] != nil
  {
    text += " + add"
  }
  let activation = activationName(fusedActivation(node.operation))
  if !activation.isEmpty { text += " + " + activation }
  return text
}
