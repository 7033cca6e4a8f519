// Filling a described network with the tensors of a PyTorch state dictionary, whatever file holds it.

/// Looks parameters up by name in a file of weights, brings them from PyTorch's layouts to ours, and remembers what does not
/// fit, so that `check` can list all of it at once.
///
/// PyTorch's `num_batches_tracked` and tensors whose names begin with one of `unused` are passed over.
package final class StateDictWeights: WeightSource {
  private let file: any TensorFile
  private let aliases: [String: String]
  private let unused: [String]
  /// Is told after each parameter how many elements it has.
  private let progress: ((Int) -> Void)?
  private var used: Set<String> = []
  private var problems: [String] = []

  /// - Parameters:
  ///   - aliases: what other files call a layer, by our name: both are looked up.
  ///   - unused: beginnings of names that the network does not want.
  ///   - progress: is told after each parameter how many elements it has.
  package init(
    _ file: any TensorFile, aliases: [String: String] = [:], unused: [String] = [],
    progress: ((Int) -> Void)? = nil
  ) {
    self.file = file
    self.aliases = aliases
    self.unused = unused
    self.progress = progress
  }

  /// The elements in our order; zeros, and a note for `check`, where the file does not have them.
  package func values(_ parameter: ParameterSpec) throws(CompileError) -> [Float] {
    let layout = TorchLayout(parameter)
    guard let (name, shape) = find(parameter.name) else {
      problems.append("missing    \(parameter.name) \(text(layout.torchShape))")
      return [Float](repeating: 0, count: parameter.count)
    }
    used.insert(name)
    guard layout.accepts(shape) else {
      problems.append(
        "misshapen  \(name): expected \(text(layout.torchShape)), got \(text(shape))")
      return [Float](repeating: 0, count: parameter.count)
    }
    defer { progress?(parameter.count) }
    guard file.hasPieces(name), parameter.count > 1 << 16 else {
      return gathered(try file.floats(name), layout.shape, layout.strides)
    }
    return try layout.ourOrder { range throws(CompileError) in try file.floats(name, range) }
  }

  /// Throws if a tensor was missing or misshapen, or if the file has one that nothing asked for.
  package func check(_ network: String) throws(CompileError) {
    let surplus = file.names.filter { name in
      !used.contains(name) && !name.hasSuffix("num_batches_tracked")
        && !unused.contains { name.hasPrefix($0) }
    }
    let all = problems + surplus.map { "surplus    \($0) \(text(file.shape($0) ?? []))" }
    guard all.isEmpty else {
      throw CompileError(
        "\(all.count) tensors do not fit the network '\(network)':\n  "
          + all.joined(separator: "\n  "))
    }
  }

  /// The tensor of a parameter, by our name for its layer or another.
  private func find(_ name: String) -> (name: String, shape: [Int])? {
    if let shape = file.shape(name) { return (name, shape) }
    guard let dot = name.lastIndex(of: "."), let alias = aliases[String(name[..<dot])] else {
      return nil
    }
    let other = alias + name[dot...]
    return file.shape(other).map { (other, $0) }
  }

  private func text(_ shape: [Int]) -> String {
    shape.isEmpty ? "scalar" : shape.map(String.init).joined(separator: "x")
  }
}
