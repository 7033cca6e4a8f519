// Local response normalisation across channels, as in AlexNet and GoogLeNet.
import CZoo

/// y[..., c] = x[..., c] / (bias + alpha * sum over |d - c| window of x[..., d]^2)^beta
///
/// The window of `size` channels reaches floor((size - 1) / 2) down and ceil((size - 1) / 2) up, as ONNX
/// defines it; `alpha` is already divided by `size` where the source format does so.
/// - Shapes: `x` [..., c]; `y` the same. In place: `y` may be `x`. The window is at most 128 channels.
/// - Source: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks", 3.3.
package struct LocalResponseNorm: RunnableOperation {
  package static let code = 13
  package static let inputCounts = 1...1
  package var size: Int32 = 5
  package var alpha: Float = 1e-4
  package var beta: Float = 0.75
  package var bias: Float = 1

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    archive.field("size", &size)
    archive.field("alpha", &alpha)
    archive.field("beta", &beta)
    archive.field("bias", &bias)
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    guard size >= 1 && size <= 128 else {
      throw .attribute("window size", expected: 128, got: Int(size))
    }
    return inputs[0].extent
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireFloat()
    try node.requireLayout()
  }

  func run(_ node: Node) {
    let work = NormWork(norm: self, x: node.inputs[0], y: node.output, runtime: node.runtime)
    work.forEach(node.runtime.threadCount, node.runtime) { NormWork.body($0).run($1) }
  }
}

private struct NormWork: ParallelWork {
  let norm: LocalResponseNorm
  let x: zoo_tensor
  let y: zoo_tensor
  let runtime: Runtime

  func run(_ index: Int) {
    let channels = y.extent.last
    let down = (Int(norm.size) - 1) / 2
    let up = Int(norm.size) - 1 - down
    for row in piece(index, of: runtime.threadCount, y.extent.rowCount) {
      let from = x.floats + row * x.rowStride
      let to = y.floats + row * y.rowStride
      // Squares of the channels before c, which may have been overwritten.
      var squares = InlineArray<64, Float>(repeating: 0)
      for c in 0..<channels {
        var sum: Float = 0
        for d in max(0, c - down)..<c { sum += squares[d % 64] }
        for d in c..<min(channels, c + up + 1) { sum += from[d] * from[d] }
        squares[c % 64] = from[c] * from[c]
        to[c] = from[c] / power(norm.bias + norm.alpha * sum, norm.beta)
      }
    }
  }
}

@c(zoo_local_response_norm_prepare)
func localResponseNormPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(LocalResponseNorm.self, node, error) }

@c(zoo_local_response_norm_run)
func localResponseNormRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(LocalResponseNorm.self, node) }
