// The transforms of convolutions of 3 x 3 taps: how fast they stream.
import CZooKernels
import ZooMeasure

/// Images of floats, or of bf16, whose kernels leave weights to those of floats.
func transforms<Element: BitwiseCopyable>(
  _ kernel: Microkernel, _ type: Element.Type
) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_f32_winograd_ukernel.self)
  let forms = [
    ("6x6 pixels, 128 channels", ZOO_WINOGRAD_INPUT, 6, 128, 6),
    ("3x3 weights, 64 x 16", ZOO_WINOGRAD_WEIGHTS, 3, 1024, 3),
    ("4x4 outputs, 32 channels", ZOO_WINOGRAD_OUTPUT, 4, 32, 4),
  ]
  let isRounded = type != Float.self
  return forms.filter { !isRounded || $0.1 != ZOO_WINOGRAD_WEIGHTS }.map {
    name, kind, size, lanes, end in
    // Numbers of a lane are apart by an odd number of lines of the cache, as in a block of tiles.
    let stride = lanes + 16
    let image = Elements(size * size * lanes, pixelNoise(type))
    let spectrum = Elements(36 * stride, noise)
    return KernelCase(name, byteCount: image.byteCount + 36 * lanes * 4) {
      var params = zoo_f32_winograd_params()
      params.kind = kind
      params.x = UnsafeRawPointer(image.constant)
      params.y = UnsafeMutableRawPointer(image.pointer)
      params.pixel_stride = lanes
      params.row_stride = size * lanes
      (params.end_row, params.end_column) = (end, end)
      params.spectrum = spectrum.pointer
      params.spectrum_stride = stride
      (params.lower, params.upper) = (-1, 1)
      function(lanes, &params)
    }
  }
}

/// The four steps of a convolution of bytes, on a block of 48 tiles.
func integerTransforms(_ kernel: Microkernel) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_i8_winograd_ukernel.self)
  let (tiles, depth, columns) = (48, 128, Int(ZOO_WINOGRAD_COLUMNS))
  let image = Elements(6 * 6 * depth, byteNoise)
  let w = Elements(9 * depth * columns, byteNoise)
  let inputs = Elements(36 * (tiles * depth + 16)) { Int16(byteNoise($0)) }
  let weights = Elements(36 * (depth * columns + 16)) { Int16(byteNoise($0)) }
  let sums = Elements(36 * (tiles * columns + 16)) { Int32($0) }
  let bias = Elements(columns) { Int32($0) }
  let multipliers = Elements(columns) { _ in Float(0.001) }
  let y = Elements(16 * columns) { _ in Int8(0) }
  func one(
    _ name: String, _ step: zoo_i8_winograd_step, _ count: Int, operations: Int = 0,
    byteCount: Int
  ) -> KernelCase {
    KernelCase(name, operations: Double(operations), .int8, byteCount: byteCount) {
      var params = zoo_i8_winograd_params()
      params.step = step
      params.x = image.constant
      (params.pixel_stride, params.row_stride) = (depth, 6 * depth)
      (params.end_row, params.end_column) = step == ZOO_I8_WINOGRAD_INPUT ? (6, 6) : (4, 4)
      params.w = w.constant
      params.tap_stride = depth * columns
      (params.inputs, params.weights) = (inputs.pointer, weights.pointer)
      (params.input_stride, params.weight_stride) = (tiles * depth + 16, depth * columns + 16)
      (params.channels, params.depth, params.columns) = (depth, depth, columns)
      params.sums = sums.pointer
      params.sum_stride = tiles * columns + 16
      (params.is_first, params.is_last) = (true, true)
      (params.bias, params.multipliers) = (bias.constant, multipliers.constant)
      params.y = y.pointer
      (params.y_pixel_stride, params.y_row_stride) = (columns, 4 * columns)
      (params.lower, params.upper) = (-128, 127)
      function(count, &params)
    }
  }
  return [
    one("6x6 pixels, 128 channels", ZOO_I8_WINOGRAD_INPUT, depth, byteCount: 36 * depth * 3),
    one("3x3 weights, 128 x 16", ZOO_I8_WINOGRAD_WEIGHTS, depth, byteCount: depth * 16 * 81),
    one(
      "36 products, 48 x 128 x 32", ZOO_I8_WINOGRAD_PRODUCT, tiles,
      operations: 72 * tiles * depth * columns, byteCount: inputs.byteCount + weights.byteCount),
    one("4x4 outputs, 32 channels", ZOO_I8_WINOGRAD_OUTPUT, columns, byteCount: columns * 160),
  ]
}
