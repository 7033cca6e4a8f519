// Steps from gradients to weights.
import CZooTrainKernels
import Foundation
import Zoo

/// An optimiser with its constants.
package struct OptimizerSettings: Codable, Sendable, Equatable {
  package enum Kind: String, Codable, Sendable, CaseIterable {
    /// v = momentum v + g, w -= rate v; with Nesterov w -= rate (g + momentum v). Sutskever and others, ICML 2013.
    case sgd
    /// s = rho s + (1 - rho) g^2, w -= rate g / (sqrt(s) + epsilon). Tieleman, Hinton, lecture 6.5.
    case rmsprop
    /// Kingma, Ba, arXiv:1412.6980.
    case adam
    /// Adam with decay apart from the gradient. Loshchilov, Hutter, arXiv:1711.05101.
    case adamw
  }
  package var kind = Kind.sgd
  package var momentum: Float = 0.9
  package var nesterov = true
  package var rho: Float = 0.9
  package var beta1: Float = 0.9
  package var beta2: Float = 0.999
  package var epsilon: Float = 1e-7
  /// L2: decay times the weight is added to the gradient (AdamW: subtracted from the weight). Weights of layers only.
  package var decay: Float = 0
  /// Gradients longer than this are scaled down to it; 0 means never.
  package var clipNorm: Float = 0

  package init() {}
}

/// The state of an optimiser for one `ParameterStore`.
package final class Optimizer {
  package let settings: OptimizerSettings
  /// Momentum or means of gradients, and means of their squares; as long as the weights.
  package let slots: [Buffer]
  /// Steps done; Adam's correction needs it.
  package var steps = 0
  private let store: ParameterStore

  package init(_ settings: OptimizerSettings, _ store: ParameterStore) {
    self.settings = settings
    self.store = store
    let count = settings.kind == .sgd ? 1 : 2
    slots = (0..<count).map { _ in Buffer(count: store.weights.count) }
  }

  /// One step with the gradients in the store; returns their norm (0 unless clipping needs it).
  @discardableResult
  package func step(rate: Float, _ workers: Workers) -> Double {
    steps += 1
    var update = zoo_train_update()
    update.rate = rate
    update.gradient_scale = 1
    update.momentum = settings.momentum
    update.nesterov = settings.nesterov ? 1 : 0
    update.beta1 = settings.beta1
    update.beta2 = settings.kind == .rmsprop ? settings.rho : settings.beta2
    update.epsilon = settings.epsilon
    update.correction1 = Float(1 / (1 - pow(Double(settings.beta1), Double(steps))))
    update.correction2 = Float(1 / (1 - pow(Double(settings.beta2), Double(steps))))
    if settings.kind == .rmsprop { update.momentum = 0 }
    var norm = 0.0
    if settings.clipNorm > 0 {
      norm = gradientNorm(workers)
      if norm > Double(settings.clipNorm) {
        update.gradient_scale = Float(Double(settings.clipNorm) / norm)
      }
    }
    for entry in store.parameters {
      let decay = entry.decays ? settings.decay : 0
      update.decay = settings.kind == .adamw ? 0 : decay
      update.decoupled = settings.kind == .adamw ? decay : 0
      let numbers = update
      workers.forEachPiece(of: entry.shape.elementCount, size: elementPiece) { part in
        apply(numbers, at: entry.offset + part.lowerBound, count: part.count, workers)
      }
    }
    return norm
  }

  private func apply(_ numbers: zoo_train_update, at: Int, count: Int, _ workers: Workers) {
    var numbers = numbers
    let gradient = UnsafePointer(store.gradients.base) + at
    let weight = store.weights.base + at
    let first = slots[0].base + at
    switch settings.kind {
    case .sgd: workers.kernels.sgd(count, &numbers, gradient, weight, first)
    case .rmsprop:
      workers.kernels.rmsprop(count, &numbers, gradient, weight, first, slots[1].base + at)
    case .adam, .adamw:
      workers.kernels.adam(count, &numbers, gradient, weight, first, slots[1].base + at)
    }
  }

  /// The length of the gradient, in Double, summed in a fixed order.
  private func gradientNorm(_ workers: Workers) -> Double {
    let count = store.gradients.count
    let pieces = (count + elementPiece - 1) / elementPiece
    let sums = UnsafeMutablePointer<Double>.allocate(capacity: max(1, pieces))
    defer { sums.deallocate() }
    let gradients = store.gradients.base
    workers.forEach(pieces) { piece in
      var sum = 0.0
      for index in piece * elementPiece..<min(count, (piece + 1) * elementPiece) {
        sum += Double(gradients[index]) * Double(gradients[index])
      }
      sums[piece] = sum
    }
    return (0..<pieces).reduce(0) { $0 + sums[$1] }.squareRoot()
  }
}
