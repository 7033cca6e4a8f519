// Which layer trains which operation.
import Zoo
import ZooCompiler

/// The layer of an operation.
///
/// - Throws: `CompileError` naming the node if the operation cannot be trained.
func makeLayer(_ operation: any Operation, _ site: LayerSite) throws(CompileError) -> any Layer {
  switch operation {
  case let op as Conv2D: try ConvolutionLayer(site, op)
  case let op as DepthwiseConv2D: try DepthwiseLayer(site, op)
  case let op as Dense: try DenseLayer(site, op)
  case let op as TrainableBatchNorm: try BatchNormLayer(site, op)
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
