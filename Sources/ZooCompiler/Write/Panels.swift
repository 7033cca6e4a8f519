// Weights as panels of 16 columns: the order all kernels read.
package import Zoo

private let panelWidth = 16

/// Calls `body` with the panels of row-major `bytes`, whose elements have `width` bytes.
///
/// `shape` is [.., rows, columns]; each matrix of the outer extents is packed by itself: its panels one after the
/// other, each [rows][16], the last one [rows][columns % 16].
func forEachPanel(
  _ bytes: UnsafeRawBufferPointer, _ shape: Shape, width: Int,
  _ body: (UnsafeRawBufferPointer) throws(CompileError) -> Void
) throws(CompileError) {
  for panel in panels(shape) {
    let run = panel.columns * width
    let packed = [UInt8](unsafeUninitializedCapacity: panel.rows * run) { target, count in
      count = panel.rows * run
      guard let to = UnsafeMutableRawPointer(target.baseAddress), let from = bytes.baseAddress
      else {
        return
      }
      for row in 0..<panel.rows {
        (to + row * run).copyMemory(
          from: from + (panel.start + row * shape.last) * width, byteCount: run)
      }
    }
    try packed.withRawBytes(body)
  }
}

/// Panels, as row-major bytes.
package func unpackPanels(_ bytes: [UInt8], _ shape: Shape, width: Int) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: bytes.count) { target, count in
    bytes.withUnsafeBytes { source in
      guard var from = source.baseAddress, let to = UnsafeMutableRawPointer(target.baseAddress)
      else { return }
      for panel in panels(shape) {
        let run = panel.columns * width
        for row in 0..<panel.rows {
          (to + (panel.start + row * shape.last) * width).copyMemory(from: from, byteCount: run)
          from += run
        }
      }
    }
    count = bytes.count
  }
}

/// The panels of matrices of `shape` in the order of the file: where each starts in row-major order, and its extents.
private func panels(_ shape: Shape) -> [(start: Int, rows: Int, columns: Int)] {
  let columns = shape.last
  let rows = shape.rank >= 2 ? shape[shape.rank - 2] : 1
  return (0..<shape.elementCount / (rows * columns)).flatMap { matrix in
    stride(from: 0, to: columns, by: panelWidth).map { panel in
      (matrix * rows * columns + panel, rows, min(panelWidth, columns - panel))
    }
  }
}
