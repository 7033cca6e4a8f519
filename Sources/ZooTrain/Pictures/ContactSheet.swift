// Many small pictures on one sheet.

/// Tiles of one size in rows, each under its index.
package struct ContactSheet {
  /// How many tiles a sheet shows at most; its caption says so if there are more.
  package static let limit = 256
  private static let width = 1080
  private static let gap = 3
  private static let paper: UInt8 = 24
  private static let ink: UInt8 = 150

  /// Draws `tiles`; small ones are enlarged, by whole factors so that their pixels stay crisp.
  package static func draw(_ tiles: [Picture]) -> Picture {
    guard let first = tiles.first else { return Picture(width: 1, height: 1, channels: 1) }
    let side = max(first.width, first.height)
    // Even a tile of one pixel is wide enough for the three digits of its index.
    let factor = side == 1 ? 28 : max(1, (tiles.count <= 32 ? 112 : 56) / side)
    let cell = (
      width: max(28, first.width * factor) + gap,
      height: first.height * factor + gap + Digits.height + 3
    )
    let fitting = max(1, (width - gap) / cell.width)
    // Rows of 8, 16 or 32 read easily, and networks have as many channels.
    let columns =
      tiles.count <= fitting
      ? tiles.count : 1 << (fitting.bitWidth - 1 - fitting.leadingZeroBitCount)
    let rows = (tiles.count + columns - 1) / columns
    var sheet = Picture(
      width: columns * cell.width + gap, height: rows * cell.height + gap,
      channels: tiles.map(\.channels).max() ?? 1, fill: paper)
    for (index, tile) in tiles.enumerated() {
      let x = gap + index % columns * cell.width
      let y = gap + index / columns * cell.height
      Digits.draw(index, on: &sheet, x: x + 1, y: y + 1, ink)
      sheet.draw(tile.enlarged(factor), x: x, y: y + Digits.height + 3)
    }
    return sheet
  }
}

/// Ten digits of 3 x 5 dots, two pixels a dot.
private enum Digits {
  static let height = 10
  /// Five rows of three bits each, the upper row in the highest bits.
  private static let glyphs: [UInt16] = [
    0b111_101_101_101_111, 0b010_110_010_010_111, 0b111_001_111_100_111, 0b111_001_111_001_111,
    0b101_101_111_001_001, 0b111_100_111_001_111, 0b111_100_111_101_111, 0b111_001_001_001_001,
    0b111_101_111_101_111, 0b111_101_111_001_111,
  ]

  static func draw(_ number: Int, on sheet: inout Picture, x: Int, y: Int, _ ink: UInt8) {
    let dot = Picture(width: 2, height: 2, channels: 1, fill: ink)
    for (position, digit) in String(number).utf8.enumerated() {
      let glyph = glyphs[Int(digit) - 48]
      for bit in 0..<15 where glyph >> (14 - bit) & 1 == 1 {
        sheet.draw(dot, x: x + position * 8 + bit % 3 * 2, y: y + bit / 3 * 2)
      }
    }
  }
}
