// Walking a tensor in row-major order while reading another with its own strides.
import CZoo

extension Axes {
  /// Elements between neighbours along each axis of `tensor`, whose innermost vectors may have gaps.
  static func strides(of tensor: zoo_tensor) -> Axes {
    var result = Axes(repeating: 0)
    let shape = tensor.extent
    var stride = tensor.rowStride
    for back in 0..<shape.rank {
      let axis = shape.rank - 1 - back
      if back == 0 {
        result[axis] = 1
      } else {
        result[axis] = stride
        stride *= shape[axis]
      }
    }
    return result
  }
}

/// Copies a strided view of `source` into `target`, element by element of `shape` in row-major order.
///
/// `strides` are elements of `source` per step along each axis of `shape`; they may be 0 or negative.
/// Works for any element type: only sizes matter. Innermost runs with stride 1 are block copies.
func copyStrided(
  from source: UnsafeRawPointer, strides: Axes, to target: zoo_tensor, at offset: Int,
  shape: Shape
) {
  let width = target.type.byteWidth
  let output = target.data.unsafelyUnwrapped + offset * width
  let targetStrides = Axes.strides(of: target)
  let inner = shape.rank - 1
  guard inner >= 0 else { return output.copyMemory(from: source, byteCount: width) }
  var coordinates = Axes(repeating: 0)
  var from = 0
  var to = 0
  for _ in 0..<shape.rowCount {
    if strides[inner] == 1 {
      (output + to * width).copyMemory(
        from: source + from * width, byteCount: shape.last * width)
    } else {
      for k in 0..<shape.last {
        (output + (to + k) * width).copyMemory(
          from: source + (from + k * strides[inner]) * width, byteCount: width)
      }
    }
    var axis = inner - 1
    while axis >= 0 {
      from += strides[axis]
      to += targetStrides[axis]
      coordinates[axis] += 1
      if coordinates[axis] < shape[axis] { break }
      from -= strides[axis] * shape[axis]
      to -= targetStrides[axis] * shape[axis]
      coordinates[axis] = 0
      axis -= 1
    }
  }
}
