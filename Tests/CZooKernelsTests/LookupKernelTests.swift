// i8_lookup against its meaning, between protected pages.
import CZooKernels
import Testing

struct LookupKernelTests {
  /// Bytes at all places of a vector and of its rest, in other memory and in place.
  @Test(arguments: [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 300])
  func answersAreRightAndStayInside(_ count: Int) {
    var noise = Noise(state: UInt64(count))
    let table = GuardedBytes(noise.floats(256).map { Int8($0 * 127) })
    for kernel in variants("i8_lookup") {
      let run = unsafeBitCast(kernel.function, to: zoo_i8_lookup_ukernel.self)
      for first in stride(from: 0, to: 256, by: 5) {
        let values = (0..<count).map { Int8(truncatingIfNeeded: first + $0) }
        let expected = values.map { table.bytes[Int(UInt8(bitPattern: $0))] }
        let x = GuardedBytes(values)
        let y = GuardedBytes(count: count, filledWith: 0)
        run(count, table.bytes, x.bytes, y.bytes)
        #expect(y.array == expected, "\(String(cString: kernel.name))")
        run(count, table.bytes, x.bytes, x.bytes)
        #expect(x.array == expected, "\(String(cString: kernel.name)) in place")
      }
    }
  }
}
