// The left matrix of a product in tests: pointers to the taps of its rows, in protected memory.

/// Windows that slide over an image with padding of half a kernel.
struct TileImage: CustomStringConvertible {
  var width: Int
  var height: Int
  var channels: Int
  var kernel = 3
  var stride = 1
  /// Numbers from pixel to pixel, if that is more than the channels.
  var pitch: Int?
  /// Numbers between the image's end and a protected page: it does not begin at a multiple of 64 bytes with some.
  var shift = 0

  var description: String { "\(width)x\(height)x\(channels) \(kernel)/\(stride) +\(shift)" }
}

final class TileInputs<Number: BitwiseCopyable> {
  let count: Int
  let channels: Int
  let taps: Int
  /// Of tap t of row i: `t * count + i`.
  let pointers: [UnsafePointer<Number>]
  private let memory: [Guarded<Number>]

  var depth: Int { channels * taps }

  /// Each tap of each row lies somewhere else, right before a protected page.
  init(_ count: Int, channels: Int, taps: Int, numbers: () -> [Number]) {
    (self.count, self.channels, self.taps) = (count, channels, taps)
    memory = (0..<count * taps).map { _ in Guarded(numbers()) }
    pointers = memory.map { UnsafePointer($0.numbers) }
  }

  /// All of them lie in one image, or in a row that stands for padding.
  init(_ image: TileImage, numbers: (Int) -> [Number]) {
    let pitch = image.pitch ?? image.channels
    let pixels = Guarded(numbers(image.width * image.height * pitch + image.shift))
    let padding = Guarded(numbers(image.channels))
    let outputs = { (extent: Int) in (extent - 1) / image.stride + 1 }
    count = outputs(image.width) * outputs(image.height)
    (channels, taps) = (image.channels, image.kernel * image.kernel)
    var pointers: [UnsafePointer<Number>] = []
    for tap in 0..<taps {
      for row in 0..<count {
        let before = (image.kernel - 1) / 2
        let x = row % outputs(image.width) * image.stride + tap % image.kernel - before
        let y = row / outputs(image.width) * image.stride + tap / image.kernel - before
        let isInside = x >= 0 && x < image.width && y >= 0 && y < image.height
        pointers.append(
          isInside ? pixels.numbers + (y * image.width + x) * pitch : padding.numbers)
      }
    }
    self.pointers = pointers
    memory = [pixels, padding]
  }
}
