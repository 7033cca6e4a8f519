// Windows sliding over channels that do not mix: depthwise convolution and pooling.
import CZooKernels
import ZooMeasure

/// A window over a square output without padding: a depthwise layer is one call, as the runtime makes it, a pool one for each row.
private struct WindowShape {
  let name: String
  let side: Int
  let channels: Int
  let kernel: Int
  let stride: Int

  var inputSide: Int { (side - 1) * stride + kernel }
  var inputCount: Int { inputSide * inputSide * channels }
  var outputCount: Int { side * side * channels }
  var macs: Double { Double(outputCount) * Double(kernel * kernel) }
  /// Elements between the windows of neighbouring rows of the output.
  var rowStep: Int { stride * inputSide * channels }

  static let depthwise = [
    WindowShape(name: "3x3 of 56x56x32", side: 56, channels: 32, kernel: 3, stride: 1),
    WindowShape(name: "3x3/2 of 28x28x96", side: 28, channels: 96, kernel: 3, stride: 2),
    WindowShape(name: "3x3 of 14x14x384", side: 14, channels: 384, kernel: 3, stride: 1),
    WindowShape(name: "3x3 of 14x14x512", side: 14, channels: 512, kernel: 3, stride: 1),
    WindowShape(name: "5x5 of 14x14x120", side: 14, channels: 120, kernel: 5, stride: 1),
  ]
  static let pools = [
    WindowShape(name: "2x2/2 of 28x28x64", side: 28, channels: 64, kernel: 2, stride: 2),
    WindowShape(name: "3x3/2 of 28x28x64", side: 28, channels: 64, kernel: 3, stride: 2),
    WindowShape(name: "7x7 of 1x1x512", side: 1, channels: 512, kernel: 7, stride: 1),
  ]
}

/// Images of floats, or of bf16.
func depthwise<Element: BitwiseCopyable>(
  _ kernel: Microkernel, _ type: Element.Type
) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_f32_dwconv_ukernel.self)
  return WindowShape.depthwise.map { shape in
    let x = Elements(shape.inputCount, pixelNoise(type))
    let w = Elements(shape.kernel * shape.kernel * shape.channels, noise)
    let bias = Elements(shape.channels, noise)
    let y = Elements(shape.outputCount, pixelNoise(type))
    return KernelCase(
      shape.name, operations: 2 * shape.macs, byteCount: x.byteCount + w.byteCount + y.byteCount
    ) {
      var params = zoo_f32_dwconv_params()
      params.channels = shape.channels
      params.kh = shape.kernel
      params.kw = shape.kernel
      params.lines = shape.side
      params.x = x.constant as? UnsafePointer<Float>
      params.rounded_x = x.constant as? UnsafePointer<UInt16>
      params.x_line_stride = shape.rowStep
      params.x_pixel_stride = shape.stride * shape.channels
      params.x_row_stride = shape.inputSide * shape.channels
      params.x_col_stride = shape.channels
      params.w = w.constant
      params.w_row_stride = shape.kernel * shape.channels
      params.w_col_stride = shape.channels
      params.bias = bias.constant
      params.y = y.pointer as? UnsafeMutablePointer<Float>
      params.rounded_y = y.pointer as? UnsafeMutablePointer<UInt16>
      params.y_line_stride = shape.side * shape.channels
      params.y_stride = shape.channels
      params.lower = 0
      params.upper = 6
      function(shape.side, &params)
    }
  }
}

/// Whole images with their padding, plane by plane, as the runtime makes them.
func planes<Element: BitwiseCopyable>(
  _ kernel: Microkernel, _ type: Element.Type
) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_f32_dwplane_ukernel.self)
  return [(5, 14, 240), (5, 7, 576), (3, 14, 384), (3, 14, 512)].map { taps, side, channels in
    let x = Elements(side * side * channels, pixelNoise(type))
    let w = Elements(taps * taps * channels, noise)
    let bias = Elements(channels, noise)
    let y = Elements(side * side * channels, pixelNoise(type))
    return KernelCase(
      "\(taps)x\(taps) of \(side)x\(side)x\(channels)",
      operations: Double(2 * taps * taps * side * side * channels),
      byteCount: x.byteCount + w.byteCount + y.byteCount
    ) {
      var params = zoo_f32_dwplane_params()
      // 14 lines of 32 channels fit a call.
      params.taps = taps
      (params.height, params.width, params.lines, params.pixels) = (side, side, side, side)
      (params.top, params.left) = (taps / 2, taps / 2)
      (params.x_line_stride, params.x_pixel_stride) = (side * channels, channels)
      (params.y_line_stride, params.y_stride) = (side * channels, channels)
      params.w_stride = channels
      (params.lower, params.upper) = (-.infinity, .infinity)
      params.hard_swish = taps == 5 ? 1 : 0
      for first in stride(from: 0, to: channels, by: 32) {
        params.channels = min(32, channels - first)
        params.x = (x.constant as? UnsafePointer<Float>).map { $0 + first }
        params.rounded_x = (x.constant as? UnsafePointer<UInt16>).map { $0 + first }
        params.w = w.constant + first
        params.bias = bias.constant + first
        params.y = (y.pointer as? UnsafeMutablePointer<Float>).map { $0 + first }
        params.rounded_y = (y.pointer as? UnsafeMutablePointer<UInt16>).map { $0 + first }
        function(&params)
      }
    }
  }
}

func integerDepthwise<Element: FixedWidthInteger & SignedInteger>(
  _ kernel: Microkernel, _ type: Element.Type
) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_integer_dwconv_ukernel.self)
  return WindowShape.depthwise.map { shape in
    let x = Elements(shape.inputCount, integerNoise(type))
    let w = Elements(shape.kernel * shape.kernel * shape.channels, byteNoise)
    let bias = Elements(2 * shape.channels) { Int32($0) }
    let multipliers = Elements(shape.channels) { _ in Float(0.001) }
    let y = Elements(shape.outputCount) { _ in Element(0) }
    return KernelCase(
      shape.name, operations: 2 * shape.macs, .int8,
      byteCount: x.byteCount + w.byteCount + y.byteCount
    ) {
      var params = zoo_integer_dwconv_params()
      params.channels = shape.channels
      params.kh = shape.kernel
      params.kw = shape.kernel
      params.lines = shape.side
      params.x = UnsafeRawPointer(x.constant)
      params.x_line_stride = shape.rowStep
      params.x_pixel_stride = shape.stride * shape.channels
      params.x_row_stride = shape.inputSide * shape.channels
      params.x_col_stride = shape.channels
      params.x_zero_point = Element.bitWidth == 8 ? 3 : 0
      params.w = w.constant
      params.w_row_stride = shape.kernel * shape.channels
      params.w_col_stride = shape.channels
      params.bias = (bias.constant, bias.constant + shape.channels)
      params.multipliers = multipliers.constant
      params.y = UnsafeMutableRawPointer(y.pointer)
      params.y_line_stride = shape.side * shape.channels
      params.y_stride = shape.channels
      params.lower = -128
      params.upper = 127
      function(shape.side, &params)
    }
  }
}

/// Whole images of bytes with their padding, 64 channels at a time.
func integerPlanes(_ kernel: Microkernel) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_i8_dwplane_ukernel.self)
  let shapes = [(5, 1, 14, 240), (5, 2, 7, 288), (3, 1, 14, 512), (3, 1, 6, 128)]
  return shapes.map { taps, step, side, channels in
    let inputSide = side * step
    let x = Elements(inputSide * inputSide * channels, byteNoise)
    let w = Elements(taps * taps * channels, byteNoise)
    let bias = Elements(channels) { Int32($0) }
    let multipliers = Elements(channels) { _ in Float(0.001) }
    let y = Elements(side * side * channels) { _ in Int8(0) }
    return KernelCase(
      "\(taps)x\(taps)\(step == 1 ? "" : "/2") to \(side)x\(side)x\(channels)",
      operations: Double(2 * taps * taps * y.count), .int8,
      byteCount: x.byteCount + w.byteCount + y.byteCount
    ) {
      var params = zoo_i8_dwplane_params()
      (params.taps, params.step) = (taps, step)
      (params.height, params.width) = (inputSide, inputSide)
      (params.lines, params.pixels) = (side, side)
      (params.top, params.left) = (taps / 2, taps / 2)
      (params.x_line_stride, params.x_pixel_stride) = (inputSide * channels, channels)
      (params.y_line_stride, params.y_stride) = (side * channels, channels)
      (params.x_zero_point, params.w_stride) = (3, channels)
      (params.lower, params.upper) = (-128, 127)
      let most = Int(ZOO_INTEGER_PLANE_CHANNELS)
      for first in stride(from: 0, to: channels, by: most) {
        params.channels = min(most, channels - first)
        (params.x, params.w) = (x.constant + first, w.constant + first)
        (params.bias, params.multipliers) = (bias.constant + first, multipliers.constant + first)
        params.y = y.pointer + first
        function(&params)
      }
    }
  }
}

/// Maxima, and means over the largest window.
private func kind(_ shape: WindowShape) -> zoo_f32_pool_kind {
  shape.side == 1 ? ZOO_POOL_SUM : ZOO_POOL_MAX
}

private func title(_ shape: WindowShape) -> String {
  (shape.side == 1 ? "mean " : "max ") + shape.name
}

func pools<Element: BitwiseCopyable>(_ kernel: Microkernel, _ type: Element.Type) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_f32_pool_ukernel.self)
  return WindowShape.pools.map { shape in
    let x = Elements(shape.inputCount, pixelNoise(type))
    let y = Elements(shape.outputCount, pixelNoise(type))
    return KernelCase(title(shape), byteCount: x.byteCount + y.byteCount) {
      var params = zoo_f32_pool_params()
      params.kind = kind(shape)
      params.channels = shape.channels
      params.kh = shape.kernel
      params.kw = shape.kernel
      params.lines = shape.side
      params.x_line_stride = shape.rowStep
      params.x_pixel_stride = shape.stride * shape.channels
      params.x_row_stride = shape.inputSide * shape.channels
      params.x_col_stride = shape.channels
      params.y_line_stride = shape.side * shape.channels
      params.y_stride = shape.channels
      params.scale = 1
      params.lower = -.infinity
      params.upper = .infinity
      params.x = x.constant as? UnsafePointer<Float>
      params.y = y.pointer as? UnsafeMutablePointer<Float>
      params.rounded_x = x.constant as? UnsafePointer<UInt16>
      params.rounded_y = y.pointer as? UnsafeMutablePointer<UInt16>
      function(shape.side, &params)
    }
  }
}

func integerPools<Element: FixedWidthInteger & SignedInteger>(
  _ kernel: Microkernel, _ type: Element.Type
) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_integer_pool_ukernel.self)
  return WindowShape.pools.map { shape in
    let x = Elements(shape.inputCount, integerNoise(type))
    let y = Elements(shape.outputCount) { _ in Element(0) }
    return KernelCase(title(shape), byteCount: x.byteCount + y.byteCount) {
      var params = zoo_integer_pool_params()
      params.kind = kind(shape)
      params.channels = shape.channels
      params.kh = shape.kernel
      params.kw = shape.kernel
      params.x_pixel_stride = shape.stride * shape.channels
      params.x_row_stride = shape.inputSide * shape.channels
      params.x_col_stride = shape.channels
      params.multiplier = 1
      params.y_stride = shape.channels
      params.lower = -128
      params.upper = 127
      for row in 0..<shape.side {
        params.x = UnsafeRawPointer(x.constant + row * shape.rowStep)
        params.y = UnsafeMutableRawPointer(y.pointer + row * shape.side * shape.channels)
        function(shape.side, &params)
      }
    }
  }
}
