// How far one tensor is from another.
import CZoo
import Foundation
import Zoo

/// Differences gathered over several tensors.
struct Difference {
  /// The largest |a - b|; infinite if only one of them is a number.
  private(set) var largest: Float = 0
  /// The largest |a|.
  private(set) var peak: Float = 0
  private var signal = 0.0
  private var noise = 0.0

  mutating func add(_ a: [Float], _ b: [Float]) {
    guard a.count == b.count else {
      largest = .infinity
      return
    }
    for (x, y) in zip(a, b) {
      if x == y || (x.isNaN && y.isNaN) {
        if x.isFinite { signal += Double(x) * Double(x) }
      } else if x.isFinite && y.isFinite {
        largest = max(largest, abs(x - y))
        signal += Double(x) * Double(x)
        noise += (Double(x) - Double(y)) * (Double(x) - Double(y))
      } else {
        largest = .infinity
        noise = .infinity
      }
      if x.isFinite { peak = max(peak, abs(x)) }
    }
  }

  /// The largest difference relative to the largest value.
  var relative: Double { largest == 0 ? 0 : Double(largest) / Double(peak) }

  /// Signal to quantisation noise in decibels; infinite if nothing differs.
  var sqnr: Double { noise == 0 ? .infinity : 10 * log10(signal / noise) }
}

/// The elements of a tensor as real numbers, row-major and without gaps: integers are scale (q - zero point).
///
/// - Throws: `ToolError` for element types that have no real value here.
func realValues(_ tensor: zoo_tensor) throws -> [Float] {
  guard let data = tensor.data else { return [] }
  let shape = extents(tensor)
  let width = shape.last ?? 1
  let rows = shape.dropLast().reduce(1, *)
  let stride = Int(tensor.row_stride)
  func read<Element>(_ type: Element.Type, _ convert: (Element) -> Float) -> [Float] {
    let elements = data.assumingMemoryBound(to: Element.self)
    return (0..<rows).flatMap { row in (0..<width).map { convert(elements[row * stride + $0]) } }
  }
  var values: [Float]
  switch tensor.type {
  case ZOO_F32: return read(Float.self) { $0 }
  case ZOO_BF16: return read(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
  case ZOO_I8: values = read(Int8.self) { Float($0) }
  case ZOO_I16: values = read(Int16.self) { Float($0) }
  case ZOO_U8: values = read(UInt8.self) { Float($0) }
  default: throw ToolError("'\(String(cString: tensor.name))' has elements that are not compared")
  }
  guard tensor.scale_count > 0, let scales = tensor.scales, let zeros = tensor.zero_points else {
    return values
  }
  // One scale, or one for each index of an axis.
  let axis = Int(tensor.scale_axis)
  let inner = tensor.scale_count == 1 ? values.count : shape.dropFirst(axis + 1).reduce(1, *)
  for index in values.indices {
    let channel = index / max(inner, 1) % Int(tensor.scale_count)
    values[index] = scales[channel] * (values[index] - Float(zeros[channel]))
  }
  return values
}
