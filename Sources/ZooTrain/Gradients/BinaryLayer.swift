// Gradients of additions and products.
import CZooTrainKernels
import Zoo
import ZooCompiler

/// y = act(a op b) for two tensors of one shape, or with b [n, 1, 1, c] scaling the channels of each image of a.
final class BinaryLayer: OperatorLayer {
  let site: LayerSite
  let call: OperatorCall
  private let operation: Binary
  /// Whether one operand is a vector of channels for each image.
  private let isGate: Bool

  init(_ site: LayerSite, _ operation: Binary) throws(CompileError) {
    self.operation = operation
    guard let a = site.inputs[0], let b = site.inputs[1] else {
      throw CompileError("'\(site.name)': missing operand")
    }
    let shape = site.output.shape
    isGate =
      a.shape == shape && shape.rank == 4 && b.shape != shape
      && b.shape == Shape(n: shape[0], h: 1, w: 1, c: shape[3])
    guard isGate || a.shape == shape && b.shape == shape else {
      throw CompileError(
        "'\(site.name)': \(describe(a.shape)) with \(describe(b.shape)) cannot be trained")
    }
    switch operation.kind {
    case .add, .subtract: break
    case .multiply: break
    default:
      throw CompileError("'\(site.name)': \(operationName(operation)) cannot be trained")
    }
    self.site = site
    call = try site.call(operation)
  }

  func forward() {
    guard let first = [0, 1].first(where: { input($0).lateNorm != nil }),
      let norm = input(first).lateNorm
    else { return call.run() }
    let other = input(1 - first)
    other.lateNorm?.write(to: other.value, workers)
    norm.write(
      adding: UnsafePointer(other.value), clampedBy: operation.activation, to: output.value, workers
    )
  }

  func backward() {
    guard let dz = output.gradient else { return }
    if !isGate && operation.kind == .add { return backwardSum(dz) }
    undo(operation.activation)
    if isGate { return backwardGate(dz) }
    let count = output.count
    for (index, other) in [(0, 1), (1, 0)] {
      guard let (target, adds) = input(index).contribute() else { continue }
      if operation.kind == .multiply {
        let factor = UnsafePointer(input(other).value)
        workers.forEachPiece(of: count, size: elementPiece) { part in
          let at = part.lowerBound
          workers.kernels.multiply(part.count, dz + at, factor + at, adds ? 1 : 0, target + at)
        }
      } else {
        workers.add(dz, scale: index == 1 ? -1 : 1, to: target, adds: adds, count: count)
      }
    }
  }

  /// da = db = dy f'(y), with as few passes over memory as can be: residual networks spend time here.
  private func backwardSum(_ dy: UnsafeMutablePointer<Float>) {
    let activation = operation.activation
    let count = output.count
    let targets = [0, 1].compactMap { input($0).contribute() }
    let apart = targets.filter { $0.target != dy }  // others share dy: see `sharedGradients`
    guard apart.count == targets.count, input(0) !== input(1), activation.kind != .none,
      let fresh = apart.first(where: { !$0.adds })
    else {
      undo(activation)
      for (target, adds) in apart { workers.add(dy, to: target, adds: adds, count: count) }
      return
    }
    let y = UnsafePointer(output.value)
    workers.forEachPiece(of: count, size: elementPiece) { part in
      let at = part.lowerBound
      differentiate(activation, y: y + at, dy: dy + at, dx: fresh.target + at, part.count, workers)
      for (target, adds) in apart where target != fresh.target {
        workers.kernels.add(part.count, 1, fresh.target + at, adds ? 1 : 0, target + at)
      }
    }
  }

  /// da = dz b, db = sum over the pixels of dz a; for sums without the factors.
  private func backwardGate(_ dz: UnsafePointer<Float>) {
    let shape = output.shape
    let pixels = shape[1] * shape[2]
    let channels = shape[3]
    let a = input(0).contribute()
    let b = input(1).contributeByAdding()
    let isProduct = operation.kind == .multiply
    let sign: Float = operation.kind == .subtract ? -1 : 1
    workers.forEach(shape[0]) { image in
      let gate = input(1).value + image * channels
      for pixel in 0..<pixels {
        let at = (image * pixels + pixel) * channels
        if let (target, adds) = a {
          for c in 0..<channels {
            let value = isProduct ? dz[at + c] * gate[c] : dz[at + c]
            target[at + c] = adds ? target[at + c] + value : value
          }
        }
        if let b {
          let to = b + image * channels
          for c in 0..<channels {
            to[c] += isProduct ? dz[at + c] * input(0).value[at + c] : sign * dz[at + c]
          }
        }
      }
    }
  }
}
