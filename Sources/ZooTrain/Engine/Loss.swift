// Losses: the value, the gradient by the logits, and how many were right.
import Foundation
import Zoo

/// What a batch gave.
package struct LossResult {
  /// Mean over the batch.
  package var loss: Double
  package var correct: Int
}

/// A loss over a batch of logits [n, classes].
package struct LossFunction: Sendable {
  package var kind = LossKind.crossEntropy
  /// The target is 1 - smoothing + smoothing / classes for the label, smoothing / classes for the others.
  package var smoothing: Float = 0

  package init(_ kind: LossKind = .crossEntropy, smoothing: Float = 0) {
    self.kind = kind
    self.smoothing = smoothing
  }

  /// Writes dL/dlogits and returns the mean loss.
  ///
  /// - cross-entropy: L = -sum of t log softmax(z), dL/dz = softmax(z) - t
  /// - binary: L = -mean over outputs of t log s(z) + (1 - t) log(1 - s(z)), dL/dz = (s(z) - t) / outputs; with one output, the
  ///   target is the label, 0 or 1.
  /// - squared: L = mean over outputs of (softmax(z) - t)^2
  func compute(_ logits: Variable, _ labels: [Int32], _ workers: Workers) -> LossResult {
    let batch = labels.count
    let classes = logits.count / batch
    guard let gradient = logits.gradient else { return LossResult(loss: 0, correct: 0) }
    let results = UnsafeMutablePointer<(Double, Bool)>.allocate(capacity: batch)
    defer { results.deallocate() }
    workers.forEachPiece(of: batch, size: 64) { rows in
      for row in rows {
        results[row] = one(
          logits.value + row * classes, gradient + row * classes, Int(labels[row]), classes,
          scale: 1 / Double(batch))
      }
    }
    var total = LossResult(loss: 0, correct: 0)
    for row in 0..<batch {
      total.loss += results[row].0 / Double(batch)
      if results[row].1 { total.correct += 1 }
    }
    return total
  }

  private func one(
    _ z: UnsafePointer<Float>, _ dz: UnsafeMutablePointer<Float>, _ label: Int, _ classes: Int,
    scale: Double
  ) -> (Double, Bool) {
    var best = 0
    for c in 1..<max(1, classes) where z[c] > z[best] { best = c }
    let rest = Double(smoothing) / Double(classes)
    func target(_ c: Int) -> Double { (c == label ? 1 - Double(smoothing) : 0) + rest }
    if kind == .binary {
      var loss = 0.0
      for c in 0..<classes {
        let t = classes == 1 ? Double(label) : target(c)
        let value = Double(z[c])
        // log(1 + e^-|z|) keeps its digits for large z.
        loss += max(value, 0) - value * t + log1p(exp(-abs(value)))
        dz[c] = Float((1 / (1 + exp(-value)) - t) * scale / Double(classes))
      }
      let isRight = classes == 1 ? (z[0] > 0) == (label == 1) : best == label
      return (loss / Double(classes), isRight)
    }
    let peak = Double(z[best])
    var sum = 0.0
    for c in 0..<classes { sum += exp(Double(z[c]) - peak) }
    let logSum = log(sum) + peak
    var loss = 0.0
    if kind == .crossEntropy {
      for c in 0..<classes {
        let t = target(c)
        let logP = Double(z[c]) - logSum
        if t > 0 { loss -= t * logP }
        dz[c] = Float((exp(logP) - t) * scale)
      }
    } else {
      // Through the softmax: dz = p (g - sum of p g), g = 2 (p - t) / classes.
      var dot = 0.0
      for c in 0..<classes {
        let p = exp(Double(z[c]) - logSum)
        let g = 2 * (p - target(c)) / Double(classes)
        loss += (p - target(c)) * (p - target(c)) / Double(classes)
        dot += p * g
      }
      for c in 0..<classes {
        let p = exp(Double(z[c]) - logSum)
        dz[c] = Float(p * (2 * (p - target(c)) / Double(classes) - dot) * scale)
      }
    }
    return (loss, best == label)
  }
}
