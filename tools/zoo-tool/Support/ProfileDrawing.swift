// A profile as a picture: time by kind of operator, and a bar for each operator.
import Foundation
import ZooCompiler
import ZooMeasure

/// An SVG of `report`.
///
/// The full-coloured part of an operator's bar is the least time that the machine would need for it; the pale rest is what
/// could be gained. Operators that multiply are also dots under the roofs of the machine (`drawRoofline`).
func drawProfile(_ report: ProfileReport) -> String {
  let width = 1040.0
  let kinds = report.kinds
  let isLong = report.operators.count > 60
  let (row, size) = isLong ? (14.0, 10.5) : (19.0, 12.0)
  let panelTop = 84.0
  let panelHeight = 300.0
  let listTop = panelTop + panelHeight + 70
  let height = listTop + Double(report.operators.count) * row + 20
  var svg = [
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(width)) \(Int(height))\" width=\"\(Int(width))\" height=\"\(Int(height))\" font-family=\"system-ui, 'DejaVu Sans', sans-serif\">",
    "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>",
    label(
      24, 32, "Profile of \((report.model as NSString).lastPathComponent)", size: 18,
      color: Ink.strong, weight: 600),
    label(
      24, 53,
      "\(time(report.wholeUs)) a run, \(time(report.bestUs)) at best; \(threeDigits(report.gops)) GOP/s (\(String(format: "%.0f", report.ofPeak * 100)) % of the \(report.precision) peak) on \(report.isa), \(report.threads) thread\(report.threads == 1 ? "" : "s"); median of \(report.runs) run\(report.runs == 1 ? "" : "s")",
      size: 13, color: Ink.soft),
  ]
  svg += drawKinds(kinds, x: 24, y: panelTop, width: 430)
  svg.append(
    drawRoofline(report, x: 500, y: panelTop, width: width - 500 - 24, height: panelHeight))

  svg.append(
    label(
      24, listTop - 26, "Operators in the order they run", size: 14, color: Ink.strong,
      weight: 600))
  svg.append(
    label(
      24, listTop - 8,
      "Full colour is the least time that the machine would need, by its peak or its bandwidth. Numbers: time, share, rate, and how much of that limit it is.",
      size: 11.5, color: Ink.soft))
  let (left, barWidth) = (268.0, 520.0)
  let longest = max(report.operators.map(\.us).max() ?? 1, 1e-3)
  for (index, line) in report.operators.enumerated() {
    let y = listTop + Double(index) * row
    let middle = y + row / 2 + size * 0.35
    if index % 2 == 0 {
      svg.append(
        "<rect x=\"16\" y=\"\(short(y))\" width=\"\(short(width - 32))\" height=\"\(short(row))\" fill=\"#f6f7f9\"/>"
      )
    }
    let part = barWidth * line.us / longest
    let needed = part * min(1, line.ofLimit ?? 0)
    let color = line.kind.color
    let limit = line.limit.map { " (\($0.rawValue))" } ?? ""
    svg.append(
      "<g><title>\(escapeMarkup("\(line.name): \(line.operator), \(line.kernel), \(grouped(line.macs)) MACs, \(grouped(line.bytes)) bytes\(limit)"))</title>"
        + label(
          left - 8, middle, shortened(line.name, to: isLong ? 40 : 34), size: size,
          color: Ink.strong, anchor: "end")
        + "<rect x=\"\(short(left))\" y=\"\(short(y + 2))\" width=\"\(short(max(part, 0.8)))\" height=\"\(short(row - 4))\" rx=\"1.5\" fill=\"\(color)\" fill-opacity=\"0.32\"/>"
        + "<rect x=\"\(short(left))\" y=\"\(short(y + 2))\" width=\"\(short(needed))\" height=\"\(short(row - 4))\" rx=\"1.5\" fill=\"\(color)\"/>"
        + figures(line, y: middle, size: size, right: width - 24) + "</g>")
  }
  svg.append("</svg>\n")
  return svg.joined(separator: "\n")
}

/// The numbers of a row, in columns that end at `right`.
private func figures(
  _ line: ProfileReport.Operator, y: Double, size: Double, right: Double
) -> String {
  let cells: [(Double, String)] = [
    (-172.0, time(line.us)), (-118, String(format: "%.1f %%", line.share * 100)), (-42, line.rate),
    (0, line.ofLimit.map { String(format: "%.0f %%", $0 * 100) } ?? ""),
  ]
  return cells.filter { !$0.1.isEmpty }.map { offset, text in
    label(right + offset, y, text, size: size, color: Ink.soft, anchor: "end")
  }.joined()
}

private func drawKinds(
  _ kinds: [(kind: OperatorKind, share: Double, count: Int)], x: Double, y: Double, width: Double
) -> [String] {
  var svg = [label(x, y + 12, "Time by kind", size: 14, color: Ink.strong, weight: 600)]
  let most = max(kinds.first?.share ?? 1, 1e-9)
  let bars = x + 176
  for (index, entry) in kinds.enumerated() {
    let top = y + 30 + Double(index) * 32
    let part = (width - 176 - 62) * entry.share / most
    svg.append(
      label(
        bars - 10, top + 13, "\(entry.kind.rawValue) (\(entry.count))", size: 12,
        color: Ink.strong, anchor: "end")
        + "<rect x=\"\(short(bars))\" y=\"\(short(top))\" width=\"\(short(max(part, 1)))\" height=\"18\" rx=\"2\" fill=\"\(entry.kind.color)\"/>"
        + label(
          bars + max(part, 1) + 8, top + 13, String(format: "%.1f %%", entry.share * 100), size: 12,
          color: Ink.soft))
  }
  return svg
}

/// Colours of text.
enum Ink {
  static let strong = "#1f2933"
  static let soft = "#52606d"
  static let faint = "#9aa5b1"
}

extension OperatorKind {
  /// Told apart also by people who see red and green alike.
  var color: String {
    switch self {
    case .convolution: "#2f6db3"
    case .depthwise: "#26a0a8"
    case .dense: "#7d4fb0"
    case .pooling: "#e09a1f"
    case .elementwise: "#79a83b"
    case .normalization: "#c9503a"
    case .movement: "#8792a0"
    case .custom: "#c05fa0"
    }
  }
}

/// A line of text; `y` is its base line.
func label(
  _ x: Double, _ y: Double, _ text: String, size: Double, color: String, anchor: String = "start",
  weight: Int = 400
) -> String {
  "<text x=\"\(short(x))\" y=\"\(short(y))\" font-size=\"\(short(size))\" fill=\"\(color)\""
    + (anchor == "start" ? "" : " text-anchor=\"\(anchor)\"")
    + (weight == 400 ? "" : " font-weight=\"\(weight)\"") + ">\(escapeMarkup(text))</text>"
}

/// A coordinate with at most one decimal.
func short(_ value: Double) -> String {
  let text = String(format: "%.1f", value)
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}

/// The end of a name, which tells more than its beginning.
private func shortened(_ name: String, to count: Int) -> String {
  name.count <= count ? name : "…" + name.suffix(count - 1)
}

private func time(_ us: Double) -> String {
  us < 999.5 ? threeDigits(us) + " us" : threeDigits(us / 1e3) + " ms"
}
