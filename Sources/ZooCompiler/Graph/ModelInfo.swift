// What a model carries besides its network: labels, preprocessing, a card.
package import Zoo

/// Everything a person would otherwise have to guess.
package struct ModelInfo: Sendable {
  /// Class names in the order of output 0; empty if unknown.
  package var labels: [String] = []
  package var preprocessing: Preprocessing?
  /// The model card: "name", "architecture", "source", "licence", ...
  package var card: [(key: String, value: String)] = []
  /// Output 0 holds probabilities rather than logits.
  package var outputsProbabilities = false
  /// Class 0 means "none of these".
  package var hasBackgroundClass = false

  package init() {}

  package subscript(key: String) -> String? {
    get { card.first { $0.key == key }?.value }
    set {
      card.removeAll { $0.key == key }
      if let newValue { card.append((key, newValue)) }
    }
  }
}
