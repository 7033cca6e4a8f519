// Which classes are taken for which, as a table of colours and numbers.
import Foundation
import ZooCompiler

/// A confusion matrix in the form that fits its size.
enum ConfusionTable {
  /// More classes than this make a heat map and a table of the worst pairs.
  static let mostNumbered = 20

  static func markup(_ evaluation: Evaluation, _ names: [String]) throws(CompileError) -> (
    note: String, content: String
  ) {
    names.count <= mostNumbered
      ? (
        "Rows are the true classes, columns the answers. Blue is right, red wrong; the colour is the share of the row.",
        numbered(evaluation, names)
      )
      : (
        "Each dot is a pair: true classes from top to bottom, answers from left to right, in the order of the class table. Blue is right, red wrong.",
        "<div class=\"split\">" + (try heatMap(evaluation, names)) + pairs(evaluation, names)
          + "</div>"
      )
  }

  private static func numbered(_ evaluation: Evaluation, _ names: [String]) -> String {
    // Long names stand upright above their columns.
    let isLong = names.contains { $0.count > 3 }
    let head = names.map {
      "<th scope=\"col\"><span>\(escapeMarkup($0))</span></th>"
    }.joined()
    let rows = names.indices.map { actual in
      let row = evaluation.confusion[actual]
      let total = max(1, row.reduce(0, +))
      let cells = names.indices.map { predicted in
        let count = row[predicted]
        guard count > 0 else { return "<td class=\"zero\">\u{B7}</td>" }
        let alpha = opacity(Double(count) / Double(total), isRight: actual == predicted)
        let title = "\(names[actual]) taken for \(names[predicted]): \(count) of \(total)"
        return
          "<td class=\"\(actual == predicted ? "good" : "bad")\(alpha > 0.8 ? " strong" : "")\" style=\"--a:\(String(format: "%.2f", alpha))\" title=\"\(escapeMarkup(title))\">\(count)</td>"
      }
      return "<tr><th scope=\"row\">\(escapeMarkup(names[actual]))</th>\(cells.joined())</tr>"
    }
    return
      "<div class=\"scroll\"><table class=\"matrix\(isLong ? " upright" : "")\(names.count <= 12 ? " wide" : "")\">"
      + "<thead><tr><td></td>\(head)</tr></thead>\n<tbody>\(rows.joined(separator: "\n"))</tbody></table></div>"
  }

  /// Errors are few: their colour grows with the root of their share, so that one in a hundred can be seen.
  private static func opacity(_ share: Double, isRight: Bool) -> Double {
    isRight ? 0.1 + 0.9 * share : min(1, 0.08 + 1.3 * share.squareRoot())
  }

  private static func heatMap(
    _ evaluation: Evaluation, _ names: [String]
  ) throws(CompileError) -> String {
    var map = Picture(width: names.count, height: names.count, channels: 4)
    for actual in names.indices {
      let row = evaluation.confusion[actual]
      let total = Double(max(1, row.reduce(0, +)))
      for predicted in names.indices where row[predicted] > 0 {
        let isRight = actual == predicted
        // The colours of the page's light theme, bright enough for the dark one.
        let colour: [UInt8] = isRight ? [46, 116, 188] : [208, 72, 40]
        for c in 0..<3 { map[predicted, actual, c] = colour[c] }
        let alpha = opacity(Double(row[predicted]) / total, isRight: isRight)
        map[predicted, actual, 3] = UInt8((255 * alpha).rounded())
      }
    }
    return
      "<figure class=\"heat\"><figcaption class=\"soft\">answer \u{2192}</figcaption><img src=\"\(try map.dataURI())\" width=\"\(names.count)\" height=\"\(names.count)\" alt=\"confusion matrix of \(names.count) classes\"/></figure>"
  }

  private static func pairs(_ evaluation: Evaluation, _ names: [String]) -> String {
    func name(_ index: Int) -> String {
      escapeMarkup(index < names.count ? names[index] : "class \(index)")
    }
    let rows = evaluation.worstConfusions(16).map { pair in
      let total = evaluation.confusion[pair.actual].reduce(0, +)
      return [
        name(pair.actual), name(pair.predicted), String(pair.count),
        percent(Double(pair.count) / Double(max(1, total))),
      ]
    }
    return listTable(["true class", "taken for", "images", "share"], rows, numbers: [2, 3])
  }

  static let style = """
    .matrix { border-collapse: separate; border-spacing: 1px; font-size: 0.8rem; }
    .matrix td { min-width: 2.1rem; padding: 0.3rem 0.15rem; text-align: center; border-radius: 2px; }
    .matrix.wide td { min-width: 2.9rem; padding: 0.45rem 0.2rem; }
    .matrix th { font-weight: 500; white-space: nowrap; }
    .matrix tbody th { text-align: right; padding-right: 0.5rem; }
    .matrix thead th { text-align: center; color: var(--ink); vertical-align: bottom; }
    .matrix.upright thead span { writing-mode: vertical-rl; transform: rotate(180deg); padding: 0.3rem 0; }
    .matrix .zero { color: var(--faint); }
    .matrix .good, .matrix .bad { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
    .matrix .good { background: rgb(var(--good) / var(--a)); }
    .matrix .bad { background: rgb(var(--bad) / var(--a)); }
    .matrix .strong { color: #fff; }
    .split { display: flex; flex-wrap: wrap; gap: 1.5rem 2.5rem; align-items: flex-start; }
    .heat { margin: 0; flex: 1 1 20rem; max-width: 502px; font-size: 0.8rem; }
    .heat img { display: block; width: 100%; height: auto; border: 1px solid var(--line); background: var(--card); }
    @media (max-width: 34rem) {
      .matrix, .matrix.wide { font-size: 0.7rem; }
      .matrix td { min-width: 1.55rem; padding: 0.25rem 0; }
      .matrix.wide td { min-width: 1.55rem; padding: 0.4rem 0; }
      .matrix tbody th { padding-right: 0.3rem; }
    }

    """
}
