// Which layer trains which operation.
import Zoo
import ZooCompiler

/// The layer of an operation.
///
/// - Throws: `CompileError` naming the node if the operation cannot be trained.
func makeLayer(_ operation: any Operation, _ site: LayerSite) throws(CompileError) -> any Layer {
  switch operation {
  case let op as Conv2D where isDense(op, site): try DenseLayer(site, dense(op))
  case let op as Conv2D: try ConvolutionLayer(site, op)
  case let op as DepthwiseConv2D: try DepthwiseLayer(site, op)
  case let op as Dense: try DenseLayer(site, op)
  case let op as TrainableBatchNorm: try BatchNormLayer(site, op)
  case let op as BatchNorm: try FixedBatchNormLayer(site, op)
  case let op as Pool: try PoolLayer(site, op)
  case let op as GlobalPool: try GlobalPoolLayer(site, op)
  case let op as Binary: try BinaryLayer(site, op)
  case let op as Unary: try UnaryLayer(site, op)
  case let op as Concat: try ConcatLayer(site, op)
  case let op as Reshape: try ReshapeLayer(site, op)
  case let op as Pad: try PadLayer(site, op)
  case let op as Dropout: try DropoutLayer(site, op)
  case let op as LocalResponseNorm: try LocalResponseNormLayer(site, op)
  default:
    throw CompileError("'\(site.name)': \(operationName(operation)) cannot be trained")
  }
}

private func dense(_ convolution: Conv2D) -> Dense {
  var result = Dense()
  result.activation = convolution.activation
  return result
}

/// Whether the window of a convolution is the whole image, so that every image has one output pixel.
private func isDense(_ convolution: Conv2D, _ site: LayerSite) -> Bool {
  guard let x = site.inputs[0]?.shape else { return false }
  let vertical = convolution.window.vertical(x[1])
  let horizontal = convolution.window.horizontal(x[2])
  return convolution.groups == 1
    && [vertical, horizontal].allSatisfy {
      $0.kernel == $0.input && $0.dilation == 1 && $0.padBefore == 0 && $0.padAfter == 0
    }
}
