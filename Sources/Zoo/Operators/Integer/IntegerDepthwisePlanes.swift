// Depthwise convolution of bytes: some channels of an image after the others, with the padding around it.
#if arch(x86_64)
package import CZoo
import CZooKernels

extension IntegerDepthwiseConv2D {
  /// Whether the kernel for images with their padding is the faster one, where there is one (Zen 5): for 5 x 5 taps wherever it can, and for
  /// 3 x 3 taps where windows that leave the image are a large part of all (28x28x192: 13.0 to 12.2 us, 56x56x144: 45 to 49), or where
  /// several pixels fill a vector.
  package func goesByPlanes(_ x: zoo_tensor, _ y: zoo_tensor) -> Bool {
    let (taps, step, channels) = (window.kernelWidth, window.strideWidth, x.channels)
    guard !Element.isWide, window.kernelHeight == taps, window.strideHeight == step,
      window.dilationHeight == 1, window.dilationWidth == 1
    else { return false }
    if taps == 5 { return step <= 2 && channels > 16 }
    guard taps == 3, step <= 2 else { return false }
    if step == 1 && channels >= 48 { return y.width <= 28 }
    guard liesSideBySide(x, y) else { return false }
    return step == 1 ? x.width * channels <= 1024 : channels == 16 || x.width <= 16
  }

  private func liesSideBySide(_ x: zoo_tensor, _ y: zoo_tensor) -> Bool {
    var params = zoo_i8_dwplane_params()
    (params.taps, params.step) = (Int(window.kernelWidth), Int(window.strideWidth))
    (params.channels, params.left) = (x.channels, Int(window.padLeft))
    (params.width, params.pixels) = (x.width, y.width)
    (params.x_pixel_stride, params.y_stride) = (x.rowStride, y.rowStride)
    return zoo_planes_lie_side_by_side(&params)
  }
}

/// Bands of lines of images, of each some channels after the others. Elements are bytes.
struct IntegerPlaneWork<Element: IntegerElement>: ParallelWork {
  let work: IntegerDepthwiseWork<Element>
  let kernel: zoo_i8_dwplane_ukernel
  let pieces: Int
  private let groups: Int
  private let bands: Int

  init(work: IntegerDepthwiseWork<Element>, kernel: zoo_i8_dwplane_ukernel) {
    (self.work, self.kernel) = (work, kernel)
    let (images, lines) = (work.y.extent[0], work.y.height)
    groups = (work.x.channels + IntegerPlaneWork.channels - 1) / IntegerPlaneWork.channels
    let wanted = work.runtime.pieces(
      for: work.y.extent.elementCount * work.taps, worth: 1 << 17, most: images * groups * lines)
    // Lines in pairs, and only where there are too few channels to share.
    bands = max(1, min((lines + 1) / 2, wanted / (images * groups)))
    pieces = min(wanted, images * groups * bands)
  }

  private static var channels: Int { Int(ZOO_INTEGER_PLANE_CHANNELS) }

  func start() { forEach(pieces, work.runtime) { IntegerPlaneWork<Int8>.body($0).run($1) } }

  func run(_ index: Int) {
    let (x, y) = (work.x, work.y)
    var params = zoo_i8_dwplane_params()
    params.taps = work.horizontal.kernel
    params.step = work.horizontal.stride
    (params.height, params.width) = (x.height, x.width)
    (params.top, params.left) = (work.vertical.padBefore, work.horizontal.padBefore)
    params.pixels = y.width
    (params.x_line_stride, params.x_pixel_stride) = (x.width * x.rowStride, x.rowStride)
    (params.y_line_stride, params.y_stride) = (y.width * y.rowStride, y.rowStride)
    (params.x_zero_point, params.y_zero_point) = (x.zeroPoint, work.requantization.zeroPoint)
    (params.lower, params.upper) = (work.requantization.lower, work.requantization.upper)
    params.w_stride = x.channels
    for call in piece(index, of: pieces, y.extent[0] * bands * groups) {
      let image = call / groups / bands
      let pairs = piece(call / groups % bands, of: bands, (y.height + 1) / 2)
      let channel = call % groups * IntegerPlaneWork.channels
      params.first = 2 * pairs.lowerBound
      params.lines = min(2 * pairs.count, y.height - params.first)
      params.channels = min(IntegerPlaneWork.channels, x.channels - channel)
      params.w = work.w + channel
      params.bias = work.bias + channel
      params.multipliers = work.multipliers + channel
      params.x = UnsafePointer(x.bytes + image * x.height * params.x_line_stride + channel)
      params.y =
        y.bytes + (image * y.height + params.first) * params.y_line_stride + channel
      kernel(&params)
    }
  }
}
#endif
