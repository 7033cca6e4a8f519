// Where an axis begins and ends, and which numbers stand beside it.
import Foundation

/// One axis of a chart: from numbers to 0...1.
struct Axis {
  let low: Double
  let high: Double
  let isLogarithmic: Bool
  let ticks: [Double]

  /// An axis that shows `values`, between round numbers.
  ///
  /// - Parameters:
  ///   - least, most: ends that the axis has anyway.
  ///   - isLogarithmic: for positive values only; ignored otherwise.
  init(
    _ values: [Double], least: Double? = nil, most: Double? = nil, isLogarithmic: Bool = false,
    tickCount: Int = 5, isWhole: Bool = false
  ) {
    let finite = values.filter(\.isFinite)
    var low = least ?? finite.min() ?? 0
    var high = most ?? finite.max() ?? 1
    self.isLogarithmic = isLogarithmic && low > 0
    if self.isLogarithmic {
      let ladder = Axis.ladder
      low = ladder.last { $0 <= low * 1.0001 } ?? low
      high = ladder.first { $0 >= high * 0.9999 } ?? high
      if high <= low { high = low * 10 }
      let inside = ladder.filter { $0 >= low * 0.999 && $0 <= high * 1.001 }
      let decades = inside.filter { log10($0).rounded() == log10($0) }
      // 1-2-5 ticks for few decades, whole decades for many.
      ticks = inside.count <= 9 || decades.count < 3 ? inside : decades
    } else {
      if high <= low {
        let room = max(abs(low) * 0.1, isWhole ? 1 : 1e-9)
        if least == nil { low -= room }
        if most == nil || high <= low { high += room }
      }
      var step = Axis.roundStep((high - low) / Double(tickCount))
      if isWhole { step = max(1, step.rounded()) }
      if least == nil { low = (low / step + 1e-6).rounded(.down) * step }
      if most == nil { high = (high / step - 1e-6).rounded(.up) * step }
      let first = (low / step - 1e-6).rounded(.up)
      let last = (high / step + 1e-6).rounded(.down)
      ticks = first <= last ? stride(from: first, through: last, by: 1).map { $0 * step } : []
    }
    self.low = low
    self.high = high
  }

  /// 0 at the low end, 1 at the high end; values beyond stay at the ends.
  func position(_ value: Double) -> Double {
    let part =
      isLogarithmic
      ? (log(max(value, low)) - log(low)) / (log(high) - log(low)) : (value - low) / (high - low)
    return min(1, max(0, part))
  }

  /// The 1-2-5 step at or above `rough`.
  private static func roundStep(_ rough: Double) -> Double {
    let decade = pow(10, log10(rough).rounded(.down))
    return decade * ([1, 2, 5].first { $0 * decade >= rough * 0.9999 } ?? 10)
  }

  /// ..., 0.1, 0.2, 0.5, 1, 2, 5, ...
  private static let ladder: [Double] = (-12...12).flatMap { decade in
    [1.0, 2, 5].map { $0 * pow(10, Double(decade)) }
  }
}
