// NumPy's arrays: .npz archives and single .npy files.
package import Foundation

/// A .npz file, or a .npy file whose only array is called "array".
///
/// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
package struct NumpyArchive: TensorFile {
  package let format: String
  package let names: [String]
  package let metadata: [String: String] = [:]
  private let arrays: [String: (header: NumpyHeader, data: Data)]

  /// - Throws: `CompileError` naming the array that is damaged or of a type that is not supported.
  package init(_ data: Data) throws(CompileError) {
    var files: [(name: String, data: Data)] = []
    if data.starts(with: zipSignature) {
      format = "NumPy archive"
      let zip = try Zip(data)
      for entry in zip.entries where entry.name.hasSuffix(".npy") {
        files.append((String(entry.name.dropLast(4)), try zip.bytes(entry)))
      }
    } else {
      format = "NumPy array"
      files.append(("array", data))
    }
    var arrays: [String: (header: NumpyHeader, data: Data)] = [:]
    for (name, data) in files {
      do throws(CompileError) {
        let header = try data.withBytes { raw throws(CompileError) in try NumpyHeader(raw) }
        arrays[name] = (header, data)
      } catch {
        throw CompileError("array '\(name)': \(error)")
      }
    }
    self.arrays = arrays
    names = files.map(\.name)
  }

  package init(path: String) throws(CompileError) {
    let data = try mapFile(path)
    do throws(CompileError) {
      try self.init(data)
    } catch {
      throw CompileError("\(path): \(error)")
    }
  }

  package func shape(_ name: String) -> [Int]? { arrays[name]?.header.shape }

  package func type(_ name: String) -> TensorElement? { arrays[name]?.header.type }

  package func floats(_ name: String) throws(CompileError) -> [Float] {
    guard let (header, data) = arrays[name] else { throw missing(name) }
    let floats = data.withUnsafeBytes {
      header.type.floats(UnsafeRawBufferPointer(rebasing: $0[header.byteCount...]))
    }
    guard header.isFortranOrder, !floats.isEmpty else { return floats }
    // The first axis varies fastest.
    var strides: [Int] = []
    var stride = 1
    for extent in header.shape {
      strides.append(stride)
      stride *= extent
    }
    return gathered(floats, header.shape, strides)
  }
}

/// The header of a .npy file: `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
struct NumpyHeader {
  let type: TensorElement
  let shape: [Int]
  let isFortranOrder: Bool
  /// Bytes in front of the elements.
  let byteCount: Int

  /// - Throws: `CompileError` if the header is damaged or the rest of `file` is not the array's elements.
  init(_ file: UnsafeRawBufferPointer) throws(CompileError) {
    var reader = ByteReader(file)
    guard try reader.take(6).elementsEqual([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59]) else {
      throw CompileError("not in NumPy's format")
    }
    let version = try reader.read(UInt8.self)
    _ = try reader.read(UInt8.self)
    guard 1...3 ~= version else { throw CompileError("version \(version), expected 1 to 3") }
    let length =
      version == 1 ? try reader.readCount(UInt16.self) : try reader.readCount(UInt32.self)
    let text = String(decoding: try reader.take(length), as: UTF8.self)
    byteCount = reader.position
    guard let descr = NumpyHeader.value("descr", in: text)?.prefix(while: { $0 != "," }) else {
      throw CompileError("no 'descr' in the header \(text.prefix(80))")
    }
    let name = descr.filter { $0 != "'" && $0 != " " }
    guard let type = NumpyHeader.types[name] else {
      throw CompileError(
        "type '\(name)' is not supported, expected \(NumpyHeader.types.keys.sorted().joined(separator: ", "))"
      )
    }
    self.type = type
    let order = NumpyHeader.value("fortran_order", in: text)
    guard let order, order.hasPrefix("True") || order.hasPrefix("False") else {
      throw CompileError("no 'fortran_order' in the header")
    }
    isFortranOrder = order.hasPrefix("True")
    guard let tuple = NumpyHeader.value("shape", in: text), tuple.first == "(",
      let close = tuple.firstIndex(of: ")")
    else { throw CompileError("no 'shape' in the header") }
    let extents = tuple[..<close].dropFirst().split(separator: ",").map { $0.filter { $0 != " " } }
    shape = extents.compactMap { Int($0) }
    guard shape.count == extents.filter({ !$0.isEmpty }).count, let count = elementCount(of: shape)
    else { throw CompileError("shape \(tuple[...close]) is not possible") }
    guard count * type.byteWidth == reader.remaining else {
      throw CompileError(
        "\(reader.remaining) bytes for \(name) of shape \(shape), expected \(count * type.byteWidth)"
      )
    }
  }

  /// What follows `'key':`.
  private static func value(_ key: String, in header: String) -> Substring? {
    guard let range = header.range(of: "'\(key)':") else { return nil }
    return header[range.upperBound...].drop { $0 == " " }
  }

  private static let types: [String: TensorElement] = [
    "<f8": .f64, "<f4": .f32, "<f2": .f16, "<i8": .i64, "<i4": .i32, "<i2": .i16, "|i1": .i8,
    "<u8": .u64, "<u4": .u32, "<u2": .u16, "|u1": .u8, "|b1": .bool,
  ]
}
