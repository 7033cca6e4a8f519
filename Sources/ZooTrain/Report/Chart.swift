// Curves over the epochs of a run, as SVG.
import Foundation
import ZooCompiler

/// A chart of lines: a caption with its legend, then axes, ticks and curves.
struct Chart {
  /// One curve.
  struct Line {
    let name: String
    /// Decides colour and stroke; see `style`.
    let kind: Kind
    let points: [(x: Double, y: Double)]
    /// Whether each point gets a mark that tells its numbers.
    var isMarked = true

    enum Kind: String {
      case training, validation, past, future
    }
  }

  let title: String
  let lines: [Line]
  let x: Axis
  let y: Axis
  /// The number at a tick or in the words of a mark.
  let format: (Double) -> String
  /// A point to be ringed, and what it is.
  var highlight: (x: Double, y: Double, name: String)?

  private static let size = (width: 480.0, height: 280.0)
  private static let margin = (left: 58.0, right: 14.0, top: 10.0, bottom: 42.0)

  func figure() -> String {
    let shown = lines.filter { !$0.points.isEmpty }
    let keys = (shown.count > 1 ? shown : []).map {
      "<span class=\"key \($0.kind.rawValue)\">\(escapeMarkup($0.name))</span>"
    }
    return "<figure class=\"chart\"><figcaption><b>\(escapeMarkup(title))</b> "
      + keys.joined(separator: " ") + "</figcaption>\n\(svg())</figure>"
  }

  private func svg() -> String {
    let (width, height) = Chart.size
    let margin = Chart.margin
    let (right, bottom) = (width - margin.right, height - margin.bottom)
    func px(_ value: Double) -> Double { margin.left + x.position(value) * (right - margin.left) }
    func py(_ value: Double) -> Double { bottom - y.position(value) * (bottom - margin.top) }
    var parts = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\" aria-label=\"\(escapeMarkup(title)) by epoch\">"
    ]
    for tick in y.ticks {
      parts.append(
        "<path class=\"grid\" d=\"M\(short(margin.left)) \(short(py(tick)))H\(short(right))\"/>"
          + "<text x=\"\(short(margin.left - 8))\" y=\"\(short(py(tick) + 4))\" text-anchor=\"end\">\(escapeMarkup(format(tick)))</text>"
      )
    }
    for tick in x.ticks {
      parts.append(
        "<path class=\"axis\" d=\"M\(short(px(tick))) \(short(bottom))v5\"/>"
          + "<text x=\"\(short(px(tick)))\" y=\"\(short(bottom + 19))\" text-anchor=\"middle\">\(plain(tick))</text>"
      )
    }
    parts.append(
      "<path class=\"axis\" d=\"M\(short(margin.left)) \(short(bottom))H\(short(right))\"/>"
        + "<text x=\"\(short((margin.left + right) / 2))\" y=\"\(short(height - 6))\" text-anchor=\"middle\">epoch</text>"
    )
    for line in lines where !line.points.isEmpty {
      let points = line.points.filter { $0.y.isFinite }
      let path = points.map { "\(short(px($0.x))) \(short(py($0.y)))" }.joined(separator: "L")
      if points.count > 1 {
        parts.append("<path class=\"line \(line.kind.rawValue)\" d=\"M\(path)\"/>")
      }
      guard line.isMarked else { continue }
      // Many marks would hide the curve; they still tell their numbers.
      let radius = points.count <= 24 ? "3" : points.count <= 60 ? "2" : "1.2"
      for point in points {
        parts.append(
          "<circle class=\"mark \(line.kind.rawValue)\" cx=\"\(short(px(point.x)))\" cy=\"\(short(py(point.y)))\" r=\"\(radius)\"><title>\(escapeMarkup(line.name)), epoch \(plain(point.x)): \(escapeMarkup(format(point.y)))</title></circle>"
        )
      }
    }
    if let highlight, highlight.y.isFinite {
      parts.append(
        "<circle class=\"ring\" cx=\"\(short(px(highlight.x)))\" cy=\"\(short(py(highlight.y)))\" r=\"6.5\"><title>\(escapeMarkup(highlight.name))</title></circle>"
      )
    }
    parts.append("</svg>")
    return parts.joined(separator: "\n")
  }

  /// What the page needs to show charts.
  static let style = """
    .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1.5rem 2rem; }
    @media print { .charts { grid-template-columns: 1fr 1fr; } }
    .chart { margin: 0; }
    .chart figcaption { display: flex; flex-wrap: wrap; gap: 0.1rem 1.1rem; align-items: baseline; font-size: 0.9rem; }
    .chart svg { display: block; width: 100%; height: auto; }
    .chart text { fill: var(--soft); font-size: 13px; }
    .grid { stroke: var(--line); fill: none; }
    .axis { stroke: var(--faint); fill: none; }
    .line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
    .line.training { stroke: var(--two); stroke-dasharray: 1 4.5; stroke-width: 2.4; }
    .line.validation, .line.past { stroke: var(--one); }
    .line.future { stroke: var(--faint); stroke-dasharray: 1 4.5; }
    .mark.training { fill: var(--two); }
    .mark.validation, .mark.past { fill: var(--one); }
    .mark.future { fill: var(--faint); }
    .ring { fill: none; stroke: var(--ink); stroke-width: 1.5; }
    .key { color: var(--soft); white-space: nowrap; }
    .key::before {
      content: ""; display: inline-block; width: 1.6em; margin-right: 0.4em; vertical-align: 0.25em;
      border-top: 2.5px solid var(--one);
    }
    .key.training::before { border-top-color: var(--two); border-top-style: dotted; }
    .key.future::before { border-top-color: var(--faint); border-top-style: dotted; }

    """
}

/// A coordinate with at most one decimal.
private func short(_ value: Double) -> String {
  let text = String(format: "%.1f", value)
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}

/// A number without needless digits: "0.001", "12", "1e-06".
func plain(_ value: Double) -> String {
  abs(value) < 1e-12 ? "0" : String(format: "%.4g", value)
}
