// A few numbers that matter most, large, at the top of a page.
import ZooCompiler

enum FactList {
  /// Name, number and what it is of; all are text.
  static func markup(_ facts: [(String, String, String)]) -> String {
    let items = facts.map {
      "<div><dt>\(escapeMarkup($0.0))</dt><dd>\(escapeMarkup($0.1))</dd><dd class=\"detail\">\(escapeMarkup($0.2))</dd></div>"
    }
    return "<dl class=\"facts\">\(items.joined(separator: "\n"))</dl>"
  }

  static let style = """
    .facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.4rem, 1fr)); gap: 0.75rem; margin: 1.5rem 0 0; }
    .facts div {
      padding: 0.65rem 0.75rem 0.55rem; background: var(--card); border-radius: 8px;
      -webkit-print-color-adjust: exact; print-color-adjust: exact;
    }
    .facts dt { color: var(--soft); font-size: 0.8rem; }
    .facts dd { margin: 0; font-size: 1.3rem; font-weight: 600; line-height: 1.3; white-space: nowrap; }
    .facts .detail { color: var(--soft); font-size: 0.8rem; font-weight: 400; min-height: 1.3em; }
    @media (max-width: 34rem) {
      .facts { grid-template-columns: 1fr 1fr; gap: 0.5rem; }
      .facts dd { font-size: 1.15rem; }
      .facts .detail { font-size: 0.75rem; }
    }

    """
}
