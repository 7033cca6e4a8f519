// Weights in the order the kernels read: panels of 16 columns.
import Zoo

private let panelWidth = 16

/// Packs a matrix [rows, columns], whose element (r, c) is at `source + r * rowStride + c * columnStride`.
func packPanels(
  _ source: UnsafePointer<Float>, rows: Int, columns: Int, rowStride: Int, columnStride: Int = 1,
  to target: UnsafeMutablePointer<Float>
) {
  for panel in stride(from: 0, to: columns, by: panelWidth) {
    let width = min(panelWidth, columns - panel)
    var to = target + panel * rows
    for row in 0..<rows {
      let from = source + row * rowStride + panel * columnStride
      for column in 0..<width { to[column] = from[column * columnStride] }
      to += width
    }
  }
}

/// Packs the weights of the transposed convolution: `taps` of a window in any order, each [inputs, outputs] in
/// `source`, become rows (tap, output) of `inputs` columns.
func packTransposed(
  _ source: UnsafePointer<Float>, taps: [Int], inputs: Int, outputs: Int,
  to target: UnsafeMutablePointer<Float>
) {
  let rows = taps.count * outputs
  for panel in stride(from: 0, to: inputs, by: panelWidth) {
    let width = min(panelWidth, inputs - panel)
    for (position, tap) in taps.enumerated() {
      let from = source + (tap * inputs + panel) * outputs
      let to = target + panel * rows + position * outputs * width
      for column in 0..<width {
        for output in 0..<outputs { to[output * width + column] = from[column * outputs + output] }
      }
    }
  }
}
