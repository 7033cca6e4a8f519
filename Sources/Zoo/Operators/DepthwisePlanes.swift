// Depthwise convolution of small images, stride 1: some channels after the other, with the padding around them.
import CZoo
package import CZooKernels

extension DepthwiseConv2D {
  /// Whether `kernels` compute images of `height` and `width` with their padding.
  ///
  /// 5 x 5 taps wherever they can. 3 x 3 taps gain where lines of the cache from one pixel to the next have the same place in it (14x14x384: 18
  /// to 16 us, 14x14x512: 24 to 20, 7x7x1024: 24 to 16), elsewhere nothing (Zen 5); and nothing with AVX2 (Zen 3), where copies take longer.
  ///
  /// - Parameter pitch: bytes from one pixel to the next.
  package func goesByPlanes(
    height: Int, width: Int, channels: Int, pitch: Int, isRounded: Bool, _ kernels: zoo_kernels
  ) -> Bool {
    let (vertical, horizontal) = (window.vertical(height), window.horizontal(width))
    let taps = vertical.kernel
    let pixels = horizontal.padBefore + width + horizontal.padAfter - horizontal.reach + 1
    guard kernels.f32_dwplane != nil, channels % 8 == 0,
      taps == 3 || taps == 5, horizontal.kernel == taps, hasUnitSteps(vertical),
      hasUnitSteps(horizontal), horizontal.padBefore < taps, pixels >= Int(ZOO_PLANE_LEAST),
      PlaneShape.linesAtOnce(vectors: 1, taps: taps, pixels: pixels) >= 2 * taps
    else { return false }
    if taps == 5 { return !activation.needsPass || activation.kind == .hardSwish }
    return kernels.isa >= UInt32(ZOO_KERNELS_AVX512) && !activation.needsPass
      && pitch % (isRounded ? 1024 : 512) == 0
  }

  private func hasUnitSteps(_ axis: WindowAxis) -> Bool { axis.stride == 1 && axis.dilation == 1 }
}

/// How much of an image a call of the kernel has.
private struct PlaneShape {
  let channels: Int
  let lines: Int

  /// A vector of the kernel.
  private static let lanes = 16

  /// Whole images without copying a line twice, of as many channels as then fit. Where pixels lie a multiple of 1 KB apart, as many
  /// channels as possible: written 16 at a time, one pixel after the other evicts its neighbours from the cache (14x14x512: 28 us for 16
  /// channels at a time, 15 for 64).
  init(taps: Int, lines: Int, pixels: Int, pitch: Int) {
    let enough = pitch % 1024 == 0 ? 2 : min(lines, 14)
    let vectors =
      PlaneShape.fits(4, taps, pixels, enough)
      ? 4 : PlaneShape.fits(2, taps, pixels, enough) ? 2 : 1
    channels = vectors * PlaneShape.lanes
    self.lines = PlaneShape.linesAtOnce(vectors: vectors, taps: taps, pixels: pixels)
  }

  private static func fits(_ vectors: Int, _ taps: Int, _ pixels: Int, _ lines: Int) -> Bool {
    linesAtOnce(vectors: vectors, taps: taps, pixels: pixels) >= lines
  }

  /// Lines of output that a copy is large enough for.
  static func linesAtOnce(vectors: Int, taps: Int, pixels: Int) -> Int {
    let lineByteCount = vectors * lanes * MemoryLayout<Float>.stride * (pixels + taps - 1)
    return Int(ZOO_PLANE_COPY) / lineByteCount - (taps - 1)
  }
}

#if arch(x86_64)
extension DepthwiseConv2D {
  /// Whether images like `x` are computed so.
  func goesByPlanes(_ x: zoo_tensor, isRounded: Bool, _ kernels: zoo_kernels) -> Bool {
    goesByPlanes(
      height: x.height, width: x.width, channels: x.channels,
      pitch: bytesPerPixel(x, isRounded: isRounded), isRounded: isRounded, kernels)
  }
}

private func bytesPerPixel(_ x: zoo_tensor, isRounded: Bool) -> Int {
  x.rowStride * (isRounded ? MemoryLayout<UInt16>.stride : MemoryLayout<Float>.stride)
}

/// Bands of lines of images, of each some channels after the others.
struct PlaneWork: ParallelWork {
  let work: DepthwiseWork
  let kernel: zoo_f32_dwplane_ukernel
  private let shape: PlaneShape
  private let bands: Int
  private let groups: Int

  init(work: DepthwiseWork, kernel: zoo_f32_dwplane_ukernel) {
    (self.work, self.kernel) = (work, kernel)
    shape = PlaneShape(
      taps: work.vertical.kernel, lines: work.y.height, pixels: work.y.width,
      pitch: bytesPerPixel(work.x, isRounded: work.x.rounded != nil))
    bands = (work.y.height + shape.lines - 1) / shape.lines
    groups = (work.x.channels + shape.channels - 1) / shape.channels
  }

  private var calls: Int { work.y.extent[0] * bands * groups }
  private var pieces: Int {
    work.runtime.pieces(for: work.y.extent.elementCount * work.taps, worth: 1 << 16, most: calls)
  }

  func start() { forEach(pieces, work.runtime) { PlaneWork.body($0).run($1) } }

  func run(_ index: Int) {
    let (x, y) = (work.x, work.y)
    var params = zoo_f32_dwplane_params()
    params.taps = work.vertical.kernel
    (params.height, params.width) = (x.height, x.width)
    (params.top, params.left) = (work.vertical.padBefore, work.horizontal.padBefore)
    params.pixels = y.width
    (params.x_line_stride, params.x_pixel_stride) = (x.width * x.rowStride, x.rowStride)
    (params.y_line_stride, params.y_stride) = (y.width * y.rowStride, y.rowStride)
    params.w_stride = x.channels
    (params.lower, params.upper) = (work.activation.lower, work.activation.upper)
    params.hard_swish = work.activation.kind == .hardSwish ? 1 : 0
    for call in piece(index, of: pieces, calls) {
      let image = call / groups / bands
      let lines = piece(call / groups % bands, of: bands, y.height)
      let channel = call % groups * shape.channels
      let input = image * x.height * params.x_line_stride + channel
      let output = (image * y.height + lines.lowerBound) * params.y_line_stride + channel
      (params.first, params.lines) = (lines.lowerBound, lines.count)
      params.channels = min(shape.channels, x.channels - channel)
      params.w = work.w + channel
      params.bias = work.bias.map { $0 + channel }
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
