// Columns of text.

/// Rows as aligned columns; the first row is a header. Numbers (right) or text (left) by `rightAligned`.
package func table(_ rows: [[String]], rightAligned: Set<Int> = []) -> String {
  guard let columns = rows.first?.count else { return "" }
  let widths = (0..<columns).map { column in rows.map { $0[column].count }.max() ?? 0 }
  func line(_ row: [String]) -> String {
    let cells = row.enumerated().map { index, cell in
      let space = String(repeating: " ", count: widths[index] - cell.count)
      return rightAligned.contains(index) ? space + cell : cell + space
    }
    var text = cells.joined(separator: "  ")
    while text.last == " " { text.removeLast() }
    return text
  }
  let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")
  return ([line(rows[0]), rule] + rows.dropFirst().map(line)).joined(separator: "\n")
}
