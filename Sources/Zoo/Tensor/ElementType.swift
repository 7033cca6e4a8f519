// Element types and their sizes.
package import CZoo

extension zoo_type {
  /// Bytes of one element; 0 for a value that is no element type.
  package var byteWidth: Int {
    switch self {
    case ZOO_F32, ZOO_I32: 4
    case ZOO_I8, ZOO_U8: 1
    case ZOO_I16, ZOO_F16, ZOO_BF16: 2
    default: 0
    }
  }

  /// The name used in summaries.
  package var name: StaticString {
    switch self {
    case ZOO_F32: "f32"
    case ZOO_I32: "i32"
    case ZOO_I8: "i8"
    case ZOO_U8: "u8"
    case ZOO_I16: "i16"
    case ZOO_F16: "f16"
    case ZOO_BF16: "bf16"
    default: "?"
    }
  }
}
