// Arrays of float32 in NumPy's .npy format, version 1.
import Foundation
import ZooCompiler

/// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
struct NumpyArray {
  let shape: [Int]
  let floats: [Float]

  init(shape: [Int], floats: [Float]) {
    self.shape = shape
    self.floats = floats
  }

  init(path: String) throws {
    let data: Data
    do { data = try Data(contentsOf: URL(fileURLWithPath: path)) } catch {
      throw ToolError("\(path): cannot read: \(reason(error))")
    }
    guard data.count > 10, data.starts(with: [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1]) else {
      throw ToolError("\(path): not a .npy file of version 1")
    }
    let headerEnd = 10 + Int(data[8]) + Int(data[9]) << 8
    guard headerEnd <= data.count else { throw ToolError("\(path): cut short") }
    let header = String(decoding: data[10..<headerEnd], as: UTF8.self)
    guard header.contains("'<f4'"), header.contains("'fortran_order': False"),
      let open = header.firstIndex(of: "("), let close = header.firstIndex(of: ")"), open < close
    else { throw ToolError("\(path): only C-ordered little-endian float32 is supported") }
    shape = header[header.index(after: open)..<close].split(separator: ",").compactMap {
      Int($0.trimmingCharacters(in: .whitespaces))
    }
    let body = data[headerEnd...]
    guard shape.reduce(1, &*) * 4 == body.count else { throw ToolError("\(path): cut short") }
    floats = body.withUnsafeBytes { raw in
      (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
    }
  }

  func write(to path: String) throws {
    let extents = shape.map(String.init).joined(separator: ", ") + (shape.count == 1 ? "," : "")
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(extents)), }"
    header += String(repeating: " ", count: 63 - (10 + header.count) % 64) + "\n"
    var data = Data([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0])
    data.append(UInt8(header.count & 255))
    data.append(UInt8(header.count >> 8))
    data.append(Data(header.utf8))
    floats.withUnsafeBytes { data.append(contentsOf: $0) }
    try ModelWriter.write(data, to: path)
  }
}
