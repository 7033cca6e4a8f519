// Weights in the order the kernels read: panels of 16 columns.
import CZoo
import CZooKernels
import CZooTrainKernels
import Zoo

/// The right operand of a product, packed anew in each step: panels of floats, or of pairs of rows of bf16.
final class PackedWeights {
  let type: zoo_type
  private let floats: Buffer
  /// The same order of panels.
  private let rounded: UnsafeMutablePointer<UInt16>?
  private let kernels: zoo_train_bf16_kernels?

  static let panelWidth = 16

  /// For `count` weights in all.
  init(count: Int, _ context: TrainingContext) {
    type = context.precision.weights
    floats = Buffer(count: count)
    kernels = type == ZOO_BF16 ? context.workers.bf16Kernels : nil
    rounded = kernels == nil ? nil : .allocate(capacity: max(1, count))
    if type == ZOO_BF16 {
      context.workers.reserveScratch(
        share: Int(context.workers.runtime.pointee.kernels.bf16_igemm.workspace))
    }
  }

  deinit { rounded?.deallocate() }

  /// Where the panels are.
  var base: UnsafeMutableRawPointer {
    rounded.map { UnsafeMutableRawPointer($0) } ?? UnsafeMutableRawPointer(floats.base)
  }

  /// The panel that begins with column `column` of a matrix of `rows` rows.
  func panel(_ column: Int, rows: Int) -> UnsafeMutableRawPointer {
    base + column * rows * (rounded == nil ? 4 : 2)
  }

  var matrix: MatrixWeights { MatrixWeights(base, type) }

  /// Packs a matrix [rows, columns] as weights from `offset` on.
  func pack(_ source: UnsafePointer<Float>, rows: Int, columns: Int, offset: Int = 0) {
    for panel in stride(from: 0, to: columns, by: PackedWeights.panelWidth) {
      let width = min(PackedWeights.panelWidth, columns - panel)
      var to = floats.base + offset + panel * rows
      for row in 0..<rows {
        let from = source + row * columns + panel
        for column in 0..<width { to[column] = from[column] }
        to += width
      }
    }
    round(rows: rows, columns: columns, offset: offset)
  }

  /// Packs the weights of the transposed convolution: `taps` of a window in any order, each [inputs, outputs] in
  /// `source`, become rows (tap, output) of `inputs` columns.
  func packTransposed(_ source: UnsafePointer<Float>, taps: [Int], inputs: Int, outputs: Int) {
    let rows = taps.count * outputs
    for panel in stride(from: 0, to: inputs, by: PackedWeights.panelWidth) {
      let width = min(PackedWeights.panelWidth, inputs - panel)
      for (position, tap) in taps.enumerated() {
        let from = source + (tap * inputs + panel) * outputs
        let to = floats.base + panel * rows + position * outputs * width
        for column in 0..<width {
          for output in 0..<outputs {
            to[output * width + column] = from[column * outputs + output]
          }
        }
      }
    }
    round(rows: rows, columns: inputs, offset: 0)
  }

  /// Makes pairs of the rows of each panel, if they are to be bf16.
  private func round(rows: Int, columns: Int, offset: Int) {
    guard let rounded, let kernels else { return }
    withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: rows) { pointers in
      for panel in stride(from: 0, to: columns, by: PackedWeights.panelWidth) {
        let width = min(PackedWeights.panelWidth, columns - panel)
        let start = offset + panel * rows
        for row in 0..<rows { pointers[row] = UnsafePointer(floats.base + start + row * width) }
        var pairs = zoo_train_pairs()
        pairs.rows = rows
        pairs.channels = width
        pairs.columns = width
        pairs.a = UnsafePointer(pointers.baseAddress)
        pairs.a_tap_stride = rows
        pairs.y = rounded + start
        kernels.pairs(&pairs)
      }
    }
  }
}
