// What classes are called.
import Foundation

/// How many labels, and some of them: "1000, tench, goldfish ... toilet paper".
func describe(_ labels: [String]) -> String {
  guard labels.count > 3, let last = labels.last else {
    return labels.isEmpty ? "none" : "\(labels.count), " + labels.joined(separator: ", ")
  }
  return "\(labels.count), \(labels[0]), \(labels[1]) ... \(last)"
}

/// Labels of a text file, one per line, or of the column "name" of a CSV file.
func readLabels(_ path: String) throws -> [String] {
  guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
    throw ToolError("\(path): no such file of labels, or not UTF-8 text")
  }
  let lines = text.split(omittingEmptySubsequences: true) { $0.isNewline }.map(String.init)
  guard let header = lines.first, path.lowercased().hasSuffix(".csv") else { return lines }
  let columns = fields(header)
  guard let column = columns.firstIndex(of: "name") else {
    throw ToolError("\(path): no column 'name' among \(columns)")
  }
  return try lines.dropFirst().enumerated().map { index, line in
    let row = fields(line)
    guard column < row.count else { throw ToolError("\(path): line \(index + 2) is short") }
    return row[column]
  }
}

/// Fields of a CSV line; quotes protect commas.
private func fields(_ line: String) -> [String] {
  var result = [""]
  var isQuoted = false
  for character in line {
    switch character {
    case "\"": isQuoted.toggle()
    case "," where !isQuoted: result.append("")
    default: result[result.count - 1].append(character)
    }
  }
  return result
}
