// dL/dX of a convolution: a convolution of dL/dZ with the flipped, transposed weights.
import CZoo
import CZooTrainKernels
import Zoo
import ZooCompiler

/// A way to find dL/dX.
protocol ConvolutionInputGradient {
  /// Writes, or adds, dL/dX to `target`; `weights` as the operation has them, unpacked.
  func run(
    weights: UnsafePointer<Float>, _ dz: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>, adds: Bool, _ workers: Workers)
}

/// With stride s, the pixels of X fall into s x s phases; each phase is a convolution of stride 1 with those taps
/// that reach it, so nothing is multiplied by inserted zeros.
struct FlippedConvolution: ConvolutionInputGradient {
  private let operation: Conv2D
  private let walks: TapWalks
  private let batch: Int
  private let phases: [Phase]
  private let packed: PackedWeights
  private let scratch: Buffer?
  /// One for each channel.
  private let ones: Buffer

  /// Pixels of X at (first + stride k) along one axis.
  private struct PhaseAxis {
    let first: Int
    let count: Int
    /// Taps in the order the phase's convolution reads them.
    let taps: [Int]
    let window: WindowAxis
  }

  private struct Phase {
    let vertical: PhaseAxis
    let horizontal: PhaseAxis

    /// Whether no tap reaches its pixels.
    var isEmpty: Bool { vertical.taps.isEmpty || horizontal.taps.isEmpty }
  }

  /// - Throws: `CompileError` for strides together with dilation, which no network here has.
  init(
    _ operation: Conv2D, name: String, x: Variable, output: Variable, _ context: TrainingContext
  ) throws(CompileError) {
    self.operation = operation
    walks = TapWalks(operation.window, input: x.shape, output: output.shape)
    batch = x.shape[0]
    let vertical = try FlippedConvolution.axes(walks.vertical, walks.outputHeight, name)
    let horizontal = try FlippedConvolution.axes(walks.horizontal, walks.outputWidth, name)
    phases = vertical.flatMap { v in horizontal.map { Phase(vertical: v, horizontal: $0) } }
    let groups = Int(operation.groups)
    packed = PackedWeights(
      count: walks.tapCount * walks.channels * walks.outputs / groups, context)
    if packed.type == ZOO_BF16, walks.tapCount > 1 {
      // For the rounded image of dL/dZ.
      context.workers.reserveScratch(
        share: 0, whole: (output.count + 1) * MemoryLayout<UInt16>.stride)
    }
    ones = Buffer(count: walks.channels)
    ones.base.update(repeating: 1, count: walks.channels)
    let largest = phases.map { $0.vertical.count * $0.horizontal.count }.max() ?? 0
    let isWhole = phases.count == 1 && !phases[0].isEmpty
    scratch = isWhole ? nil : Buffer(count: batch * largest * walks.channels)
  }

  private static func axes(
    _ axis: WindowAxis, _ outputs: Int, _ name: String
  ) throws(CompileError) -> [PhaseAxis] {
    guard axis.stride == 1 || axis.dilation == 1 else {
      throw CompileError("'\(name)': stride with dilation cannot be trained")
    }
    return (0..<min(axis.stride, axis.input)).map { first in
      // Tap k reaches x = y s - pad + k d, that is y = (x + pad - k d) / s.
      let start = (first + axis.padBefore) % axis.stride
      let taps = Array(stride(from: start, to: axis.kernel, by: axis.stride))
      let shift = (first + axis.padBefore - start) / axis.stride
      let window = WindowAxis(
        kernel: taps.count, stride: 1, dilation: axis.dilation,
        padBefore: (taps.count - 1) * axis.dilation - shift, padAfter: 0, input: outputs)
      return PhaseAxis(
        first: first, count: (axis.input - first + axis.stride - 1) / axis.stride,
        taps: taps.reversed(), window: window)
    }
  }

  func run(
    weights: UnsafePointer<Float>, _ dz: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>, adds: Bool, _ workers: Workers
  ) {
    guard let scratch else {
      return convolve(phases[0], weights, dz, to: target, adds: adds, workers)
    }
    if !adds {
      workers.forEach(batch) { image in
        (target + image * walks.imageCount).update(repeating: 0, count: walks.imageCount)
      }
    }
    for phase in phases where !phase.isEmpty {
      convolve(phase, weights, dz, to: scratch.base, adds: false, workers)
      spread(phase, scratch.base, to: target, workers)
    }
  }

  private func convolve(
    _ phase: Phase, _ weights: UnsafePointer<Float>, _ dz: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>, adds: Bool, _ workers: Workers
  ) {
    let groups = Int(operation.groups)
    let channels = walks.channels / groups
    let outputs = walks.outputs / groups
    let taps = phase.vertical.taps.flatMap { i in
      phase.horizontal.taps.map { i * walks.horizontal.kernel + $0 }
    }
    var image = zoo_tensor(
      ZOO_F32,
      Shape(n: batch, h: walks.outputHeight, w: walks.outputWidth, c: walks.outputs))
    image.data = UnsafeMutableRawPointer(mutating: dz)
    for group in 0..<groups {
      packed.packTransposed(
        weights + group * walks.tapCount * channels * outputs, taps: taps, inputs: channels,
        outputs: outputs)
      let source = ImageSource(
        base: dz + group * outputs, image: image, channels: outputs,
        outputHeight: phase.vertical.count, outputWidth: phase.horizontal.count,
        vertical: phase.vertical.window, horizontal: phase.horizontal.window)
      let offset = group * channels
      MatrixProduct(
        source: source, rows: batch * phase.vertical.count * phase.horizontal.count,
        columns: channels, depth: taps.count * outputs, weights: packed.matrix,
        bias: nil,
        addend: adds ? UnsafePointer(target) + offset : nil, addendStride: walks.channels,
        output: target + offset, outputStride: walks.channels, activation: .none,
        runtime: workers.runtime.pointee
      ).start()
    }
  }

  /// Adds the pixels of a phase where they belong.
  private func spread(
    _ phase: Phase, _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>,
    _ workers: Workers
  ) {
    let channels = walks.channels
    let width = walks.horizontal.input
    var walk = zoo_train_walk()
    walk.rows = phase.vertical.count
    walk.count = phase.horizontal.count
    walk.a_pixel = channels
    walk.a_row = walk.count * channels
    walk.b_pixel = walks.horizontal.stride * channels
    walk.b_row = walks.vertical.stride * width * channels
    let first = (phase.vertical.first * width + phase.horizontal.first) * channels
    workers.forEach(batch) { image in
      var walk = walk
      walk.a = source + image * walk.rows * walk.a_row
      workers.kernels.scatter(
        channels, &walk, ones.base, target + image * walks.imageCount + first)
    }
  }
}
