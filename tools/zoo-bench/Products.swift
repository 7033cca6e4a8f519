// Matrix products: convolutions and dense layers as the runtime gives them to the kernels, tile by tile.
import CZooKernels
import ZooMeasure

/// A convolution without padding over a square image, or a dense layer (side and kernel 1).
private struct ProductShape {
  let name: String
  let side: Int
  let channels: Int
  let kernel: Int
  let columns: Int

  var rows: Int { side * side }
  var depth: Int { kernel * kernel * channels }
  var macs: Double { Double(rows) * Double(depth) * Double(columns) }
  /// Side of the image that the windows slide over.
  var imageSide: Int { side + kernel - 1 }

  static let all = [
    ProductShape(name: "3x3 conv 14x14, 64 to 64", side: 14, channels: 64, kernel: 3, columns: 64),
    ProductShape(
      name: "1x1 conv 14x14, 256 to 256", side: 14, channels: 256, kernel: 1, columns: 256),
    ProductShape(name: "1x1 conv 28x28, 96 to 24", side: 28, channels: 96, kernel: 1, columns: 24),
    ProductShape(name: "dense 512 to 1000", side: 1, channels: 512, kernel: 1, columns: 1000),
  ]

  /// Pointers to the taps of all rows, in tiles of `tile` rows: [tile][tap][row of the tile].
  func pointers<Element>(_ image: Elements<Element>, tile: Int) -> Elements<UnsafePointer<Element>?>
  {
    var table: [UnsafePointer<Element>?] = []
    for first in stride(from: 0, to: rows, by: tile) {
      for tap in 0..<kernel * kernel {
        for row in first..<min(rows, first + tile) {
          let y = row / side + tap / kernel
          let x = row % side + tap % kernel
          table.append(image.constant + (y * imageSide + x) * channels)
        }
      }
    }
    return Elements(table.count) { table[$0] }
  }
}

/// Products of floats with weights of floats, of half precision (as bits) or of bytes with scales.
func products<Weight: FixedWidthInteger>(_ kernel: Microkernel, weights: Weight.Type)
  -> [KernelCase]
{
  // 1.0 in half precision, or a byte.
  let one: Weight = Weight.isSigned ? 1 : 0x3c00
  return products(kernel) { _ in one }
}

func products(_ kernel: Microkernel, weights: Float.Type) -> [KernelCase] {
  products(kernel) { noise($0) }
}

/// Products of inputs that were rounded to bf16, which have one tap; against the peak of floats, of which they reach
/// twice as much with dot products, and many times as much with a matrix unit.
func roundedProducts(_ kernel: Microkernel) -> [KernelCase] {
  products(kernel, ProductShape.all.filter { $0.kernel == 1 }) { _ in UInt16(0x3f80) }
}

/// The first layer of LeNet-5.
func lines(_ kernel: Microkernel) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_f32_lines_ukernel.self)
  let (side, window, outputs) = (28, 5, 6)
  let width = side + window - 1
  let image = Elements(width * width, noise)
  let w = Elements(window * window * outputs, noise)
  let output = Elements(side * side * outputs) { _ in Float(0) }
  return [
    KernelCase(
      "5x5 conv 28x28, 1 to 6",
      operations: Double(2 * side * side * window * window * outputs),
      byteCount: image.byteCount + w.byteCount + output.byteCount
    ) {
      var params = zoo_f32_lines_params()
      (params.kh, params.kw, params.outputs) = (window, window, outputs)
      params.x_stride = width
      params.w = w.constant
      params.y_stride = outputs
      (params.lower, params.upper) = (-.infinity, .infinity)
      for line in 0..<side {
        params.x = image.constant + line * width
        params.y = output.pointer + line * side * outputs
        function(side, &params)
      }
    }
  ]
}

/// Rounding of the rows of a 1x1 convolution to bf16.
func packing(_ kernel: Microkernel) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_bf16_pack_ukernel.self)
  return [96, 256].map { channels in
    let image = Elements(8 * channels, noise)
    let rounded = Elements(8 * channels) { _ in UInt16(0) }
    let rows = Elements<UnsafePointer<Float>?>(8) { image.constant + $0 * channels }
    return KernelCase(
      "8 rows of \(channels)", byteCount: image.byteCount + rounded.byteCount
    ) {
      var params = zoo_bf16_pack_params()
      params.kc = channels
      params.tap_count = 1
      params.a = UnsafePointer(rows.pointer)
      params.a_tap_stride = 8
      params.y = rounded.pointer
      params.y_stride = channels
      function(8, &params)
      withExtendedLifetime(image) {}
    }
  }
}

private func products<Weight>(
  _ kernel: Microkernel, _ shapes: [ProductShape] = ProductShape.all,
  _ weight: (_ index: Int) -> Weight
) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_f32_igemm_ukernel.self)
  return shapes.map { shape in
    let image = Elements(shape.imageSide * shape.imageSide * shape.channels, noise)
    let w = Elements(shape.depth * shape.columns, weight)
    let scales = Elements(shape.columns) { _ in Float(0.01) }
    let bias = Elements(shape.columns, noise)
    let output = Elements(shape.rows * shape.columns) { _ in Float(0) }
    let taps = shape.kernel * shape.kernel
    let table = shape.pointers(image, tile: kernel.rows)
    let workspace = Elements(kernel.workspaceByteCount) { _ in UInt8(0) }
    return KernelCase(
      shape.name, operations: 2 * shape.macs,
      byteCount: image.byteCount + w.byteCount + output.byteCount
    ) {
      var params = zoo_f32_igemm_params()
      params.kc = shape.channels
      params.tap_count = taps
      params.w = UnsafeRawPointer(w.pointer)
      params.w_scales = scales.constant
      params.bias = bias.constant
      params.c_stride = shape.columns
      params.lower = 0
      params.upper = .infinity
      params.workspace = workspace.count > 0 ? UnsafeMutableRawPointer(workspace.pointer) : nil
      for row in stride(from: 0, to: shape.rows, by: kernel.rows) {
        let count = min(kernel.rows, shape.rows - row)
        params.a = UnsafePointer(table.pointer + row * taps)
        params.a_tap_stride = count
        params.c = output.pointer + row * shape.columns
        function(count, shape.columns, &params)
      }
      withExtendedLifetime(image) {}  // only the table points there
    }
  }
}

/// Products of integers with bytes.
func integerProducts<Element: FixedWidthInteger & SignedInteger>(
  _ kernel: Microkernel, _ type: Element.Type
) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_integer_igemm_ukernel.self)
  return ProductShape.all.map { shape in
    let image = Elements(shape.imageSide * shape.imageSide * shape.channels, integerNoise(type))
    let w = Elements(shape.depth * shape.columns, byteNoise)
    let bias = Elements(shape.columns) { Int32($0) }
    let multipliers = Elements(shape.columns) { _ in Float(0.001) }
    let output = Elements(shape.rows * shape.columns) { _ in Element(0) }
    let taps = shape.kernel * shape.kernel
    let table = shape.pointers(image, tile: kernel.rows)
    let workspace = Elements(kernel.workspaceByteCount) { _ in UInt8(0) }
    return KernelCase(
      shape.name, operations: 2 * shape.macs, .int8,
      byteCount: image.byteCount + w.byteCount + output.byteCount
    ) {
      var params = zoo_integer_igemm_params()
      params.kc = shape.channels
      params.tap_count = taps
      params.w = w.constant
      params.bias = (bias.constant, bias.constant)
      params.multipliers = multipliers.constant
      params.c_stride = shape.columns
      params.lower = -128
      params.upper = 127
      params.workspace = workspace.count > 0 ? UnsafeMutableRawPointer(workspace.pointer) : nil
      for row in stride(from: 0, to: shape.rows, by: kernel.rows) {
        let count = min(kernel.rows, shape.rows - row)
        params.a = UnsafeRawPointer(table.pointer + row * taps)
          .assumingMemoryBound(to: UnsafeRawPointer?.self)
        params.a_tap_stride = count
        params.c = UnsafeMutableRawPointer(output.pointer + row * shape.columns)
        function(count, shape.columns, &params)
      }
      withExtendedLifetime(image) {}  // only the table points there
    }
  }
}

/// Layers of few columns, as blocks of their images that are copied with the padding.
func integerLines(_ kernel: Microkernel) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_i8_lines_ukernel.self)
  let shapes = [
    ProductShape(name: "3x3 conv 32x32, 16 to 16", side: 32, channels: 16, kernel: 3, columns: 16),
    ProductShape(name: "3x3 conv 16x16, 32 to 32", side: 16, channels: 32, kernel: 3, columns: 32),
    ProductShape(name: "1x1 conv 48x48, 8 to 16", side: 48, channels: 8, kernel: 1, columns: 16),
  ]
  return shapes.map { shape in
    let line = shape.imageSide * shape.channels
    let image = Elements(shape.imageSide * line, byteNoise)
    let w = Elements(shape.depth * shape.columns, byteNoise)
    let bias = Elements(shape.columns) { Int32($0) }
    let multipliers = Elements(shape.columns) { _ in Float(0.001) }
    let output = Elements(shape.rows * shape.columns) { _ in Int8(0) }
    return KernelCase(
      shape.name, operations: 2 * shape.macs, .int8,
      byteCount: image.byteCount + w.byteCount + output.byteCount
    ) {
      var params = zoo_i8_lines_params()
      params.product.kc = shape.kernel * shape.channels
      params.product.tap_count = shape.kernel
      params.product.w = w.constant
      params.product.bias = (bias.constant, bias.constant)
      params.product.multipliers = multipliers.constant
      params.product.c = UnsafeMutableRawPointer(output.pointer)
      params.product.c_stride = shape.columns
      params.product.lower = -128
      params.product.upper = 127
      params.x = image.constant
      params.pixels = shape.side
      (params.pixel_step, params.line_step, params.tap_step) = (shape.channels, line, line)
      function(shape.side, shape.columns, &params)
    }
  }
}
