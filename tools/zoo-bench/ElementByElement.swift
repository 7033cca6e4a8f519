// Functions of single elements: how fast they stream.
import CZooKernels
import ZooMeasure

/// A layer that stays in a first cache, and one that does not.
private let counts = [2048, 100_352]

func binaries(_ kernel: Microkernel) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_f32_binary_ukernel.self)
  let forms = [
    ("add", ZOO_BINARY_ADD, counts[0], 1), ("add", ZOO_BINARY_ADD, counts[1], 1),
    ("multiply by one", ZOO_BINARY_MUL, counts[1], 0),
  ]
  return forms.map { name, kind, count, step in
    let a = Elements(count, noise)
    let b = Elements(step == 0 ? 1 : count, noise)
    let y = Elements(count) { _ in Float(0) }
    return KernelCase(
      "\(name), \(count)", byteCount: a.byteCount + b.byteCount + y.byteCount
    ) {
      var params = zoo_f32_binary_params(
        kind: kind, a: a.constant, b: b.constant, a_step: 1, b_step: step, y: y.pointer, lower: 0,
        upper: .infinity, rows: 1, a_stride: 0, b_stride: 0, y_stride: 0, rounded_a: nil,
        rounded_y: nil)
      function(count, &params)
    }
  }
}

/// An image of bf16 whose channels are multiplied.
func roundedBinaries(_ kernel: Microkernel) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_f32_binary_ukernel.self)
  let (pixels, channels) = (196, 240)
  let a = Elements(pixels * channels, pixelNoise(UInt16.self))
  let b = Elements(channels, noise)
  let y = Elements(pixels * channels) { _ in UInt16(0) }
  return [
    KernelCase(
      "multiply channels, \(pixels)x\(channels)",
      byteCount: a.byteCount + b.byteCount + y.byteCount
    ) {
      var params = zoo_f32_binary_params()
      params.kind = ZOO_BINARY_MUL
      (params.rounded_a, params.b, params.rounded_y) = (a.constant, b.constant, y.pointer)
      (params.a_step, params.b_step, params.rows) = (1, 1, pixels)
      (params.a_stride, params.y_stride) = (channels, channels)
      (params.lower, params.upper) = (-.infinity, .infinity)
      function(channels, &params)
    }
  ]
}

func integerBinaries<Element: FixedWidthInteger & SignedInteger>(
  _ kernel: Microkernel, _ type: Element.Type
) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_integer_binary_ukernel.self)
  let forms = [
    ("add", ZOO_BINARY_ADD, counts[0], 1), ("add", ZOO_BINARY_ADD, counts[1], 1),
    ("multiply by one", ZOO_BINARY_MUL, counts[1], 0),
  ]
  return forms.map { name, kind, count, step in
    let a = Elements(count, integerNoise(type))
    let b = Elements(step == 0 ? 1 : count, integerNoise(type))
    let y = Elements(count) { _ in Element(0) }
    return KernelCase(
      "\(name), \(count)", byteCount: a.byteCount + b.byteCount + y.byteCount
    ) {
      var params = zoo_integer_binary_params(
        kind: kind, a: a.constant, b: b.constant, a_step: 1, b_step: step, a_zero_point: 3,
        b_zero_point: -5, a_multiplier: 0.5, b_multiplier: 0.25, y: y.pointer, y_zero_point: 1,
        lower: -128, upper: 127, rows: 1, a_stride: 0, b_stride: 0, y_stride: 0)
      function(count, &params)
    }
  }
}

func unaries(_ kernel: Microkernel) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_f32_unary_ukernel.self)
  let forms = [
    ("clamp", ZOO_UNARY_CLAMP), ("leaky ReLU", ZOO_UNARY_LEAKY_RELU),
    ("sigmoid", ZOO_UNARY_SIGMOID), ("tanh", ZOO_UNARY_TANH),
    ("hard-swish", ZOO_UNARY_HARD_SWISH), ("exp", ZOO_UNARY_EXP), ("ELU", ZOO_UNARY_ELU),
    ("SiLU", ZOO_UNARY_SILU),
  ]
  return forms.map { name, kind in
    let x = Elements(counts[0]) { 8 * noise($0) }
    let y = Elements(counts[0]) { _ in Float(0) }
    return KernelCase("\(name), \(counts[0])", byteCount: x.byteCount + y.byteCount) {
      var params = zoo_f32_unary_params(
        kind: kind, x: x.constant, y: y.pointer, alpha: 0.1, beta: 6)
      function(counts[0], &params)
    }
  }
}

func quantizations<Element: FixedWidthInteger & SignedInteger>(
  _ kernel: Microkernel, _ type: Element.Type
) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_integer_quantize_ukernel.self)
  return counts.map { count in
    let x = Elements(count) { 8 * noise($0) }
    let y = Elements(count) { _ in Element(0) }
    return KernelCase("quantise, \(count)", byteCount: x.byteCount + y.byteCount) {
      var params = zoo_integer_quantize_params(
        x: x.constant, y: y.pointer, scale: 0.04, zero_point: 2, lower: -128, upper: 127)
      function(count, &params)
    }
  }
}

func lookups(_ kernel: Microkernel) -> [KernelCase] {
  let function = unsafeBitCast(kernel.function, to: zoo_i8_lookup_ukernel.self)
  let table = Elements(256) { Int8(truncatingIfNeeded: 7 * $0) }
  return counts.map { count in
    let x = Elements(count, byteNoise)
    let y = Elements(count) { _ in Int8(0) }
    return KernelCase("look up, \(count)", byteCount: x.byteCount + y.byteCount) {
      function(count, table.constant, x.constant, y.pointer)
    }
  }
}
