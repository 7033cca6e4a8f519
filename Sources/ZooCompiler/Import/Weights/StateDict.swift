// Named tensors in files of weights, whatever their format.

/// A file of named tensors, opened and checked; elements are decoded when they are asked for.
package protocol TensorFile {
  /// The format, as a person would say it: "safetensors".
  var format: String { get }
  /// All names, each once, in the order of the file.
  var names: [String] { get }
  /// Texts that the file carries beside its tensors.
  var metadata: [String: String] { get }
  /// Extents of a tensor, [] for a scalar; nil if there is no such tensor.
  func shape(_ name: String) -> [Int]?
  /// How the elements are stored; nil if there is no such tensor.
  func type(_ name: String) -> TensorElement?
  /// The elements as floats, row-major. Integers and doubles are rounded to the nearest float.
  ///
  /// - Throws: `CompileError` if there is no such tensor or its data is damaged.
  func floats(_ name: String) throws(CompileError) -> [Float]
  /// Whether pieces of the tensor can be read without all of it.
  func hasPieces(_ name: String) -> Bool
  /// Those of the elements whose row-major positions are in `range`, which must be inside the tensor.
  ///
  /// - Throws: as above; damage may be noticed with the piece from 0 only.
  func floats(_ name: String, _ range: Range<Int>) throws(CompileError) -> [Float]
}

extension TensorFile {
  package func hasPieces(_ name: String) -> Bool { false }

  package func floats(_ name: String, _ range: Range<Int>) throws(CompileError) -> [Float] {
    let all = try floats(name)
    return range == 0..<all.count ? all : Array(all[range])
  }

  /// The tensor `name` with its elements.
  ///
  /// - Throws: as `floats`.
  package func tensor(_ name: String) throws(CompileError) -> NamedTensor {
    let floats = try floats(name)
    return NamedTensor(name: name, shape: shape(name) ?? [], floats: floats)
  }

  func missing(_ name: String) -> CompileError {
    CompileError("no tensor '\(name)' among the \(names.count) of the \(format) file")
  }
}

/// A tensor by name.
package struct NamedTensor: Sendable {
  package enum Elements: Sendable {
    case floats([Float])
    case bytes([UInt8])
  }

  package let name: String
  package let shape: [Int]
  package let elements: Elements

  package init(name: String, shape: [Int], floats: [Float]) {
    (self.name, self.shape, self.elements) = (name, shape, .floats(floats))
  }

  /// An array of bytes: states of generators, texts and the like.
  package init(name: String, bytes: [UInt8]) {
    (self.name, self.shape, self.elements) = (name, [bytes.count], .bytes(bytes))
  }

  /// The elements; bytes become floats 0 to 255.
  package var floats: [Float] {
    switch elements {
    case .floats(let values): values
    case .bytes(let values): values.map { Float($0) }
    }
  }
}

/// The element count of `shape`, or nil if an extent is negative or the product exceeds `limit`.
func elementCount(of shape: [Int], limit: Int = 1 << 40) -> Int? {
  guard shape.allSatisfy({ $0 >= 0 }) else { return nil }
  if shape.contains(0) { return 0 }
  var count = 1
  for extent in shape {
    let (product, overflow) = count.multipliedReportingOverflow(by: extent)
    guard !overflow, product <= limit else { return nil }
    count = product
  }
  return count
}
