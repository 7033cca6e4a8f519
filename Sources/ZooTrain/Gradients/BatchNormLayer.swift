// Batch normalisation in training mode, and its gradient.
import CZooTrainKernels
import Zoo
import ZooCompiler

/// Statistics over all pixels of the batch; a fused clamp (ReLU, ReLU6) is part of the same passes.
///
/// With m pixels, x^ = (x - mean) / sqrt(variance + epsilon), z = gamma x^ + beta:
/// dL/dbeta = sum dz, dL/dgamma = sum dz x^, dL/dx = gamma / sqrt(..) (dz - dL/dbeta / m - x^ dL/dgamma / m).
/// - Source: Ioffe, Szegedy, arXiv:1502.03167, section 3.
final class BatchNormLayer: Layer {
  let site: LayerSite
  private let operation: TrainableBatchNorm
  private let channels: Int
  private let rows: Int
  private var mean: [Float]
  /// x^ gamma + beta as x scale + shift.
  private let scale: Buffer
  private let shift: Buffer
  private var inverse: [Double]

  init(_ site: LayerSite, _ operation: TrainableBatchNorm) throws(CompileError) {
    self.operation = operation
    channels = site.output.shape.last
    rows = site.output.shape.rowCount
    mean = [Float](repeating: 0, count: channels)
    scale = Buffer(count: channels)
    shift = Buffer(count: channels)
    inverse = [Double](repeating: 0, count: channels)
    guard operation.activation.kind == .none || operation.activation.kind == .clamp else {
      throw CompileError(
        "'\(site.name)': batch norm trains with \(activationName(operation.activation)) apart")
    }
    self.site = site
  }

  private var norm: zoo_train_norm {
    zoo_train_norm(scale: scale.base, shift: shift.base, clampedBy: operation.activation)
  }

  func forward() {
    let x = UnsafePointer(input(0).value)
    let kernels = workers.kernels
    let running = (mean: input(3).value, variance: input(4).value)
    // Sums are taken around the running mean, so that a large mean costs no digits.
    let sums = ChannelSums(rows: rows, channels: channels).compute(workers) {
      row, count, sum, squares in
      kernels.moments(count, channels, x + row * channels, running.mean, sum, squares)
    }
    let m = Double(rows)
    for c in 0..<channels {
      let offset = sums.first[c] / m
      let average = Double(running.mean[c]) + offset
      let variance = max(0, sums.second[c] / m - offset * offset)
      inverse[c] = 1 / (variance + Double(operation.epsilon)).squareRoot()
      mean[c] = Float(average)
      let gain = Double(input(1).value[c]) * inverse[c]
      scale.base[c] = Float(gain)
      shift.base[c] = Float(Double(input(2).value[c]) - average * gain)
      let momentum = Double(operation.momentum)
      let unbiased = rows > 1 ? variance * m / (m - 1) : variance
      running.mean[c] = Float((1 - momentum) * Double(running.mean[c]) + momentum * average)
      running.variance[c] = Float(
        (1 - momentum) * Double(running.variance[c]) + momentum * unbiased)
    }
    let late = LateNorm(
      x: x, scale: scale.base, shift: shift.base, rows: rows, channels: channels)
    if output.takesLateNorm {
      output.lateNorm = late
    } else {
      late.write(clampedBy: operation.activation, to: output.value, workers)
    }
  }

  func backward() {
    guard let dy = output.gradient else { return }
    let kernels = workers.kernels
    let x = UnsafePointer(input(0).value)
    let norm = [norm]
    let mean = mean
    let sums = ChannelSums(rows: rows, channels: channels).compute(workers) {
      row, count, sum, dots in
      let at = row * channels
      kernels.norm_dots(count, channels, dy + at, x + at, norm, mean, sum, dots)
    }
    let gamma = input(1)
    if let (target, adds) = gamma.contribute() {
      for c in 0..<channels {
        target[c] = (adds ? target[c] : 0) + Float(sums.second[c] * inverse[c])
      }
    }
    if let (target, adds) = input(2).contribute() {
      for c in 0..<channels { target[c] = (adds ? target[c] : 0) + Float(sums.first[c]) }
    }
    guard let (dx, adds) = input(0).contribute() else { return }
    // dx = a dz + b x + d, the formula above sorted by what varies.
    var a = [Float](repeating: 0, count: channels)
    var b = a
    var d = a
    for c in 0..<channels {
      let gain = Double(gamma.value[c]) * inverse[c]
      let slope = -gain * sums.second[c] * inverse[c] * inverse[c] / Double(rows)
      a[c] = Float(gain)
      b[c] = Float(slope)
      d[c] = Float(-gain * sums.first[c] / Double(rows) - slope * Double(mean[c]))
    }
    let write = { [channels, a, b, d] (part: Range<Int>) in
      let at = part.lowerBound * channels
      kernels.norm_gradient(
        part.count, channels, dy + at, x + at, norm, a, b, d, adds ? 1 : 0, dx + at)
    }
    if input(0).takesLateGradient && !adds {
      input(0).lateGradient = write
    } else {
      workers.forEachPiece(of: rows, size: elementPiece / channels, write)
    }
  }
}

extension zoo_train_norm {
  /// y = x scale + shift, clamped by an activation that is a clamp or none.
  init(
    scale: UnsafePointer<Float>, shift: UnsafePointer<Float>, clampedBy activation: Activation
  ) {
    let isClamp = activation.kind == .clamp
    self.init(
      scale: scale, shift: shift, lower: isClamp ? activation.alpha : -.infinity,
      upper: isClamp ? activation.beta : .infinity)
  }
}
