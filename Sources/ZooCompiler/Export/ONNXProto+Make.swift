// Short forms of ONNX messages.
import Foundation

extension Zoo_Onnx_AttributeProto {
  static func make(_ name: String, _ value: Int) -> Self {
    var result = Self()
    (result.name, result.i, result.type) = (name, Int64(value), 2)
    return result
  }

  static func make(_ name: String, _ values: [Int]) -> Self {
    var result = Self()
    (result.name, result.ints, result.type) = (name, values.map { Int64($0) }, 7)
    return result
  }

  static func make(_ name: String, _ value: Float) -> Self {
    var result = Self()
    (result.name, result.f, result.type) = (name, value, 1)
    return result
  }

  static func make(_ name: String, _ value: String) -> Self {
    var result = Self()
    result.name = name
    result.s = Data(value.utf8)
    result.type = 3
    return result
  }
}

extension Zoo_Onnx_ValueInfoProto {
  /// A tensor of floats.
  static func make(_ name: String, _ extents: [Int]) -> Self {
    var result = Self()
    result.name = name
    var tensor = Zoo_Onnx_TypeProto.Tensor()
    tensor.elemType = ONNXElementType.float.rawValue
    tensor.shape.dim = extents.map { extent in
      var dimension = Zoo_Onnx_TensorShapeProto.Dimension()
      dimension.value = .dimValue(Int64(extent))
      return dimension
    }
    result.type.value = .tensorType(tensor)
    return result
  }
}

/// An element type of ours that is one of ONNX.
protocol ONNXElement: BitwiseCopyable {
  static var onnxType: ONNXElementType { get }
}

extension Float: ONNXElement {
  static var onnxType: ONNXElementType { .float }
}

extension Int8: ONNXElement {
  static var onnxType: ONNXElementType { .int8 }
}

extension Int32: ONNXElement {
  static var onnxType: ONNXElementType { .int32 }
}

extension Int64: ONNXElement {
  static var onnxType: ONNXElementType { .int64 }
}
