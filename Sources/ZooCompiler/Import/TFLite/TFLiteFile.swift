// The parts of a TFLite model that matter here, by field number of its schema.
import Foundation
import Zoo

/// Element types of TFLite.
enum TFLiteType: Int {
  case float32 = 0
  case float16 = 1
  case int32 = 2
  case uint8 = 3
  case int64 = 4
  case int16 = 7
  case int8 = 9

  var byteWidth: Int {
    switch self {
    case .float32, .int32: 4
    case .float16, .int16: 2
    case .uint8, .int8: 1
    case .int64: 8
    }
  }
}

/// A tensor with its quantisation.
struct TFLiteTensor {
  let name: String
  let shape: [Int]
  let type: Int
  let buffer: Int
  let scales: [Float]
  let zeroPoints: [Int]
  let axis: Int
}

/// An operator with its options.
struct TFLiteOperator {
  let code: Int
  let customName: String
  let inputs: [Int]
  let outputs: [Int]
  let options: FlatBuffer.Table?
}

/// Subgraph 0 of a TFLite file.
///
/// Source: the schema of TensorFlow Lite, version 3 (tensorflow/lite/schema/schema.fbs).
struct TFLiteFile {
  let tensors: [TFLiteTensor]
  let operators: [TFLiteOperator]
  let inputs: [Int]
  let outputs: [Int]
  let model: FlatBuffer.Table
  let data: FlatBuffer
  private let buffers: [FlatBuffer.Table]

  init(_ bytes: [UInt8]) throws(CompileError) {
    guard bytes.count > 16, bytes[4..<8].elementsEqual("TFL3".utf8) else {
      throw CompileError("not a TFLite file of version 3")
    }
    data = FlatBuffer(bytes: bytes)
    model = try data.root
    // Model: 0 version, 1 operator_codes, 2 subgraphs, 3 description, 4 buffers
    let codes = try model.tables(1)
    buffers = try model.tables(4)
    guard let graph = try model.tables(2).first else { throw CompileError("no subgraph inside") }
    // SubGraph: 0 tensors, 1 inputs, 2 outputs, 3 operators
    var tensors: [TFLiteTensor] = []
    for table in try graph.tables(0) {
      // Tensor: 0 shape, 1 type, 2 buffer, 3 name, 4 quantization {2 scale, 3 zero_point, 6 quantized_dimension}
      let quantization = try table.table(4)
      tensors.append(
        TFLiteTensor(
          name: try table.string(3), shape: try table.ints(0, Int32.self),
          type: try table.int(1, Int8.self), buffer: try table.int(2, UInt32.self),
          scales: try quantization?.floats(2) ?? [],
          zeroPoints: try quantization?.ints(3, Int64.self) ?? [],
          axis: try quantization?.int(6, Int32.self) ?? 0))
    }
    var operators: [TFLiteOperator] = []
    for table in try graph.tables(3) {
      // Operator: 0 opcode_index, 1 inputs, 2 outputs, 4 builtin_options (3 is its type)
      let index = try table.int(0, UInt32.self)
      guard index < codes.count else {
        throw CompileError("operator code \(index) of \(codes.count)")
      }
      // OperatorCode: 0 deprecated_builtin_code, 1 custom_code, 3 builtin_code
      let code = max(try codes[index].int(0, Int8.self), try codes[index].int(3, Int32.self))
      operators.append(
        TFLiteOperator(
          code: code, customName: try codes[index].string(1),
          inputs: try table.ints(1, Int32.self), outputs: try table.ints(2, Int32.self),
          options: try table.table(4)))
    }
    self.tensors = tensors
    self.operators = operators
    inputs = try graph.ints(1, Int32.self)
    outputs = try graph.ints(2, Int32.self)
    for index in inputs + outputs + operators.flatMap({ $0.outputs }) {
      guard tensors.indices.contains(index) else {
        throw CompileError("tensor \(index) of \(tensors.count)")
      }
    }
    for index in operators.flatMap({ $0.inputs }) where index != -1 {
      guard tensors.indices.contains(index) else {
        throw CompileError("tensor \(index) of \(tensors.count)")
      }
    }
  }

  /// The bytes of a constant tensor; nil for an activation.
  func bytes(_ tensor: TFLiteTensor) throws(CompileError) -> ArraySlice<UInt8>? {
    try bytes(ofBuffer: tensor.buffer)
  }

  /// The bytes of buffer `index`; nil if it is empty.
  func bytes(ofBuffer index: Int) throws(CompileError) -> ArraySlice<UInt8>? {
    guard index > 0 else { return nil }
    guard index < buffers.count else {
      throw CompileError("buffer \(index) of \(buffers.count)")
    }
    // Buffer: 0 data, 1 offset, 2 size (data outside the FlatBuffer, in files over 2 GB)
    let table = buffers[index]
    let inside = try table.bytes(0)
    if !inside.isEmpty { return inside }
    let offset = try table.int(1, UInt64.self)
    let size = try table.int(2, UInt64.self)
    guard offset > 1 else { return nil }
    guard size >= 0, offset <= data.bytes.count, size <= data.bytes.count - offset else {
      throw data.failure(offset)
    }
    return data.bytes[offset..<offset + size]
  }

  /// A constant's integers or floats, not dequantised; nil for an activation.
  func elements(_ tensor: TFLiteTensor) throws(CompileError) -> ONNXTensor.Elements? {
    guard let bytes = try bytes(tensor) else { return nil }
    guard let type = TFLiteType(rawValue: tensor.type) else {
      throw CompileError("tensor '\(tensor.name)': element type \(tensor.type) is not supported")
    }
    var count = 1
    for extent in tensor.shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard extent >= 0, !overflow, product < 1 << 31 else {
        throw CompileError("tensor '\(tensor.name)': shape \(tensor.shape)")
      }
      count = product
    }
    guard bytes.count == count * type.byteWidth else {
      throw CompileError(
        "tensor '\(tensor.name)': \(bytes.count) bytes for shape \(tensor.shape)")
    }
    let same: [TFLiteType: ONNXElementType] = [
      .float32: .float, .float16: .float16, .int32: .int32, .uint8: .uint8, .int64: .int64,
      .int16: .int16, .int8: .int8,
    ]
    return same[type]?.elements(of: Data(bytes), count: count)
  }
}
