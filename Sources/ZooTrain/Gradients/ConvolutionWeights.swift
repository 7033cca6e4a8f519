// dL/dW of a convolution: sums of outer products of input and output pixels, tap by tap.
import CZooTrainKernels
import Zoo

/// A way to find dL/dW: weights [groups, kh kw c/groups, m/groups], as in the forward pass.
protocol ConvolutionWeightGradient {
  /// Writes, or adds, dL/dW to `target`.
  func run(
    _ dz: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, adds: Bool,
    _ workers: Workers)
}

/// Tap by tap.
struct TapWeightGradient: ConvolutionWeightGradient {
  private let walks: TapWalks
  private let batch: Int
  private let groups: Int
  private let x: UnsafePointer<Float>
  private let partial: Buffer?
  private let pieces: Int

  /// Weights up to this many have sums of their own for each group of images; larger ones are cut by taps.
  private static let largestPartial = 1 << 16
  private static let mostPieces = 16
  /// Below this many channels, a tap alone does not fill the kernel's registers.
  private static let fewChannels = 16
  /// Rows of a large weight matrix that one piece of work covers.
  private static let block = 64

  init(_ operation: Conv2D, x: Variable, output: Variable) {
    walks = TapWalks(operation.window, input: x.shape, output: output.shape)
    batch = x.shape[0]
    groups = Int(operation.groups)
    self.x = UnsafePointer(x.value)
    let count = walks.tapCount * walks.channels * walks.outputs / groups
    pieces = min(TapWeightGradient.mostPieces, batch)
    partial =
      count <= TapWeightGradient.largestPartial ? Buffer(count: count * pieces) : nil
  }

  private var channels: Int { walks.channels / groups }
  private var outputs: Int { walks.outputs / groups }
  private var groupCount: Int { walks.tapCount * channels * outputs }
  private var count: Int { groupCount * groups }
  private var mergesTaps: Bool {
    channels < TapWeightGradient.fewChannels && groups == 1
      && walks.horizontal.kernel > 1 && walks.horizontal.dilation == 1
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
        if mergesTaps {
          addRows(image, dz, to: sums, workers)
          continue
        }
        for group in 0..<groups {
          for tap in 0..<walks.tapCount {
            add(image, group, tap, 0..<channels, dz, to: sums, workers)
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
    let block = TapWeightGradient.block
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

  /// Kernel row by kernel row: where no tap of a row falls outside, its taps are adjacent in memory and are one tap
  /// with more channels.
  private func addRows(
    _ image: Int, _ dz: UnsafePointer<Float>, to sums: UnsafeMutablePointer<Float>,
    _ workers: Workers
  ) {
    let taps = walks.horizontal.kernel
    let inside = walks.horizontal.interior(walks.outputWidth)
    for i in 0..<walks.vertical.kernel {
      let row = i * taps * channels * outputs
      add(walks.walk(i, 0, over: inside), image, taps * channels, dz, to: sums + row, workers)
      for j in 0..<taps {
        let valid = walks.horizontal.outputs(tap: j, extent: walks.outputWidth)
        let target = sums + row + j * channels * outputs
        for edge in [
          valid.clamped(to: 0..<inside.lowerBound),
          valid.clamped(to: inside.upperBound..<walks.outputWidth),
        ] {
          add(walks.walk(i, j, over: edge), image, channels, dz, to: target, workers)
        }
      }
    }
  }

  /// One walk over an image, `count` channels of x with all outputs.
  private func add(
    _ pixels: (walk: zoo_train_walk, x: Int, y: Int)?, _ image: Int, _ count: Int,
    _ dz: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    guard var (walk, a, b) = pixels else { return }
    a += image * walks.imageCount
    b += image * walks.outputCount
    walk.a = x + a
    walk.b = dz + b
    workers.kernels.outer(count, outputs, &walk, target, outputs)
  }
}
