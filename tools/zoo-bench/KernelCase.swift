// One thing for a kernel to do, and memory for it.
import CZooPlatform
import ZooMeasure

/// A kernel's function with prepared arguments, the size of a layer or of a good part of one.
struct KernelCase {
  /// "3x3 conv 28x28, 64 to 64".
  let name: String
  /// Of one call of `run`; a multiply-add is two, everything else counts as moving bytes.
  let operations: Double
  let arithmetic: Arithmetic
  /// Bytes of the inputs, weights and outputs of one call.
  let byteCount: Int
  let run: () -> Void

  init(
    _ name: String, operations: Double = 0, _ arithmetic: Arithmetic = .f32, byteCount: Int,
    run: @escaping () -> Void
  ) {
    self.name = name
    self.operations = operations
    self.arithmetic = arithmetic
    self.byteCount = byteCount
    self.run = run
  }
}

/// The cases of a family; none for a family that has none yet.
func cases(of kernel: Microkernel) -> [KernelCase] {
  switch kernel.family {
  case "f32_igemm": products(kernel, weights: Float.self)
  case "f16w_igemm", "bf16w_igemm": products(kernel, weights: UInt16.self)
  case "bf16_igemm": roundedProducts(kernel)
  case "bf16_pack": packing(kernel)
  case "i8w_igemm": products(kernel, weights: Int8.self)
  case "i8_igemm": integerProducts(kernel, Int8.self)
  case "i8_lines": integerLines(kernel)
  case "i8_winograd": integerTransforms(kernel)
  case "i16_igemm": integerProducts(kernel, Int16.self)
  case "f32_lines": lines(kernel)
  case "f32_winograd": transforms(kernel, Float.self)
  case "bf16_winograd": transforms(kernel, UInt16.self)
  case "f32_dwconv": depthwise(kernel, Float.self)
  case "bf16_dwconv": depthwise(kernel, UInt16.self)
  case "f32_dwplane": planes(kernel, Float.self)
  case "bf16_dwplane": planes(kernel, UInt16.self)
  case "i8_dwconv": integerDepthwise(kernel, Int8.self)
  case "i16_dwconv": integerDepthwise(kernel, Int16.self)
  case "i8_dwplane": integerPlanes(kernel)
  case "f32_pool": pools(kernel, Float.self)
  case "bf16_pool": pools(kernel, UInt16.self)
  case "i8_pool": integerPools(kernel, Int8.self)
  case "i16_pool": integerPools(kernel, Int16.self)
  case "f32_binary": binaries(kernel)
  case "bf16_binary": roundedBinaries(kernel)
  case "i8_binary": integerBinaries(kernel, Int8.self)
  case "i16_binary": integerBinaries(kernel, Int16.self)
  case "f32_unary": unaries(kernel)
  case "i8_quantize": quantizations(kernel, Int8.self)
  case "i16_quantize": quantizations(kernel, Int16.self)
  case "i8_lookup": lookups(kernel)
  default: []
  }
}

/// Elements in aligned memory, which live as long as this object.
final class Elements<Element> {
  let pointer: UnsafeMutablePointer<Element>
  let count: Int

  /// - Parameter value: the element at an index.
  init(_ count: Int, _ value: (_ index: Int) -> Element) {
    self.count = count
    guard let memory = zoo_platform_allocate(max(1, count * MemoryLayout<Element>.stride)) else {
      fatalError("no memory for \(count) elements")
    }
    pointer = memory.bindMemory(to: Element.self, capacity: count)
    for index in 0..<count { (pointer + index).initialize(to: value(index)) }
  }

  deinit { zoo_platform_free(pointer) }

  var constant: UnsafePointer<Element> { UnsafePointer(pointer) }
  var byteCount: Int { count * MemoryLayout<Element>.stride }
}

/// Numbers in -0.5 ..< 0.5 that look like chance.
func noise(_ index: Int) -> Float {
  let mixed = (UInt32(truncatingIfNeeded: index) &+ 1) &* 2_654_435_761
  return Float(mixed >> 8) * 0x1p-24 - 0.5
}

/// The same as elements of images, floats or bf16.
func pixelNoise<Element: BitwiseCopyable>(_ type: Element.Type) -> (Int) -> Element {
  { index in
    let bits = noise(index).bitPattern
    return type == Float.self
      ? unsafeBitCast(bits, to: type) : unsafeBitCast(UInt16(bits >> 16), to: type)
  }
}

/// Bytes in -127...127 that look like chance.
func byteNoise(_ index: Int) -> Int8 { Int8(noise(index) * 254) }

/// Integers of `type` that look like chance.
func integerNoise<Element: FixedWidthInteger & SignedInteger>(
  _ type: Element.Type
) -> (Int) -> Element {
  { Element(noise($0) * Float(2 * Int(type.max))) }
}
