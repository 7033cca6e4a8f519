// Memory that ends where a protected page begins: one element too far is a crash instead of luck.
import Foundation

typealias GuardedBuffer = Guarded<Float>
typealias GuardedBytes = Guarded<Int8>

/// Numbers the last of which is the last before a page that may not be touched.
final class Guarded<Number: BitwiseCopyable> {
  let numbers: UnsafeMutablePointer<Number>
  let count: Int
  private let base: UnsafeMutableRawPointer
  private let byteCount: Int

  init(_ values: [Number]) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let size = values.count * MemoryLayout<Number>.stride
    let used = (size + page - 1) / page * page
    byteCount = used + page
    guard
      let map = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      map != MAP_FAILED
    else { fatalError("mmap failed") }
    base = map
    mprotect(map + used, page, PROT_NONE)
    count = values.count
    numbers = (map + used - size).bindMemory(to: Number.self, capacity: max(1, count))
    numbers.update(from: values, count: count)
  }

  convenience init(count: Int, filledWith value: Number) {
    self.init([Number](repeating: value, count: count))
  }

  deinit { munmap(base, byteCount) }

  var array: [Number] { Array(UnsafeBufferPointer(start: numbers, count: count)) }
}

extension GuardedBuffer {
  var floats: UnsafeMutablePointer<Float> { numbers }
}

extension GuardedBytes {
  var bytes: UnsafeMutablePointer<Int8> { numbers }
}

/// SplitMix64 as floats in -1..<1.
struct Noise {
  var state: UInt64

  mutating func floats(_ count: Int) -> [Float] {
    (0..<count).map { _ in
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return Float((z ^ (z >> 31)) >> 40) * 0x1p-23 - 1
    }
  }
}

/// The nearest number of bf16, ties to even.
func bf16(_ x: Float) -> UInt16 {
  UInt16(truncatingIfNeeded: (x.bitPattern &+ 0x7FFF &+ x.bitPattern >> 16 & 1) >> 16)
}

/// A number of bf16 as a float.
func widened(_ half: UInt16) -> Float { Float(bitPattern: UInt32(half) << 16) }
