// Gradient of batch normalisation with fixed statistics, as converted models have it.
import CZooTrainKernels
import Zoo
import ZooCompiler

/// y = act(x scale + shift): dx = dz scale, dscale = sum dz x, dshift = sum dz.
final class FixedBatchNormLayer: Layer {
  let site: LayerSite
  private let operation: BatchNorm

  init(_ site: LayerSite, _ operation: BatchNorm) throws(CompileError) {
    self.operation = operation
    guard operation.activation.kind == .none || operation.activation.kind == .clamp else {
      throw CompileError(
        "'\(site.name)': batch norm trains with \(activationName(operation.activation)) apart")
    }
    self.site = site
  }

  private var norm: zoo_train_norm {
    zoo_train_norm(
      scale: input(1).value, shift: input(2).value, clampedBy: operation.activation)
  }

  func forward() {
    let channels = output.shape.last
    let x = UnsafePointer(input(0).value)
    let y = output.value
    var norm = norm
    workers.forEachPiece(of: output.shape.rowCount, size: elementPiece / channels) { part in
      let at = part.lowerBound * channels
      workers.kernels.normalize(part.count, channels, x + at, &norm, nil, y + at)
    }
  }

  func backward() {
    guard let dy = output.gradient else { return }
    let channels = output.shape.last
    let rows = output.shape.rowCount
    let x = UnsafePointer(input(0).value)
    var norm = norm
    let zeros = [Float](repeating: 0, count: channels)
    let sums = ChannelSums(rows: rows, channels: channels).compute(workers) {
      row, count, sum, dots in
      let at = row * channels
      workers.kernels.norm_dots(count, channels, dy + at, x + at, &norm, zeros, sum, dots)
    }
    for (position, values) in [(1, sums.second), (2, sums.first)] {
      guard let (target, adds) = input(position).contribute() else { continue }
      for c in 0..<channels { target[c] = (adds ? target[c] : 0) + Float(values[c]) }
    }
    guard let (dx, adds) = input(0).contribute() else { return }
    let scale = input(1).value
    workers.forEachPiece(of: rows, size: elementPiece / channels) { part in
      let at = part.lowerBound * channels
      workers.kernels.norm_gradient(
        part.count, channels, dy + at, x + at, &norm, scale, zeros, zeros, adds ? 1 : 0, dx + at)
    }
  }
}
