// Learning rates over a run.
import Foundation

/// How the learning rate changes from step to step.
package struct Schedule: Codable, Sendable, Equatable {
  package enum Kind: String, Codable, Sendable, CaseIterable {
    case constant
    /// Multiplied by `gamma` at each of `milestones`, fractions of the run.
    case step
    /// Half a cosine from the rate to `final`. Loshchilov, Hutter, arXiv:1608.03983.
    case cosine
    /// A cosine up from rate / 25 over `warmUp` of the run, then one down to `final`. Smith, arXiv:1708.07120.
    case oneCycle = "one-cycle"
  }
  package var kind = Kind.cosine
  /// The highest rate.
  package var rate: Float = 0.1
  /// The lowest, at the end.
  package var final: Float = 0
  /// The share of the run in which the rate rises: linearly, for `oneCycle` along a cosine.
  package var warmUp: Float = 0
  package var milestones: [Float] = [0.5, 0.75]
  package var gamma: Float = 0.1

  package init() {}

  /// The rate of step `step` (from 0) of `total`.
  package func rate(step: Int, of total: Int) -> Float {
    let position = Double(step) / Double(max(1, total))
    let rise = Double(warmUp)
    let high = Double(rate)
    let low = Double(final)
    if position < rise {
      let part = (Double(step) + 1) / (rise * Double(total))
      let start = kind == .oneCycle ? high / 25 : 0
      let shape = kind == .oneCycle ? (1 - cos(.pi * min(1, part))) / 2 : min(1, part)
      return Float(start + (high - start) * shape)
    }
    switch kind {
    case .constant: return rate
    case .step:
      let passed = milestones.filter { position >= Double($0) }.count
      return Float(high * pow(Double(gamma), Double(passed)))
    case .cosine, .oneCycle:
      let part = (position - rise) / max(1e-9, 1 - rise)
      return Float(low + (high - low) * (1 + cos(.pi * part)) / 2)
    }
  }
}
