// dL/dW of a convolution: sums of outer products of input and output pixels, tap by tap.
import CZooTrainKernels
import Zoo

/// Weights [groups, kh kw c/groups, m/groups], as in the forward pass.
struct ConvolutionWeightGradient {
  private let walks: TapWalks
  private let batch: Int
  private let groups: Int
  private let x: UnsafePointer<Float>
  private let partial: Buffer?
  private let pieces: Int

  /// Weights up to this many have sums of their own for each group of images; larger ones are cut by taps.
  private static let largestPartial = 1 << 16
  private static let mostPieces = 16
  /// Below this many channels, windows are copied into rows so that the kernel has enough to hold.
  private static let fewChannels = 8
  /// Rows of a large weight matrix that one piece of work covers.
  private static let block = 64

  init(_ operation: Conv2D, x: Variable, output: Variable) {
    walks = TapWalks(operation.window, input: x.shape, output: output.shape)
    batch = x.shape[0]
    groups = Int(operation.groups)
    self.x = UnsafePointer(x.value)
    let count = walks.tapCount * walks.channels * walks.outputs / groups
    pieces = min(ConvolutionWeightGradient.mostPieces, batch)
    partial =
      count <= ConvolutionWeightGradient.largestPartial ? Buffer(count: count * pieces) : nil
  }

  private var channels: Int { walks.channels / groups }
  private var outputs: Int { walks.outputs / groups }
  private var groupCount: Int { walks.tapCount * channels * outputs }
  private var count: Int { groupCount * groups }
  private var gathers: Bool {
    channels < ConvolutionWeightGradient.fewChannels && walks.tapCount > 1
  }

  func run(
    _ dz: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, adds: Bool,
    _ workers: Workers
  ) {
    guard let partial else { return runByTaps(dz, to: target, adds: adds, workers) }
    workers.forEach(pieces) { piece in
      let sums = partial.base + piece * count
      sums.update(repeating: 0, count: count)
      for image in batch * piece / pieces..<batch * (piece + 1) / pieces {
        for group in 0..<groups {
          if gathers {
            addGathered(image, group, dz, to: sums, workers)
          } else {
            for tap in 0..<walks.tapCount {
              add(image, group, tap, 0..<channels, dz, to: sums, workers)
            }
          }
        }
      }
    }
    for piece in 0..<pieces {
      workers.add(
        partial.base + piece * count, to: target, adds: adds || piece > 0, count: count)
    }
  }

  /// Every piece of work has weights of its own and goes over all images.
  private func runByTaps(
    _ dz: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, adds: Bool,
    _ workers: Workers
  ) {
    let block = ConvolutionWeightGradient.block
    let blocks = (channels + block - 1) / block
    workers.forEach(groups * walks.tapCount * blocks) { index in
      let part = index % blocks * block..<min(channels, (index % blocks + 1) * block)
      let tap = index / blocks % walks.tapCount
      let group = index / blocks / walks.tapCount
      if !adds {
        let first = group * groupCount + (tap * channels + part.lowerBound) * outputs
        (target + first).update(repeating: 0, count: part.count * outputs)
      }
      for image in 0..<batch { add(image, group, tap, part, dz, to: target, workers) }
    }
  }

  private func add(
    _ image: Int, _ group: Int, _ tap: Int, _ part: Range<Int>, _ dz: UnsafePointer<Float>,
    to sums: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    guard var (walk, a, b) = walks.walk(tap: tap) else { return }
    a += image * walks.imageCount + group * channels + part.lowerBound
    b += image * walks.outputCount + group * outputs
    walk.a = x + a
    walk.b = dz + b
    let target = sums + group * groupCount + (tap * channels + part.lowerBound) * outputs
    workers.kernels.outer(part.count, outputs, &walk, target, outputs)
  }

  /// Copies the windows of one image into rows first.
  private func addGathered(
    _ image: Int, _ group: Int, _ dz: UnsafePointer<Float>, to sums: UnsafeMutablePointer<Float>,
    _ workers: Workers
  ) {
    let depth = walks.tapCount * channels
    let pixels = walks.outputHeight * walks.outputWidth
    withUnsafeTemporaryAllocation(of: Float.self, capacity: pixels * depth) { rows in
      guard let rows = rows.baseAddress else { return }
      rows.initialize(repeating: 0, count: pixels * depth)
      for tap in 0..<walks.tapCount {
        guard let (walk, a, b) = walks.walk(tap: tap) else { continue }
        let from = x + image * walks.imageCount + group * channels + a
        let to = rows + b / walks.outputs * depth + tap * channels
        for row in 0..<walk.rows {
          var source = from + row * walk.a_row
          var target = to + row * walks.outputWidth * depth
          for _ in 0..<walk.count {
            for c in 0..<channels { target[c] = source[c] }
            source += walk.a_pixel
            target += depth
          }
        }
      }
      var walk = zoo_train_walk()
      walk.rows = 1
      walk.count = pixels
      walk.a = UnsafePointer(rows)
      walk.a_pixel = depth
      walk.b = dz + image * walks.outputCount + group * outputs
      walk.b_pixel = walks.outputs
      workers.kernels.outer(depth, outputs, &walk, sums + group * groupCount, outputs)
    }
  }
}
