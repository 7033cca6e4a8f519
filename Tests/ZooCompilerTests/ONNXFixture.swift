// ONNX files for tests, written byte by byte: independent of the library that reads them.
import Foundation

/// Protocol buffer fields, by number.
struct Proto {
  var bytes: [UInt8] = []

  static func varint(_ value: UInt64) -> [UInt8] {
    var (rest, result) = (value, [UInt8]())
    while rest >= 0x80 {
      result.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    return result + [UInt8(rest)]
  }

  func int(_ field: UInt64, _ value: Int) -> Proto {
    Proto(
      bytes: bytes + Proto.varint(field << 3) + Proto.varint(UInt64(bitPattern: Int64(value))))
  }
  func data(_ field: UInt64, _ value: [UInt8]) -> Proto {
    Proto(
      bytes: bytes + Proto.varint(field << 3 | 2) + Proto.varint(UInt64(value.count)) + value)
  }
  func text(_ field: UInt64, _ value: String) -> Proto { data(field, Array(value.utf8)) }
  func message(_ field: UInt64, _ value: Proto) -> Proto { data(field, value.bytes) }
  func float(_ field: UInt64, _ value: Float) -> Proto {
    Proto(
      bytes: bytes + Proto.varint(field << 3 | 5)
        + withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) })
  }
}

/// The bytes of floats, as ONNX stores them raw.
func rawFloats(_ values: [Float]) -> [UInt8] {
  values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
}

/// The bytes of int64, as ONNX stores them raw.
func rawInts(_ values: [Int]) -> [UInt8] {
  values.flatMap { value in withUnsafeBytes(of: Int64(value).littleEndian) { Array($0) } }
}

/// An ONNX network being written.
struct ONNXFixture {
  var opset = 13
  private var graph = Proto()

  init(opset: Int = 13) { self.opset = opset }

  /// A tensor of the file: `type` as ONNX numbers them (1 float, 7 int64, 10 float16).
  mutating func constant(_ name: String, _ extents: [Int], type: Int, raw: [UInt8]) {
    graph = graph.message(5, tensor(name, extents, type: type).data(9, raw))
  }
  mutating func floats(_ name: String, _ extents: [Int], _ values: [Float]) {
    constant(name, extents, type: 1, raw: rawFloats(values))
  }
  mutating func ints(_ name: String, _ values: [Int], extents: [Int]? = nil) {
    constant(name, extents ?? [values.count], type: 7, raw: rawInts(values))
  }
  /// A tensor whose bytes lie in another file.
  mutating func external(_ name: String, _ extents: [Int], location: String, offset: Int = 0) {
    let place = [("location", location), ("offset", "\(offset)")].reduce(Proto()) {
      $0.message(13, Proto().text(1, $1.0).text(2, $1.1))
    }
    graph = graph.message(
      5, Proto(bytes: tensor(name, extents, type: 1).bytes + place.bytes).int(14, 1))
  }

  private func tensor(_ name: String, _ extents: [Int], type: Int) -> Proto {
    extents.reduce(Proto()) { $0.int(1, $1) }.int(2, type).text(8, name)
  }

  /// A node; attributes are integers, lists of them, floats or words.
  mutating func node(
    _ operation: String, _ inputs: [String], _ outputs: [String],
    _ attributes: [String: Any] = [:], domain: String = ""
  ) {
    var node = inputs.reduce(Proto()) { $0.text(1, $1) }
    node = outputs.reduce(node) { $0.text(2, $1) }.text(3, outputs[0]).text(4, operation)
    if !domain.isEmpty { node = node.text(7, domain) }
    for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
      var attribute = Proto().text(1, name)
      switch value {
      case let int as Int: attribute = attribute.int(3, int).int(20, 2)
      case let ints as [Int]: attribute = ints.reduce(attribute) { $0.int(8, $1) }.int(20, 7)
      case let float as Float: attribute = attribute.float(2, float).int(20, 1)
      case let floats as [Float]:
        attribute = floats.reduce(attribute) { $0.float(7, $1) }.int(20, 6)
      case let word as String: attribute = attribute.text(4, word).int(20, 3)
      default: fatalError("attribute \(name)")
      }
      node = node.message(5, attribute)
    }
    graph = graph.message(1, node)
  }

  /// An input; an extent of 0 is left open.
  mutating func input(_ name: String, _ extents: [Int], type: Int = 1) {
    graph = graph.message(11, value(name, extents, type))
  }
  /// What the file says about a tensor between nodes.
  mutating func info(_ name: String, _ extents: [Int], type: Int = 1) {
    graph = graph.message(13, value(name, extents, type))
  }
  mutating func output(_ name: String) { graph = graph.message(12, value(name, [], 1)) }

  private func value(_ name: String, _ extents: [Int], _ type: Int) -> Proto {
    let shape = extents.reduce(Proto()) {
      $0.message(1, $1 == 0 ? Proto().text(2, "N") : Proto().int(1, $1))
    }
    return Proto().text(1, name)
      .message(2, Proto().message(1, Proto().int(1, type).message(2, shape)))
  }

  var bytes: [UInt8] {
    Proto().int(1, 8).message(7, graph).message(8, Proto().text(1, "").int(2, opset)).bytes
  }

  /// Writes the network to a file in a folder of its own, which the caller removes.
  func write() throws -> URL {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("zoo-onnx-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let file = folder.appendingPathComponent("model.onnx")
    try Data(bytes).write(to: file)
    return file
  }
}
