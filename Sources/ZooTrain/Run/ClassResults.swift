// An evaluation class by class.

/// How one class fared.
package struct ClassResult: Sendable {
  package let name: String
  package let count: Int
  package let right: Int
  /// How often the answer was this class.
  package let answers: Int
  /// What it was taken for, most often first.
  package let confusions: [(name: String, count: Int)]

  /// The share of its images that was recognised.
  package var recall: Double { count == 0 ? 0 : Double(right) / Double(count) }
  /// The share of such answers that was right; nil if there was none.
  package var precision: Double? { answers == 0 ? nil : Double(right) / Double(answers) }
}

/// Images of one class taken for another.
package struct Confusion: Sendable {
  package let actual: Int
  package let predicted: Int
  package let count: Int
}

extension Evaluation {
  /// The classes that have images, in their order.
  package func classResults(_ names: [String]) -> [ClassResult] {
    names.indices.filter { $0 < confusion.count }.compactMap { c in
      let row = confusion[c]
      let count = row.reduce(0, +)
      guard count > 0 else { return nil }
      let wrong = row.indices.filter { $0 != c && row[$0] > 0 }.sorted {
        (row[$1], $0) < (row[$0], $1)
      }
      return ClassResult(
        name: names[c], count: count, right: row[c],
        answers: confusion.reduce(0) { $0 + $1[c] },
        confusions: wrong.map { ($0 < names.count ? names[$0] : "class \($0)", row[$0]) })
    }
  }

  /// Pairs of classes, the most often confused first; one direction each.
  package func worstConfusions(_ limit: Int) -> [Confusion] {
    var all: [Confusion] = []
    for (actual, row) in confusion.enumerated() {
      for (predicted, count) in row.enumerated() where predicted != actual && count > 0 {
        all.append(Confusion(actual: actual, predicted: predicted, count: count))
      }
    }
    all.sort { ($1.count, $0.actual, $0.predicted) < ($0.count, $1.actual, $1.predicted) }
    return Array(all.prefix(limit))
  }
}
