// Operations that exist only while a network is trained; `FreezeTraining` replaces them.
package import Zoo

/// y[..., c] = act((x[..., c] - mean[c]) gamma[c] / sqrt(variance[c] + epsilon) + beta[c])
///
/// - Inputs: x [..., c]; gamma, beta, running mean, running variance [c].
/// - In training, mean and variance are those of the batch, and the running ones follow by
///   running = (1 - momentum) running + momentum batch (unbiased variance), as PyTorch does.
/// - Source: Ioffe, Szegedy, "Batch Normalization", arXiv:1502.03167.
package struct TrainableBatchNorm: Operation {
  package static let code = -1
  package static let inputCounts = 5...5
  package var epsilon: Float = 1e-5
  package var momentum: Float = 0.1
  package var activation = Activation()

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    archive.field("epsilon", &epsilon)
    archive.field("momentum", &momentum)
    activation.archive(&archive)
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    let x = inputs[0].extent
    for index in 1...4 {
      let count = inputs[index].extent.elementCount
      guard count == x.last else {
        throw .shape("channels of a batch norm", expected: x.last, got: count)
      }
    }
    return x
  }
}

/// y = x in inference; in training, elements are zero with probability `rate` and the rest divided by 1 - rate.
///
/// - Source: Srivastava and others, "Dropout", JMLR 15 (2014).
package struct Dropout: Operation {
  package static let code = -2
  package static let inputCounts = 1...1
  package var rate: Float = 0.5

  package init() {}
  package init(rate: Float) { self.rate = rate }

  package mutating func archive<A: Archive>(_ archive: inout A) { archive.field("rate", &rate) }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    guard rate >= 0 && rate < 1 else { throw .attribute("dropout rate must be in 0..<1") }
    return inputs[0].extent
  }
}
