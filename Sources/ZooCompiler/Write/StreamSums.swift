// The checksum of weights that come in pieces.
import Zoo

/// As `laneChecksum` of all bytes.
package struct StreamSums {
  private var sums = LaneSums()
  /// Fewer than a block.
  private var rest: [UInt8] = []

  package init() {}

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    let size = LaneSums.blockByteCount
    let start = rest.isEmpty ? 0 : min(size - rest.count, bytes.count)
    rest += bytes[..<start]
    if rest.count == size {
      let block = rest
      block.withUnsafeBytes { add($0, blocks: 1) }
      rest = []
    }
    guard rest.isEmpty else { return }
    let blocks = (bytes.count - start) / size
    add(UnsafeRawBufferPointer(rebasing: bytes[start...]), blocks: blocks)
    rest = Array(bytes[(start + blocks * size)...])
  }

  package consuming func finish() -> UInt32 {
    let sums = sums
    return rest.withUnsafeBytes { sums.finish($0) }
  }

  private mutating func add(_ bytes: UnsafeRawBufferPointer, blocks: Int) {
    if let base = bytes.baseAddress { sums.add(base, blocks: blocks) }
  }
}
