// One HTML page that needs nothing else: no network, no scripts.
import ZooCompiler

/// A page that grows section by section; well-formed XML too, so that any parser can check it.
package struct Page {
  private let title: String
  private let style: String
  private var body: [String] = []

  /// - Parameter subtitle: markup below the title.
  package init(title: String, subtitle: String, style: String = "") {
    self.title = title
    self.style = style
    body.append("<header><h1>\(escapeMarkup(title))</h1><p class=\"sub\">\(subtitle)</p></header>")
  }

  /// Adds markup as it is.
  package mutating func add(_ markup: String) { body.append(markup) }

  /// Adds a section; `note` and `content` are markup.
  package mutating func section(_ heading: String, note: String = "", _ content: String) {
    body.append(
      "<section><h2>\(escapeMarkup(heading))</h2>"
        + (note.isEmpty ? "" : "<p class=\"note\">\(note)</p>") + "\n\(content)\n</section>")
  }

  /// The whole page.
  package func html() -> String {
    """
    <!DOCTYPE html>
    <html xmlns="http://www.w3.org/1999/xhtml" lang="en">
    <head>
    <meta charset="utf-8"/>
    <meta name="viewport" content="width=device-width, initial-scale=1"/>
    <meta name="color-scheme" content="light dark"/>
    <title>\(escapeMarkup(title))</title>
    <style>
    \(Page.baseStyle)\(style)</style>
    </head>
    <body>
    \(body.joined(separator: "\n"))
    </body>
    </html>

    """
  }

  /// Colours and type of all pages. No "<" or "&": the page is XML as well.
  private static let baseStyle = """
    :root {
      --paper: #fcfcfb; --ink: #1f2328; --soft: #5d6671; --faint: #a3abb5; --line: #e3e5e8; --card: #f3f4f5;
      --one: #2166ac; --two: #d9730d; --good: 33 102 172; --bad: 200 60 30; --wrong: #b3361b;
    }
    @media screen and (prefers-color-scheme: dark) {
      :root {
        --paper: #15181c; --ink: #e6e8eb; --soft: #a0a9b4; --faint: #656e79; --line: #2e343b; --card: #1e2329;
        --one: #6cb0ee; --two: #f0a04b; --good: 58 128 200; --bad: 214 84 52; --wrong: #f0886c;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0 auto; padding: 2rem 1.25rem 3rem; max-width: 64rem; background: var(--paper); color: var(--ink);
      font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
      font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%; overflow-wrap: anywhere;
    }
    h1 { font-size: 1.9rem; line-height: 1.2; margin: 0; letter-spacing: -0.01em; }
    h2 { font-size: 1.2rem; margin: 2.75rem 0 0.5rem; padding-top: 0.9rem; border-top: 1px solid var(--line); }
    .sub { margin: 0.35rem 0 0; color: var(--soft); }
    .note { margin: 0 0 1rem; color: var(--soft); font-size: 0.9rem; max-width: 46rem; }
    .scroll { overflow-x: auto; }
    img { image-rendering: pixelated; }
    img.smooth { image-rendering: auto; }
    table { border-collapse: collapse; font-size: 0.9rem; overflow-wrap: normal; }
    th { text-align: left; font-weight: 600; }
    thead th { color: var(--soft); font-weight: 500; font-size: 0.8rem; }
    .list th, .list td { padding: 0.3rem 0.9rem 0.3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
    .list tbody tr:last-child > * { border-bottom: 0; }
    .list .n { text-align: right; white-space: nowrap; }
    .soft { color: var(--soft); }
    pre {
      margin: 1rem 0 0; padding: 0.8rem 1rem; background: var(--card); border-radius: 6px; font-size: 0.82rem;
      white-space: pre-wrap; overflow-wrap: anywhere; -webkit-print-color-adjust: exact; print-color-adjust: exact;
    }
    footer { margin-top: 3rem; color: var(--soft); font-size: 0.82rem; }
    @media (max-width: 34rem) {
      body { padding: 1.25rem 0.9rem 2rem; }
      h1 { font-size: 1.5rem; }
    }
    @media print {
      :root { --paper: #fff; }
      body { max-width: none; padding: 0; font-size: 0.85rem; }
      h2 { break-after: avoid; }
      figure, tr, .keep { break-inside: avoid; }
      .scroll { overflow: visible; }
    }

    """
}

/// A table with a head; cells are markup. Columns of `numbers` are aligned to the right.
func listTable(_ head: [String], _ rows: [[String]], numbers: Set<Int> = []) -> String {
  func kind(_ column: Int) -> String { numbers.contains(column) ? " class=\"n\"" : "" }
  let header = head.enumerated().map { "<th scope=\"col\"\(kind($0))>\($1)</th>" }.joined()
  let lines = rows.map { row in
    "<tr>"
      + row.enumerated().map { column, cell in
        column == 0
          ? "<th scope=\"row\"\(kind(0))>\(cell)</th>" : "<td\(kind(column))>\(cell)</td>"
      }.joined() + "</tr>"
  }
  return "<div class=\"scroll\"><table class=\"list\"><thead><tr>\(header)</tr></thead>\n<tbody>"
    + lines.joined(separator: "\n") + "</tbody></table></div>"
}
