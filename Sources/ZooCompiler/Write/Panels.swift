// Weights as panels of 16 columns: the order all kernels read.
package import Zoo

private let panelWidth = 16

/// Calls `body(plain, packed, count)` for every run of weights that are neighbours in both orders: where it starts in each.
///
/// `shape` is [.., rows, columns]; each matrix of the outer extents is packed by itself: its panels one after the
/// other, each [rows][16], the last one [rows][columns % 16].
private func forEachRun(_ shape: Shape, _ body: (Int, Int, Int) -> Void) {
  let columns = shape.last
  let rows = shape.rank >= 2 ? shape[shape.rank - 2] : 1
  let matrices = shape.elementCount / (rows * columns)
  for matrix in 0..<matrices {
    let base = matrix * rows * columns
    for panel in stride(from: 0, to: columns, by: panelWidth) {
      let width = min(panelWidth, columns - panel)
      for row in 0..<rows {
        body(base + row * columns + panel, base + panel * rows + row * width, width)
      }
    }
  }
}

/// Row-major `bytes` of elements of `width` bytes, as panels.
package func packPanels(_ bytes: [UInt8], _ shape: Shape, width: Int) -> [UInt8] {
  reorder(bytes, shape, width) { plain, packed in (plain, packed) }
}

/// Panels, as row-major bytes.
package func unpackPanels(_ bytes: [UInt8], _ shape: Shape, width: Int) -> [UInt8] {
  reorder(bytes, shape, width) { plain, packed in (packed, plain) }
}

private func reorder(
  _ bytes: [UInt8], _ shape: Shape, _ width: Int, _ direction: (Int, Int) -> (from: Int, to: Int)
) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: bytes.count) { target, count in
    bytes.withUnsafeBytes { source in
      guard let from = source.baseAddress, let to = UnsafeMutableRawPointer(target.baseAddress)
      else { return }
      forEachRun(shape) { plain, packed, count in
        let move = direction(plain, packed)
        (to + move.to * width).copyMemory(from: from + move.from * width, byteCount: count * width)
      }
    }
    count = bytes.count
  }
}

/// Row-major bytes of integer weights as panels of 16 columns in quads: 4 rows of one column side by side.
///
/// `shape` is [.., rows, columns] with rows a multiple of 4; each panel is [rows / 4][16][4], the last one
/// [rows / 4][columns % 16][4].
package func packQuads(_ bytes: [UInt8], _ shape: Shape) -> [UInt8] {
  var packed = [UInt8](repeating: 0, count: bytes.count)
  forEachQuadElement(shape) { plain, at in packed[at] = bytes[plain] }
  return packed
}

/// Quads, as row-major bytes.
package func unpackQuads(_ bytes: [UInt8], _ shape: Shape) -> [UInt8] {
  var plain = [UInt8](repeating: 0, count: bytes.count)
  forEachQuadElement(shape) { index, at in plain[index] = bytes[at] }
  return plain
}

private func forEachQuadElement(_ shape: Shape, _ body: (_ plain: Int, _ packed: Int) -> Void) {
  let columns = shape.last
  let rows = shape[shape.rank - 2]
  for matrix in 0..<shape.elementCount / (rows * columns) {
    let base = matrix * rows * columns
    for column in 0..<columns {
      let panel = column / panelWidth * panelWidth
      let width = min(panelWidth, columns - panel)
      for row in 0..<rows {
        body(
          base + row * columns + column,
          base + panel * rows + row / 4 * width * 4 + (column - panel) * 4 + row % 4)
      }
    }
  }
}
