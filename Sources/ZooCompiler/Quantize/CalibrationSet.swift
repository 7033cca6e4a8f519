// The inputs that a quantiser looks at.

/// Inputs of a network as real numbers, with the right classes where they are known.
package struct CalibrationSet {
  package let name: String
  package let count: Int
  /// The class of each input; empty if unknown.
  package let labels: [Int]
  /// Writes input `index`, preprocessed, as the network wants it.
  package let write:
    (_ index: Int, _ target: UnsafeMutablePointer<Float>) throws(CompileError) -> Void

  package init(
    name: String, count: Int, labels: [Int] = [],
    write: @escaping (Int, UnsafeMutablePointer<Float>) throws(CompileError) -> Void
  ) {
    self.name = name
    self.count = count
    self.labels = labels
    self.write = write
  }
}
