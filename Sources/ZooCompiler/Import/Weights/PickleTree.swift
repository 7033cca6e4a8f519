// From nested dictionaries to named tensors.

/// Collects what a pickle holds under names made of keys joined by dots.
struct PickleTree {
  private(set) var tensors: [(name: String, number: Int)] = []
  /// Numbers and texts of the outermost dictionaries.
  private(set) var texts: [String: String] = [:]
  private let pickle: Pickle
  private var visited = 0

  /// Deeper collections are refused; they may even contain themselves.
  static let maximumDepth = 64
  /// The longest name, in bytes of UTF-8: names grow by a key with each level.
  static let maximumNameByteCount = 1 << 12
  /// Visits in all: shared collections count as often as they are met.
  static let maximumVisits = 1 << 20

  init(_ pickle: Pickle) { self.pickle = pickle }

  /// Finds all tensors.
  ///
  /// - Throws: `CompileError` for names that are used twice, and for collections without end.
  mutating func collect() throws(CompileError) {
    // Checkpoints: the network's dictionary is one of several.
    var root = pickle.root
    collectTexts(root)
    for _ in 0..<PickleTree.maximumDepth {
      guard let inner = stateDictionary(root) else { break }
      root = inner
      collectTexts(root)
    }
    try visit(root, path: "", depth: 0)
    if !tensors.isEmpty, tensors.allSatisfy({ $0.name.hasPrefix("module.") }) {
      tensors = tensors.map { (String($0.name.dropFirst("module.".count)), $0.number) }
    }
    var names: Set<String> = []
    for (name, _) in tensors where !names.insert(name).inserted {
      throw CompileError("tensor '\(name)' is there twice")
    }
  }

  /// The dictionary of the network inside a checkpoint, if `value` is one.
  private func stateDictionary(_ value: PickleValue) -> PickleValue? {
    let names: Set = ["state_dict", "model_state_dict", "model_state", "model", "net"]
    return pickle.members(value)?.first { key, value in
      names.contains(key.text ?? "") && pickle.members(value) != nil
        && pickle.isPlainDictionary(value)
    }?.value
  }

  private mutating func collectTexts(_ root: PickleValue) {
    for (key, value) in pickle.members(root) ?? [] where pickle.isPlainDictionary(root) {
      if let name = key.text, let text = value.plainText { texts[name] = text }
    }
  }

  private mutating func visit(
    _ value: PickleValue, path: String, depth: Int
  ) throws(CompileError) {
    visited += 1
    guard depth <= PickleTree.maximumDepth, visited <= PickleTree.maximumVisits else {
      throw CompileError("'\(path.prefix(80))' is nested without end")
    }
    guard path.utf8.count <= PickleTree.maximumNameByteCount else {
      throw CompileError(
        "'\(path.prefix(80))...' is longer than \(PickleTree.maximumNameByteCount) bytes")
    }
    func name(_ key: String) -> String { path.isEmpty ? key : path + "." + key }
    if case .tensor(let number) = value {
      tensors.append((path.isEmpty ? "tensor" : path, number))
    } else if let members = pickle.members(value) {
      for (key, value) in members {
        if let key = key.text ?? key.integer.map({ String($0) }) {
          try visit(value, path: name(key), depth: depth + 1)
        }
      }
    } else if let elements = pickle.elements(value) {
      for (index, element) in elements.enumerated() {
        try visit(element, path: name(String(index)), depth: depth + 1)
      }
    }
  }
}

extension Pickle {
  /// Whether `value` is a dictionary rather than a module of TorchScript.
  fileprivate func isPlainDictionary(_ value: PickleValue) -> Bool {
    guard case .object(let number) = value else { return false }
    return objects[number].kind == .dictionary
  }
}

extension PickleValue {
  /// A number or text as text, else nil.
  fileprivate var plainText: String? {
    switch self {
    case .bool(let value): String(value)
    case .integer(let value): String(value)
    case .float(let value): String(value)
    case .text(let value): value
    default: nil
    }
  }
}
