// Gradients of operators that only move elements.
import CZooTrainKernels
import Zoo
import ZooCompiler

/// The same elements in another shape.
final class ReshapeLayer: OperatorLayer {
  let site: LayerSite
  let call: OperatorCall
  init(_ site: LayerSite, _ operation: Reshape) throws(CompileError) {
    self.site = site
    call = try site.call(operation)
  }

  func backward() {
    guard let dy = output.gradient, let (dx, adds) = input(0).contribute() else { return }
    workers.add(dy, to: dx, adds: adds, count: output.count)
  }
}

/// Each part of the gradient goes back to its input.
final class ConcatLayer: OperatorLayer {
  let site: LayerSite
  let call: OperatorCall
  private let axis: Int

  init(_ site: LayerSite, _ operation: Concat) throws(CompileError) {
    axis = Int(operation.axis)
    self.site = site
    call = try site.call(operation)
  }

  func backward() {
    guard let dy = output.gradient else { return }
    let inner = (axis + 1..<max(axis + 1, output.shape.rank)).reduce(1) { $0 * output.shape[$1] }
    let outer = (0..<axis).reduce(1) { $0 * output.shape[$1] }
    let stride = output.shape[axis] * inner
    var offset = 0
    for case let part? in inputs {
      let length = part.shape[axis] * inner
      defer { offset += length }
      guard let (dx, adds) = part.contribute() else { continue }
      let start = offset
      workers.forEachPiece(of: outer, size: elementPiece / length) { rows in
        for row in rows {
          workers.kernels.add(
            length, 1, dy + row * stride + start, adds ? 1 : 0, dx + row * length)
        }
      }
    }
  }
}

/// The part of the gradient that belongs to the elements inside the border; only zeros may be padded.
final class PadLayer: OperatorLayer {
  let site: LayerSite
  let call: OperatorCall
  private let operation: Pad

  init(_ site: LayerSite, _ operation: Pad) throws(CompileError) {
    self.operation = operation
    guard operation.mode == .constant else {
      throw CompileError("'\(site.name)': only constant padding can be trained")
    }
    self.site = site
    call = try site.call(operation)
  }

  func backward() {
    guard let dy = output.gradient, let (dx, adds) = input(0).contribute() else { return }
    let shape = input(0).shape
    let before = (0..<shape.rank).map { Int(operation.before[$0]) }
    let whole = output.shape
    workers.forEach(shape.rowCount) { row in
      var rest = row
      var target = 0
      var scale = 1
      for axis in (0..<max(0, shape.rank - 1)).reversed() {
        target += (rest % shape[axis] + before[axis]) * scale
        rest /= shape[axis]
        scale *= whole[axis]
      }
      let from = dy + target * whole.last + before[shape.rank - 1]
      workers.kernels.add(shape.last, 1, from, adds ? 1 : 0, dx + row * shape.last)
    }
  }
}
