// Writing safetensors files.

/// Writes floats as F32, every bit kept.
///
/// - Throws: as the other `writeSafeTensors`.
package func writeSafeTensors(
  _ tensors: [(name: String, shape: [Int], floats: [Float])], metadata: [String: String] = [:],
  to path: String
) throws(CompileError) {
  try writeSafeTensors(
    tensors.map { NamedTensor(name: $0.name, shape: $0.shape, floats: $0.floats) },
    metadata: metadata, to: path)
}

/// Writes `tensors` to `path`, floats as F32 and bytes as U8, through a temporary file: `path` is the old file or the
/// complete new one, never a part.
///
/// Bytes are stored after all floats, so that floats stay aligned; the order is kept otherwise.
///
/// - Throws: `CompileError` for duplicate names, for elements that do not fill their shape, and if the file cannot be
///   written; the temporary file is then removed.
package func writeSafeTensors(
  _ tensors: [NamedTensor], metadata: [String: String] = [:], to path: String
) throws(CompileError) {
  let floats = tensors.filter { $0.type == .f32 }
  let sorted = floats + tensors.filter { $0.type != .f32 }
  var header = try encodeHeader(sorted, metadata)
  // Spaces after the object are allowed; the data starts at a multiple of 8.
  while header.count % 8 != 0 { header.append(UInt8(ascii: " ")) }
  let file = try ReplacingFile(path)
  try withUnsafeBytes(of: UInt64(header.count).littleEndian) { raw throws(CompileError) in
    try file.write(raw)
  }
  try file.write(header)
  for tensor in sorted {
    switch tensor.elements {
    case .floats(let values): try file.write(values)
    case .bytes(let values): try file.write(values)
    }
  }
  try file.commit()
}

extension NamedTensor {
  fileprivate var type: TensorElement {
    switch elements {
    case .floats: .f32
    case .bytes: .u8
    }
  }

  fileprivate var count: Int {
    switch elements {
    case .floats(let values): values.count
    case .bytes(let values): values.count
    }
  }
}

/// The JSON header, without padding.
private func encodeHeader(
  _ tensors: [NamedTensor], _ metadata: [String: String]
) throws(CompileError) -> [UInt8] {
  var members: [String] = []
  if !metadata.isEmpty {
    let texts = metadata.sorted { $0.key < $1.key }.map { quoted($0.key) + ":" + quoted($0.value) }
    members.append("\"__metadata__\":{" + texts.joined(separator: ",") + "}")
  }
  var names: Set<String> = ["__metadata__"]
  var offset = 0
  for tensor in tensors {
    guard names.insert(tensor.name).inserted else {
      throw CompileError("cannot write tensor '\(tensor.name)': the name is taken")
    }
    guard elementCount(of: tensor.shape) == tensor.count else {
      throw CompileError(
        "cannot write tensor '\(tensor.name)': \(tensor.count) elements for shape \(tensor.shape)")
    }
    let end = offset + tensor.count * tensor.type.byteWidth
    let shape = tensor.shape.map(String.init).joined(separator: ",")
    members.append(
      quoted(tensor.name) + ":{\"dtype\":\"\(tensor.type.rawValue)\",\"shape\":[\(shape)],"
        + "\"data_offsets\":[\(offset),\(end)]}")
    offset = end
  }
  let header = Array(("{" + members.joined(separator: ",") + "}").utf8)
  guard header.count <= SafeTensors.maximumHeaderByteCount - 8 else {
    throw CompileError("cannot write a header of \(header.count) bytes")
  }
  return header
}

/// `text` as a JSON string.
private func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"", "\\": result += "\\\(scalar)"
    case "\u{0}"..<"\u{20}":
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
