// Depthwise convolution of 5 x 5 taps: plane by plane, with the padding around them.
import CZoo
package import CZooKernels

extension DepthwiseConv2D {
  /// Whether `kernels` compute whole planes of an image of `height` and `width`.
  package func goesByPlanes(height: Int, width: Int, _ kernels: zoo_kernels) -> Bool {
    let (vertical, horizontal) = (window.vertical(height), window.horizontal(width))
    let pixels = horizontal.padBefore + width + horizontal.padAfter - horizontal.reach + 1
    return isLarge(vertical) && isLarge(horizontal) && kernels.f32_dwplane != nil
      && horizontal.padBefore < horizontal.kernel
      && pixels >= Int(ZOO_PLANE_LEAST) && pixels <= Int(ZOO_PLANE_MOST)
      && (!activation.needsPass || activation.kind == .hardSwish)
  }

  private func isLarge(_ axis: WindowAxis) -> Bool {
    axis.kernel == 5 && axis.stride == 1 && axis.dilation == 1
  }
}

#if arch(x86_64)
/// Planes of images: of each, `channelsAtOnce` channels after the other.
struct PlaneWork: ParallelWork {
  let work: DepthwiseWork
  let kernel: zoo_f32_dwplane_ukernel

  /// A vector of the kernel.
  private static let channelsAtOnce = 16

  private var planesOfImage: Int {
    (work.x.channels + PlaneWork.channelsAtOnce - 1) / PlaneWork.channelsAtOnce
  }
  private var planes: Int { work.y.extent[0] * planesOfImage }
  private var pieces: Int {
    work.runtime.pieces(for: work.y.extent.elementCount * work.taps, worth: 1 << 16, most: planes)
  }

  func start() { forEach(pieces, work.runtime) { PlaneWork.body($0).run($1) } }

  func run(_ index: Int) {
    let (x, y) = (work.x, work.y)
    var params = zoo_f32_dwplane_params()
    (params.height, params.width) = (x.height, x.width)
    (params.top, params.left) = (work.vertical.padBefore, work.horizontal.padBefore)
    (params.lines, params.pixels) = (y.height, y.width)
    (params.x_line_stride, params.x_pixel_stride) = (x.width * x.rowStride, x.rowStride)
    (params.y_line_stride, params.y_stride) = (y.width * y.rowStride, y.rowStride)
    params.w_stride = x.channels
    (params.lower, params.upper) = (work.activation.lower, work.activation.upper)
    params.hard_swish = work.activation.kind == .hardSwish ? 1 : 0
    for plane in piece(index, of: pieces, planes) {
      let first = plane % planesOfImage * PlaneWork.channelsAtOnce
      let input = plane / planesOfImage * x.height * params.x_line_stride + first
      let output = plane / planesOfImage * y.height * params.y_line_stride + first
      params.channels = min(PlaneWork.channelsAtOnce, x.channels - first)
      params.w = work.w + first
      params.bias = work.bias.map { $0 + first }
      if let rounded = x.rounded, let to = y.rounded {
        params.rounded_x = UnsafePointer(rounded + input)
        params.rounded_y = to + output
      } else {
        params.x = UnsafePointer(x.floats + input)
        params.y = y.floats + output
      }
      kernel(&params)
    }
  }
}
#endif
