// dL/dX of a convolution with few input channels: the gradient of every window, added where the window was.
import CZoo
import CZooTrainKernels
import Zoo
import ZooCompiler

/// One product, dZ W^T, gives the gradients [pixels, kh kw c] of all windows of an image. Its columns fill the kernels'
/// panels where the c columns of a flipped convolution would leave most of a panel empty.
///
/// - Source: the col2im of Jia and others, "Caffe", arXiv:1408.5093.
struct WindowGradients: ConvolutionInputGradient {
  private let walks: TapWalks
  private let batch: Int
  private let packed: PackedWeights

  /// Channels below which windows are worth their additions.
  private static let fewChannels = 12
  /// Floats of one image's windows: they stay in L2.
  private static let mostElements = 1 << 16

  /// Nil where a flipped convolution is the better way.
  init?(_ operation: Conv2D, x: Variable, output: Variable, _ context: TrainingContext) {
    walks = TapWalks(operation.window, input: x.shape, output: output.shape)
    batch = x.shape[0]
    let elements = walks.outputHeight * walks.outputWidth * walks.tapCount * walks.channels
    guard operation.groups == 1, walks.channels < WindowGradients.fewChannels,
      walks.horizontal.kernel > 1, walks.horizontal.dilation == 1,
      elements <= WindowGradients.mostElements
    else { return nil }
    packed = PackedWeights(count: walks.tapCount * walks.channels * walks.outputs, context)
  }

  func run(
    weights: UnsafePointer<Float>, _ dz: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>, adds: Bool, _ workers: Workers
  ) {
    let depth = walks.tapCount * walks.channels
    packed.packTransposed(weights, taps: [0], inputs: depth, outputs: walks.outputs)
    let alone = workers.runtime.pointee.alone
    let pixels = walks.outputHeight * walks.outputWidth
    workers.forEach(batch) { image in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: pixels * depth) { windows in
        guard let windows = windows.baseAddress else { return }
        MatrixProduct(
          source: ImageSource(
            matrix: dz + image * walks.outputCount, rows: pixels, depth: walks.outputs,
            rowStride: walks.outputs),
          rows: pixels, columns: depth, depth: walks.outputs, weights: packed.matrix,
          bias: nil, addend: nil, addendStride: 0, output: windows, outputStride: depth,
          activation: .none, runtime: alone
        ).start()
        let dx = target + image * walks.imageCount
        if !adds { dx.update(repeating: 0, count: walks.imageCount) }
        addWindows(windows, to: dx, workers)
      }
    }
  }

  /// Adds the windows of one image: kernel rows are adjacent in memory.
  private func addWindows(
    _ windows: UnsafePointer<Float>, to dx: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    let channels = walks.channels
    let rowLength = walks.horizontal.kernel * channels
    var window = windows
    for p in 0..<walks.outputHeight {
      let rows = walks.vertical.validTaps(p)
      for q in 0..<walks.outputWidth {
        let taps = walks.horizontal.validTaps(q)
        let column = walks.horizontal.origin(q) + taps.lowerBound
        for i in rows {
          let row = walks.vertical.origin(p) + i * walks.vertical.dilation
          workers.kernels.add(
            taps.count * channels, 1, window + i * rowLength + taps.lowerBound * channels, 1,
            dx + (row * walks.horizontal.input + column) * channels)
        }
        window += walks.vertical.kernel * rowLength
      }
    }
  }
}
