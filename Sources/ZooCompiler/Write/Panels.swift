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

/// Calls `body` with the panels of row-major bytes in quads: 4 rows of one column side by side.
///
/// `shape` is [.., rows, columns] with rows a multiple of 4; each panel is [rows / 4][16][4], the last one
/// [rows / 4][columns % 16][4].
func forEachQuadPanel(
  _ bytes: UnsafeRawBufferPointer, _ shape: Shape,
  _ body: (UnsafeRawBufferPointer) throws(CompileError) -> Void
) throws(CompileError) {
  for panel in panels(shape) {
    var packed = [UInt8](repeating: 0, count: panel.rows * panel.columns)
    forEachQuadElement(panel, shape.last) { plain, at in packed[at] = bytes[plain] }
    try packed.withRawBytes(body)
  }
}

/// Panels in quads, as row-major bytes.
package func unpackQuads(_ bytes: [UInt8], _ shape: Shape) -> [UInt8] {
  var plain = [UInt8](repeating: 0, count: bytes.count)
  var start = 0
  for panel in panels(shape) {
    forEachQuadElement(panel, shape.last) { index, at in plain[index] = bytes[start + at] }
    start += panel.rows * panel.columns
  }
  return plain
}

/// Where each element of a panel is in row-major order, and in the panel's quads.
private func forEachQuadElement(
  _ panel: Panel, _ stride: Int, _ body: (_ plain: Int, _ packed: Int) -> Void
) {
  for row in 0..<panel.rows {
    for column in 0..<panel.columns {
      body(
        panel.start + row * stride + column, (row / 4 * panel.columns + column) * 4 + row % 4)
    }
  }
}

/// Calls `body` with the panels of row-major numbers of 16 bits in pairs: 2 rows of one column side by side, a last row without a
/// partner as it is.
func forEachPairPanel(
  _ bytes: UnsafeRawBufferPointer, _ shape: Shape,
  _ body: (UnsafeRawBufferPointer) throws(CompileError) -> Void
) throws(CompileError) {
  for panel in panels(shape) {
    var packed = [UInt8](repeating: 0, count: panel.rows * panel.columns * 2)
    forEachPairElement(panel, shape.last) { plain, at in
      packed[2 * at] = bytes[2 * plain]
      packed[2 * at + 1] = bytes[2 * plain + 1]
    }
    try packed.withRawBytes(body)
  }
}

/// Panels in pairs, as row-major bytes.
package func unpackPairs(_ bytes: [UInt8], _ shape: Shape) -> [UInt8] {
  var plain = [UInt8](repeating: 0, count: bytes.count)
  var start = 0
  for panel in panels(shape) {
    forEachPairElement(panel, shape.last) { index, at in
      plain[2 * index] = bytes[2 * (start + at)]
      plain[2 * index + 1] = bytes[2 * (start + at) + 1]
    }
    start += panel.rows * panel.columns
  }
  return plain
}

/// Where each element of a panel is in row-major order, and in the panel's pairs.
private func forEachPairElement(
  _ panel: Panel, _ stride: Int, _ body: (_ plain: Int, _ packed: Int) -> Void
) {
  for row in 0..<panel.rows {
    let isAlone = row % 2 == 0 && row + 1 == panel.rows
    let first = isAlone ? row * panel.columns : row / 2 * 2 * panel.columns + row % 2
    for column in 0..<panel.columns {
      body(panel.start + row * stride + column, first + column * (isAlone ? 1 : 2))
    }
  }
}

/// Columns of a matrix: where they start in row-major order, and their extents.
private typealias Panel = (start: Int, rows: Int, columns: Int)

/// The panels of matrices of `shape` in the order of the file.
private func panels(_ shape: Shape) -> [Panel] {
  let columns = shape.last
  let rows = shape.rank >= 2 ? shape[shape.rank - 2] : 1
  return (0..<shape.elementCount / (rows * columns)).flatMap { matrix in
    stride(from: 0, to: columns, by: panelWidth).map { panel in
      (matrix * rows * columns + panel, rows, min(panelWidth, columns - panel))
    }
  }
}
