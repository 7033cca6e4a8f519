// TensorProto as shape and numbers.
import Foundation
import SwiftProtobuf

/// A tensor of an ONNX file: extents and elements, floats or integers.
package struct ONNXTensor {
  package enum Elements {
    case floats([Float])
    case ints([Int])
  }

  package var name: String
  package var shape: [Int]
  package var elements: Elements
  let type: ONNXElementType

  /// The elements as floats, converted if they are integers.
  package var floats: [Float] {
    switch elements {
    case .floats(let values): values
    case .ints(let values): values.map { Float($0) }
    }
  }

  /// Reads a file that holds one serialised TensorProto, as the ONNX backend tests do.
  package init(protobufFile path: String) throws(CompileError) {
    let proto: Zoo_Onnx_TensorProto
    do {
      proto = try Zoo_Onnx_TensorProto(
        serializedBytes: Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw CompileError("\(path): no ONNX tensor: \(error)")
    }
    try self.init(proto, folder: nil)
  }

  /// Decodes `proto`; external data is looked up in `folder`.
  init(_ proto: Zoo_Onnx_TensorProto, folder: URL?) throws(CompileError) {
    name = proto.name
    func fail(_ what: String) -> CompileError { CompileError("tensor '\(proto.name)': \(what)") }
    var count = 1
    for extent in proto.dims {
      guard extent >= 0, extent < 1 << 31 else { throw fail("extent \(extent) out of range") }
      let (product, overflow) = count.multipliedReportingOverflow(by: Int(extent))
      guard !overflow, product < 1 << 31 else { throw fail("too many elements") }
      count = product
    }
    shape = proto.dims.map { Int($0) }
    guard let type = ONNXElementType(rawValue: proto.dataType) else {
      throw fail("element type \(proto.dataType) is not supported")
    }
    self.type = type
    var raw = proto.rawData
    if proto.dataLocation == 1 {
      raw = try ONNXTensor.externalData(proto, folder, byteCount: count * type.byteWidth)
    }
    if raw.isEmpty && count > 0 {
      elements = try type.elements(of: proto, count: count)
    } else {
      guard raw.count == count * type.byteWidth else {
        throw fail("\(raw.count) bytes of data, expected \(count * type.byteWidth)")
      }
      elements = type.elements(of: raw, count: count)
    }
  }

  private static func externalData(
    _ proto: Zoo_Onnx_TensorProto, _ folder: URL?, byteCount: Int
  ) throws(CompileError) -> Data {
    func fail(_ what: String) -> CompileError {
      CompileError("tensor '\(proto.name)': external data: \(what)")
    }
    var fields: [String: String] = [:]
    for entry in proto.externalData { fields[entry.key] = entry.value }
    guard let folder, let location = fields["location"], !location.isEmpty else {
      throw fail("no location")
    }
    // Only files beside or below the model: a model must not read what else lies on the machine.
    guard !location.hasPrefix("/"), !location.split(separator: "/").contains("..") else {
      throw fail("location '\(location)' leaves the model's folder")
    }
    let file: Data
    do {
      file = try Data(contentsOf: folder.appendingPathComponent(location), options: .mappedIfSafe)
    } catch {
      throw fail("cannot read '\(location)'")
    }
    let offset = Int(fields["offset"] ?? "0") ?? -1
    let length = fields["length"].map { Int($0) ?? -1 } ?? byteCount
    guard offset >= 0, length == byteCount, offset <= file.count, length <= file.count - offset
    else { throw fail("'\(location)' has \(file.count) bytes, \(length) wanted at \(offset)") }
    return file.subdata(in: offset..<offset + length)
  }
}

/// ONNX's element types, as TensorProto.DataType numbers them.
enum ONNXElementType: Int32 {
  case float = 1
  case uint8 = 2
  case int8 = 3
  case uint16 = 4
  case int16 = 5
  case int32 = 6
  case int64 = 7
  case bool = 9
  case float16 = 10
  case double = 11
  case uint32 = 12
  case uint64 = 13
  case bfloat16 = 16

  var byteWidth: Int {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .float, .int32, .uint32: 4
    case .int64, .double, .uint64: 8
    }
  }

  var isFloat: Bool {
    self == .float || self == .float16 || self == .double || self == .bfloat16
  }

  /// Elements from little-endian bytes.
  func elements(of data: Data, count: Int) -> ONNXTensor.Elements {
    data.withUnsafeBytes { raw in
      func load<T: BitwiseCopyable>(_ type: T.Type, _ index: Int) -> T {
        raw.loadUnaligned(fromByteOffset: index * MemoryLayout<T>.size, as: T.self)
      }
      let all = 0..<count
      return switch self {
      case .float: .floats(all.map { load(Float.self, $0) })
      case .float16: .floats(all.map { halfToFloat(load(UInt16.self, $0)) })
      case .bfloat16: .floats(all.map { Float(bitPattern: UInt32(load(UInt16.self, $0)) << 16) })
      case .double: .floats(all.map { Float(load(Double.self, $0)) })
      case .uint8, .bool: .ints(all.map { Int(load(UInt8.self, $0)) })
      case .int8: .ints(all.map { Int(load(Int8.self, $0)) })
      case .uint16: .ints(all.map { Int(load(UInt16.self, $0)) })
      case .int16: .ints(all.map { Int(load(Int16.self, $0)) })
      case .int32: .ints(all.map { Int(load(Int32.self, $0)) })
      case .uint32: .ints(all.map { Int(load(UInt32.self, $0)) })
      case .int64: .ints(all.map { Int(load(Int64.self, $0)) })
      case .uint64: .ints(all.map { Int(truncatingIfNeeded: load(UInt64.self, $0)) })
      }
    }
  }

  /// Elements from the typed fields of a TensorProto.
  func elements(
    of proto: Zoo_Onnx_TensorProto, count: Int
  ) throws(CompileError) -> ONNXTensor.Elements {
    let result: ONNXTensor.Elements
    let found: Int
    switch self {
    case .float: (result, found) = (.floats(proto.floatData), proto.floatData.count)
    case .double:
      (result, found) = (.floats(proto.doubleData.map { Float($0) }), proto.doubleData.count)
    case .float16:
      let values = proto.int32Data.map { halfToFloat(UInt16(truncatingIfNeeded: $0)) }
      (result, found) = (.floats(values), values.count)
    case .bfloat16:
      let values = proto.int32Data.map {
        Float(bitPattern: UInt32(UInt16(truncatingIfNeeded: $0)) << 16)
      }
      (result, found) = (.floats(values), values.count)
    case .int64: (result, found) = (.ints(proto.int64Data.map { Int($0) }), proto.int64Data.count)
    case .uint64, .uint32:
      let values = proto.uint64Data.map { Int(truncatingIfNeeded: $0) }
      (result, found) = (.ints(values), values.count)
    default: (result, found) = (.ints(proto.int32Data.map { Int($0) }), proto.int32Data.count)
    }
    guard found == count else {
      throw CompileError("tensor '\(proto.name)': \(found) elements, expected \(count)")
    }
    return result
  }
}

/// IEEE 754 binary16 to binary32, exactly.
package func halfToFloat(_ half: UInt16) -> Float {
  let sign: Float = half & 0x8000 == 0 ? 1 : -1
  let exponent = Int(half >> 10) & 31
  let fraction = Float(half & 0x3FF)
  switch exponent {
  case 0: return sign * fraction * 0x1p-24
  case 31: return fraction == 0 ? sign * .infinity : .nan
  default:
    return sign * (1 + fraction * 0x1p-10)
      * Float(sign: .plus, exponent: exponent - 15, significand: 1)
  }
}
