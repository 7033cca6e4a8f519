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
