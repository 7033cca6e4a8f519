// Depthwise convolution of bytes: some channels of an image after the others, with the padding around it.
#if arch(x86_64)
import CZoo
package import CZooKernels

extension IntegerDepthwiseConv2D {
  /// The kernel for images with their padding, where it is the faster one (Zen 5): 5 x 5 taps wherever it can, and 3 x 3 taps where
  /// windows that leave the image are a large part of all.
  package func planes(width: Int, channels: Int, _ kernels: zoo_kernels) -> zoo_i8_dwplane_ukernel?
  {
    let taps = window.kernelWidth
    guard !Element.isWide, window.kernelHeight == taps, window.dilationHeight == 1,
      window.dilationWidth == 1,
      window.strideHeight == window.strideWidth
    else { return nil }
    let isFaster =
      switch taps {
      case 3: window.strideWidth == 1 && width <= 16 && channels >= 48
      case 5: window.strideWidth <= 2 && channels > 16
      default: false
      }
    return isFaster ? kernels.i8_dwplane : nil
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
