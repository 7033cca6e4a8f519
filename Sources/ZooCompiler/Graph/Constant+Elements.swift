// Constants as arrays of their own element type.
import CZoo

/// A Swift type that is an element type of tensors.
protocol ConstantElement: BitwiseCopyable {
  static var elementType: zoo_type { get }
}

extension Float16: ConstantElement {
  static var elementType: zoo_type { ZOO_F16 }
}

extension Int8: ConstantElement {
  static var elementType: zoo_type { ZOO_I8 }
}

extension Int16: ConstantElement {
  static var elementType: zoo_type { ZOO_I16 }
}

extension Int32: ConstantElement {
  static var elementType: zoo_type { ZOO_I32 }
}

extension Constant {
  /// The elements, if they are of this type; `floats` is for those of f32.
  func elements<Element: ConstantElement>() -> [Element]? {
    guard type == Element.elementType else { return nil }
    let width = MemoryLayout<Element>.size
    return withBytes { bytes in
      (0..<bytes.count / width).map {
        bytes.loadUnaligned(fromByteOffset: $0 * width, as: Element.self)
      }
    }
  }

  /// The elements of bf16, which are the upper halves of floats.
  var bfloat16s: [Float]? {
    guard type == ZOO_BF16 else { return nil }
    return withBytes { bytes in
      (0..<bytes.count / 2).map {
        let upper = bytes.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self)
        return Float(bitPattern: UInt32(upper) << 16)
      }
    }
  }
}
