// How often a value of the network falls where: what ranges are chosen from.

import Foundation

/// Counts of real numbers in bins of equal width, with their exact extremes.
package struct Histogram: Sendable {
  package private(set) var least = Float.infinity
  package private(set) var greatest = -Float.infinity
  package private(set) var counts: [Double] = []
  private var binWidth = 0.0
  private var start = 0.0

  package static let binCount = 2048

  package init() {}

  package var isEmpty: Bool { least > greatest }

  /// Takes note of the extremes; all calls come before the first `count`.
  ///
  /// - Returns: false if one of the numbers is not finite.
  package mutating func extend(_ values: UnsafeBufferPointer<Float>) -> Bool {
    var low = least
    var high = greatest
    var check: Float = 0
    for value in values {
      low = value < low ? value : low
      high = value > high ? value : high
      check += value * 0  // NaN once a value is NaN or infinite
    }
    (least, greatest) = (low, high)
    return check == 0
  }

  /// Counts numbers between the extremes.
  package mutating func count(_ values: UnsafeBufferPointer<Float>) {
    if counts.isEmpty {
      counts = [Double](repeating: 0, count: Histogram.binCount)
      start = Double(least)
      binWidth = max((Double(greatest) - start) / Double(Histogram.binCount), 1e-30)
    }
    let factor = Float(1 / binWidth)
    counts.withUnsafeMutableBufferPointer { counts in
      for value in values {
        let bin = Int((value - least) * factor)
        counts[min(Histogram.binCount - 1, max(0, bin))] += 1
      }
    }
  }

  /// The middle of a bin.
  package func center(_ bin: Int) -> Double { start + (Double(bin) + 0.5) * binWidth }

  /// Mean square of the numbers.
  package var power: Double {
    var sum = 0.0
    var total = 0.0
    for (bin, count) in counts.enumerated() where count > 0 {
      sum += count * center(bin) * center(bin)
      total += count
    }
    return total > 0 ? sum / total : 0
  }

  /// Mean square of what rounding to the steps of `q`, and clamping to its ends, changes.
  package func noise(_ q: Quantization) -> Double {
    let scale = Double(q.scales[0])
    let zero = Double(q.zeroPoints[0])
    var sum = 0.0
    var total = 0.0
    for (bin, count) in counts.enumerated() where count > 0 {
      let x = center(bin)
      let steps = (x / scale + zero).rounded(.toNearestOrEven)
      let error = x - scale * (min(127, max(-128, steps)) - zero)
      // Inside the range a bin may span several steps: then rounding is off by a uniform part of a step.
      let inside = steps > -128 && steps < 127
      sum +=
        count * (inside ? max(error * error, min(binWidth, scale) * scale / 12) : error * error)
      total += count
    }
    return total > 0 ? sum / total : 0
  }

  /// Signal to quantisation noise in decibels.
  package func sqnr(_ q: Quantization) -> Double {
    let noise = noise(q)
    return noise > 0 ? 10 * log(power / noise) / log(10) : .infinity
  }
}
