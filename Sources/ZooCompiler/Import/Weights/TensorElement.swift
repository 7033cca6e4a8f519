// Element types of weight files and their way to floats.

/// An element type; the raw value is its name in safetensors files.
package enum TensorElement: String, Sendable, CaseIterable {
  case f64 = "F64"
  case f32 = "F32"
  case f16 = "F16"
  case bf16 = "BF16"
  case i64 = "I64"
  case i32 = "I32"
  case i16 = "I16"
  case i8 = "I8"
  case u64 = "U64"
  case u32 = "U32"
  case u16 = "U16"
  case u8 = "U8"
  case bool = "BOOL"

  /// Bytes of one element.
  package var byteWidth: Int {
    switch self {
    case .f64, .i64, .u64: 8
    case .f32, .i32, .u32: 4
    case .f16, .bf16, .i16, .u16: 2
    case .i8, .u8, .bool: 1
    }
  }

  /// Little-endian elements as floats, as many as fit in `bytes`. F32 keeps every bit.
  package func floats(_ bytes: UnsafeRawBufferPointer) -> [Float] {
    switch self {
    case .f64: decode(bytes, UInt64.self) { Float(Double(bitPattern: $0)) }
    case .f32: decode(bytes, UInt32.self) { Float(bitPattern: $0) }
    case .f16: decode(bytes, UInt16.self) { Float(Float16(bitPattern: $0)) }
    // bfloat16 is the upper half of a float.
    case .bf16: decode(bytes, UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
    case .i64: decode(bytes, Int64.self) { Float($0) }
    case .i32: decode(bytes, Int32.self) { Float($0) }
    case .i16: decode(bytes, Int16.self) { Float($0) }
    case .i8: decode(bytes, Int8.self) { Float($0) }
    case .u64: decode(bytes, UInt64.self) { Float($0) }
    case .u32: decode(bytes, UInt32.self) { Float($0) }
    case .u16: decode(bytes, UInt16.self) { Float($0) }
    case .u8: decode(bytes, UInt8.self) { Float($0) }
    case .bool: decode(bytes, UInt8.self) { $0 == 0 ? 0 : 1 }
    }
  }
}

private func decode<Bits: FixedWidthInteger>(
  _ bytes: UnsafeRawBufferPointer, _ type: Bits.Type, _ convert: (Bits) -> Float
) -> [Float] {
  let width = MemoryLayout<Bits>.size
  let count = bytes.count / width
  return [Float](unsafeUninitializedCapacity: count) { result, initialized in
    for index in 0..<count {
      let bits = bytes.loadUnaligned(fromByteOffset: index * width, as: Bits.self)
      result.initializeElement(at: index, to: convert(Bits(littleEndian: bits)))
    }
    initialized = count
  }
}
