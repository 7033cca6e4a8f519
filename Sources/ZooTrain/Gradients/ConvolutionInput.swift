// dL/dX of a convolution: a convolution of dL/dZ with the flipped, transposed weights.
import CZoo
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
    let largest = phases.map { $0.vertical.count * $0.horizontal.count }.max() ?? 0
    scratch = phases.count == 1 ? nil : Buffer(count: batch * largest * walks.channels)
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
    for phase in phases {
      let destination = scratch?.base ?? target
      if phase.vertical.taps.isEmpty || phase.horizontal.taps.isEmpty {
        if adds { continue }
        destination.update(
          repeating: 0,
          count: batch * phase.vertical.count * phase.horizontal.count * walks.channels)
      } else {
        convolve(phase, weights, dz, to: destination, adds: adds && scratch == nil, workers)
      }
      if let scratch { spread(phase, scratch.base, to: target, adds: adds, workers) }
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

  /// Puts the pixels of a phase where they belong.
  private func spread(
    _ phase: Phase, _ source: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>,
    adds: Bool, _ workers: Workers
  ) {
    let channels = walks.channels
    let width = walks.horizontal.input
    let rows = phase.vertical.count
    workers.forEach(batch) { image in
      for row in 0..<rows {
        var from = source + (image * rows + row) * phase.horizontal.count * channels
        let y = phase.vertical.first + row * walks.vertical.stride
        var to =
          target
          + ((image * walks.vertical.input + y) * width + phase.horizontal.first) * channels
        for _ in 0..<phase.horizontal.count {
          if adds {
            for c in 0..<channels { to[c] += from[c] }
          } else {
            to.update(from: from, count: channels)
          }
          from += channels
          to += walks.horizontal.stride * channels
        }
      }
    }
  }
}
