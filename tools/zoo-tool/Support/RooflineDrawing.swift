// Operators under the roofs of the machine.
import Foundation
import ZooCompiler
import ZooMeasure

/// The roofline plot of the operators that multiply: operations for each byte across, speed up, both logarithmic.
///
/// Level roofs are the peaks of the arithmetics in use; slopes are reading from a cache and from memory. The area of a dot is
/// the operator's share of the time.
func drawRoofline(
  _ report: ProfileReport, x: Double, y: Double, width: Double, height: Double
) -> String {
  let dots = report.operators.filter { $0.macs > 0 && $0.bytes > 0 && $0.gops > 0 }
  guard !dots.isEmpty else { return "" }
  let plot = RooflinePlot(report, dots, x: x, y: y, width: width, height: height)
  var svg = [
    label(
      x, y + 12, "Speed against operations for each byte moved", size: 14, color: Ink.strong,
      weight: 600)
  ]
  svg += plot.axes()
  for roof in plot.roofs { svg += plot.draw(roof) }
  // Large ones first, so that small ones stay visible.
  for dot in dots.sorted(by: { $0.share > $1.share }) {
    let radius = max(2.5, min(17, 26 * dot.share.squareRoot()))
    svg.append(
      "<circle cx=\"\(short(plot.px(dot.intensity ?? 1)))\" cy=\"\(short(plot.py(dot.gops)))\" r=\"\(short(radius))\" fill=\"\(dot.kind.color)\" fill-opacity=\"0.72\" stroke=\"#ffffff\"><title>\(escapeMarkup("\(dot.name): \(threeDigits(dot.gops)) GOP/s at \(threeDigits(dot.intensity ?? 0)) operations for each byte"))</title></circle>"
    )
  }
  return svg.joined(separator: "\n")
}

private struct RooflinePlot {
  /// A limit of the machine: operations per second, or bytes.
  struct Roof {
    let name: String
    let gops: Double?
    let gbps: Double?
  }

  let roofs: [Roof]
  /// Powers of ten at the ends of the axes.
  private let across: (low: Double, high: Double)
  private let up: (low: Double, high: Double)
  private let left: Double
  private let right: Double
  private let top: Double
  private let bottom: Double

  init(
    _ report: ProfileReport, _ dots: [ProfileReport.Operator], x: Double, y: Double,
    width: Double, height: Double
  ) {
    (left, right, top, bottom) = (x + 40, x + width, y + 30, y + height - 36)
    var level: [Roof] = []
    if dots.contains(where: { $0.arithmetic == .f32 }) {
      level.append(Roof(name: "f32 peak", gops: report.peaks.f32Gops, gbps: nil))
    }
    if dots.contains(where: { $0.arithmetic == .int8 }) {
      level.append(Roof(name: "int8 peak", gops: report.peaks.int8Gops, gbps: nil))
    }
    let cache = report.peaks.bandwidth.first { $0.bytes >= 256 << 10 }
    let slopes = [("cache", cache), ("memory", report.peaks.bandwidth.last)]
    roofs =
      level
      + slopes.compactMap { name, band in band.map { Roof(name: name, gops: nil, gbps: $0.gbps) } }
    let highest = level.compactMap(\.gops).max() ?? 1
    let speeds = dots.map(\.gops)
    let intensities = dots.compactMap(\.intensity)
    func decade(_ value: Double, _ rule: FloatingPointRoundingRule) -> Double {
      log10(max(value, 1e-3)).rounded(rule)
    }
    up = (decade(speeds.min() ?? 1, .down), log10(highest * 1.6))
    let ridge = highest / max(cache?.gbps ?? 1, 1e-3)
    across = (
      min(decade(intensities.min() ?? 1, .down), 0),
      max(decade(intensities.max() ?? 1, .up), decade(ridge, .up))
    )
  }

  func px(_ intensity: Double) -> Double {
    left + (log10(intensity) - across.low) / (across.high - across.low) * (right - left)
  }

  func py(_ gops: Double) -> Double {
    let position = (log10(gops) - up.low) / (up.high - up.low)
    return bottom - max(0, min(1, position)) * (bottom - top)
  }

  /// Grid, numbers and what they are of.
  func axes() -> [String] {
    var svg: [String] = []
    for decade in stride(from: across.low, through: across.high, by: 1) {
      let at = px(pow(10, decade))
      svg.append(
        "<line x1=\"\(short(at))\" x2=\"\(short(at))\" y1=\"\(short(top))\" y2=\"\(short(bottom))\" stroke=\"#e4e7eb\"/>"
          + label(at, bottom + 16, power(decade), size: 11, color: Ink.soft, anchor: "middle"))
    }
    for decade in stride(from: up.low, through: up.high, by: 1) {
      let at = py(pow(10, decade))
      svg.append(
        "<line x1=\"\(short(left))\" x2=\"\(short(right))\" y1=\"\(short(at))\" y2=\"\(short(at))\" stroke=\"#e4e7eb\"/>"
          + label(left - 6, at + 4, power(decade), size: 11, color: Ink.soft, anchor: "end"))
    }
    svg.append(
      label(
        (left + right) / 2, bottom + 34, "operations for each byte", size: 11, color: Ink.soft,
        anchor: "middle")
        + label(left + 6, top + 12, "GOP/s", size: 11, color: Ink.soft))
    return svg
  }

  /// One roof, as far as it is inside the plot, with its name.
  func draw(_ roof: Roof) -> [String] {
    let style = "stroke=\"\(Ink.faint)\" stroke-width=\"1.4\""
    if let gops = roof.gops {
      let at = py(gops)
      return [
        "<line x1=\"\(short(left))\" x2=\"\(short(right))\" y1=\"\(short(at))\" y2=\"\(short(at))\" \(style)/>"
          + label(
            right - 4, at - 5, "\(roof.name) \(threeDigits(gops)) GOP/s", size: 11,
            color: Ink.soft, anchor: "end")
      ]
    }
    guard let gbps = roof.gbps else { return [] }
    // y = bandwidth x, from where it enters the plot to the highest peak.
    let highest = roofs.compactMap(\.gops).max() ?? pow(10, up.high)
    let start = max(pow(10, across.low), pow(10, up.low) / gbps)
    let end = min(pow(10, across.high), highest / gbps)
    guard start < end else { return [] }
    let (x1, y1, x2, y2) = (px(start), py(start * gbps), px(end), py(end * gbps))
    let angle = atan2(y2 - y1, x2 - x1) * 180 / .pi
    let (mx, my) = (x1 + (x2 - x1) * 0.5, y1 + (y2 - y1) * 0.5)
    return [
      "<line x1=\"\(short(x1))\" y1=\"\(short(y1))\" x2=\"\(short(x2))\" y2=\"\(short(y2))\" \(style)/>"
        + "<g transform=\"translate(\(short(mx)) \(short(my))) rotate(\(short(angle)))\">"
        + label(
          0, -5, "\(roof.name) \(threeDigits(gbps)) GB/s", size: 11, color: Ink.soft,
          anchor: "middle") + "</g>"
    ]
  }

  private func power(_ decade: Double) -> String {
    decade >= 0
      ? grouped(Int(pow(10, decade))) : String(format: "%.\(Int(-decade))f", pow(10, decade))
  }
}
