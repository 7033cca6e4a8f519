// From a histogram to the range that 256 steps cover.
import Foundation

/// How the range of an activation is chosen.
package enum RangeMethod: String, CaseIterable, Sendable {
  /// Everything seen.
  case minMax = "min-max"
  /// All but one in ten thousand at each end.
  case percentile
  /// The range whose 256 steps tell most about the distribution: least Kullback-Leibler divergence.
  ///
  /// Source: Migacz, "8-bit inference with TensorRT", GTC 2017.
  case entropy
  /// The range with the least mean square error.
  case meanSquare = "mse"

  /// The quantisation that this method gives.
  package func quantization(_ histogram: Histogram) -> Quantization {
    let whole = Quantization(covering: histogram.least, histogram.greatest)
    guard !histogram.isEmpty, histogram.greatest > histogram.least else { return whole }
    switch self {
    case .minMax: return whole
    case .percentile: return percentile(histogram, share: 1e-4)
    case .entropy: return search(histogram) { divergence(histogram, $0) }
    case .meanSquare: return search(histogram) { histogram.noise($0) }
    }
  }

  private func percentile(_ histogram: Histogram, share: Double) -> Quantization {
    let allowed = histogram.counts.reduce(0, +) * share
    var (low, high) = (0, Histogram.binCount - 1)
    var sum = 0.0
    while low < high, sum + histogram.counts[low] <= allowed {
      sum += histogram.counts[low]
      low += 1
    }
    sum = 0
    while high > low, sum + histogram.counts[high] <= allowed {
      sum += histogram.counts[high]
      high -= 1
    }
    return Quantization(
      covering: max(histogram.least, Float(histogram.center(low))),
      min(histogram.greatest, Float(histogram.center(high))))
  }

  /// The ends, shrunk together and then one by one, that cost least.
  private func search(_ histogram: Histogram, _ cost: (Quantization) -> Double) -> Quantization {
    func candidate(_ low: Double, _ high: Double) -> Quantization {
      Quantization(
        covering: Float(Double(histogram.least) * low), Float(Double(histogram.greatest) * high))
    }
    var best = (low: 1.0, high: 1.0)
    var least = cost(candidate(1, 1))
    func attempt(_ low: Double, _ high: Double) {
      let value = cost(candidate(low, high))
      if value < least { (least, best) = (value, (low, high)) }
    }
    for step in 1..<48 { attempt(1 - Double(step) / 64, 1 - Double(step) / 64) }
    let center = best
    for step in 0...64 where histogram.greatest > 0 { attempt(center.low, Double(step + 8) / 72) }
    let high = best.high
    for step in 0...64 where histogram.least < 0 { attempt(Double(step + 8) / 72, high) }
    return candidate(best.low, best.high)
  }

  /// How much the distribution, clamped to the range of `q`, differs from what 256 steps tell of the part inside.
  private func divergence(_ histogram: Histogram, _ q: Quantization) -> Double {
    let half = Double(q.scales[0]) / 2
    let (lowest, highest) = (q.real(-128) - half, q.real(127) + half)
    var clamped = [Double](repeating: 0, count: Histogram.binCount)
    var step = [Int](repeating: -1, count: Histogram.binCount)
    var mass = [Double](repeating: 0, count: 256)
    var filled = [Double](repeating: 0, count: 256)
    var ends = (low: 0.0, high: 0.0)
    var inside: (first: Int, last: Int)?
    for bin in 0..<Histogram.binCount {
      let x = histogram.center(bin)
      let count = histogram.counts[bin]
      if x < lowest {
        ends.low += count
      } else if x > highest {
        ends.high += count
      } else {
        inside = (inside?.first ?? bin, bin)
        step[bin] = Int(q.integer(x)) + 128
        clamped[bin] = count
        if count > 0 {
          mass[step[bin]] += count
          filled[step[bin]] += 1
        }
      }
    }
    guard let inside else { return .infinity }
    clamped[inside.first] += ends.low
    clamped[inside.last] += ends.high
    let total = clamped.reduce(0, +)
    let kept = mass.reduce(0, +)
    guard kept > 0 else { return .infinity }
    var sum = 0.0
    for bin in inside.first...inside.last where clamped[bin] > 0 {
      let p = clamped[bin] / total
      // A bin that only holds what was clamped shares its step's mass; an empty step stands for very little.
      let share = mass[step[bin]] / max(1, filled[step[bin]]) / kept
      sum += p * log(p / max(share, 1e-9))
    }
    return sum
  }
}
