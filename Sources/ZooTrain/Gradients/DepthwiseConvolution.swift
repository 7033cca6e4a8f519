// Gradient of depthwise convolution.
import CZooTrainKernels
import Zoo
import ZooCompiler

/// dL/dw[i, j, c] = sum of x dz over the pixels tap (i, j) connects; dL/dx likewise gathers w dz.
final class DepthwiseLayer: OperatorLayer {
  let site: LayerSite
  let call: OperatorCall
  private let operation: DepthwiseConv2D
  private let walks: TapWalks
  private let partial: Buffer
  private let pieces: Int

  init(_ site: LayerSite, _ operation: DepthwiseConv2D) throws(CompileError) {
    self.operation = operation
    guard let x = site.inputs[0], let weights = site.inputs[1] else {
      throw CompileError("'\(site.name)': convolution without input or weights")
    }
    walks = TapWalks(operation.window, input: x.shape, output: site.output.shape)
    pieces = min(16, site.context.batch)
    partial = Buffer(count: weights.count * pieces)
    self.site = site
    call = try site.call(operation)
  }

  func backward() {
    guard let dz = output.gradient else { return }
    undo(operation.activation)
    let channels = walks.channels
    if inputs.count > 2 {
      addBiasGradient(
        inputs[2], dy: dz, rows: output.shape.rowCount, channels: channels, workers)
    }
    let weights = input(1)
    let count = weights.count
    let x = input(0)
    let dx = x.contribute()
    let target = weights.contribute()
    let images = context.batch
    workers.forEach(pieces) { piece in
      let sums = partial.base + piece * count
      sums.update(repeating: 0, count: count)
      for image in images * piece / pieces..<images * (piece + 1) / pieces {
        if let dx, !dx.adds {
          (dx.target + image * walks.imageCount).update(repeating: 0, count: walks.imageCount)
        }
        for tap in 0..<walks.tapCount {
          guard var (walk, a, b) = walks.walk(tap: tap) else { continue }
          a += image * walks.imageCount
          b += image * walks.outputCount
          walk.a = UnsafePointer(x.value) + a
          walk.b = UnsafePointer(dz) + b
          workers.kernels.dot(channels, &walk, sums + tap * channels)
          guard let dx else { continue }
          var back = walk
          back.a = walk.b
          back.a_row = walk.b_row
          back.a_pixel = walk.b_pixel
          back.b = nil
          back.b_row = walk.a_row
          back.b_pixel = walk.a_pixel
          workers.kernels.scatter(channels, &back, weights.value + tap * channels, dx.target + a)
        }
      }
    }
    guard let (gradient, adds) = target else { return }
    for piece in 0..<pieces {
      workers.add(
        partial.base + piece * count, to: gradient, adds: adds || piece > 0, count: count)
    }
  }
}
