// Small pictures in rows that wrap: mistakes and filters.
import Foundation
import ZooCompiler

/// Pictures of a data set that were answered wrongly with the most confidence.
enum Thumbnails {
  static let mostMistakes = 40
  /// Larger pictures of a data set are reduced to about this.
  private static let side = 96

  static func mistakes(_ evaluation: Evaluation, _ data: Dataset) throws(CompileError) -> String {
    var figures: [String] = []
    for mistake in evaluation.mistakes.prefix(mostMistakes) {
      func name(_ index: Int) -> String {
        escapeMarkup(index < data.classNames.count ? data.classNames[index] : "class \(index)")
      }
      let source =
        mistake.index < data.files.count
        ? data.files[mistake.index] : "image \(mistake.index)"
      let picture = picture(data, mistake.index)
      figures.append(
        "<figure>\(try image(picture, alt: "\(source), a mistake"))<figcaption><b>\(name(mistake.actual))</b><br/>"
          + "<span class=\"wrong\">\(name(mistake.predicted))</span> <span class=\"soft\">\(share(mistake.probability))</span></figcaption></figure>"
      )
    }
    return "<div class=\"shots\">\(figures.joined(separator: "\n"))</div>"
  }

  static func filters(_ filters: FilterTiles) throws(CompileError) -> String {
    var images: [String] = []
    for (index, tile) in filters.tiles.enumerated() {
      images.append(
        "<img src=\"\(try tile.dataURI())\" width=\"\(tile.width)\" height=\"\(tile.height)\" alt=\"filter \(index)\" title=\"filter \(index)\"/>"
      )
    }
    return
      "<div class=\"filters\(filters.isMatrix ? " whole" : filters.tiles.count <= 16 ? " few" : "")\">\(images.joined(separator: "\n"))</div>"
  }

  private static func picture(_ data: Dataset, _ index: Int) -> Picture {
    var picture = Picture(width: data.width, height: data.height, channels: data.channels)
    picture.pixels = Array(
      data.pixels[index * data.imageByteCount..<(index + 1) * data.imageByteCount])
    return picture.reduced(max(data.width, data.height) / side)
  }

  static func image(_ picture: Picture, alt: String) throws(CompileError) -> String {
    // Pixels of small pictures are to be seen; photos are not to look like it.
    let kind = max(picture.width, picture.height) > 64 ? " class=\"smooth\"" : ""
    let text = escapeMarkup(alt)
    return
      "<img\(kind) src=\"\(try picture.dataURI())\" width=\"\(picture.width)\" height=\"\(picture.height)\" alt=\"\(text)\" title=\"\(text)\"/>"
  }

  /// "98.1 %", and never "100.0 %" for less.
  private static func share(_ probability: Double) -> String {
    let text = String(format: "%.1f %%", probability * 100)
    return text == "100.0 %" && probability < 1 ? "\u{2265} 99.9 %" : text
  }

  static let style = """
    .shots { display: grid; grid-template-columns: repeat(auto-fill, minmax(6rem, 1fr)); gap: 1.1rem 0.9rem; }
    .shots figure { margin: 0; }
    .shots img { display: block; width: 100%; height: auto; border-radius: 3px; background: var(--card); }
    .shots figcaption { margin-top: 0.35rem; font-size: 0.8rem; line-height: 1.35; }
    .shots .soft { white-space: nowrap; }
    .wrong { color: var(--wrong); }
    .filters { display: flex; flex-wrap: wrap; gap: 4px; }
    .filters img { width: 3.25rem; height: auto; }
    .filters.few img { width: 4.5rem; }
    .filters.whole img { width: 100%; max-width: 30rem; }
    @media (max-width: 34rem) {
      .shots { grid-template-columns: repeat(auto-fill, minmax(4.6rem, 1fr)); gap: 0.9rem 0.6rem; }
      .filters img { width: 2.6rem; }
      .filters.few img { width: 3.6rem; }
    }

    """
}
