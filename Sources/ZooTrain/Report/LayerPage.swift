// A network's layers as pictures, on one page beside their files.
import Foundation
package import Zoo
package import ZooCompiler

/// One layer as `LayerPage` shows it.
package struct LayerPictures {
  /// The place in the list, from 1, and the length of the list.
  package let number: Int
  private let count: Int
  package let node: GraphNode
  package let output: Shape
  package let filters: FilterTiles?
  /// Nil where the output is no picture.
  package let maps: FeatureMaps?

  package init(
    number: Int, of count: Int, node: GraphNode, graph: Graph, maps: FeatureMaps?
  ) {
    self.number = number
    self.count = count
    self.node = node
    output = graph[node.output].shape
    // Colour is for the layer that sees the picture; elsewhere three channels are no colours.
    let isFirst = firstConvolution(graph)?.output == node.output
    filters = FilterTiles(
      node, graph, order: graph.info.preprocessing?.channelOrder ?? .rgb, isColour: isFirst)
    self.maps = maps
  }

  /// "03-fire2-squeeze": what its files begin with.
  package var stem: String {
    let safe = node.name.map { character in
      character.isASCII && (character.isLetter || character.isNumber || "._-".contains(character))
        ? character : "-"
    }
    let name = String(safe.suffix(80)).trimmingCharacters(in: CharacterSet(charactersIn: "-."))
    // As many zeros as make names sort like layers.
    let digits = max(2, String(count).count)
    let zeros = String(repeating: "0", count: max(0, digits - String(number).count))
    return "\(zeros)\(number)-\(name.isEmpty ? "layer" : name)"
  }

  /// Pictures with their file names and what they show, as markup.
  package func sheets() -> [(file: String, picture: Picture, caption: String)] {
    var result: [(String, Picture, String)] = []
    if let filters {
      let (height, width, channels) = filters.extents
      let picture =
        filters.isMatrix
        ? filters.tiles[0].enlarged(max(1, min(16, 900 / filters.tiles[0].width)))
        : ContactSheet.draw(filters.tiles)
      let what =
        filters.isMatrix
        ? "Weights, \(filters.matrixLegend)"
        : "\(shown(filters.tiles.count, of: filters.count)) filters of \(height)\u{D7}\(width)\u{D7}\(channels)"
          + (channels == 1 || filters.tiles[0].channels == 3 ? "" : ", mean over the channels")
      result.append((stem + "-filters.png", picture, what))
    }
    if let maps {
      let tiles = maps.tiles()
      result.append(
        (
          stem + ".png", ContactSheet.draw(tiles),
          "\(shown(tiles.count, of: maps.channels)) feature maps of \(maps.height)\u{D7}\(maps.width)"
        ))
    }
    return result.map { (file: $0.0, picture: $0.1, caption: $0.2) }
  }

  private func shown(_ count: Int, of all: Int) -> String {
    count == all ? "\(all)" : "The first \(count) of \(all)"
  }
}

/// index.html of `zoo-tool visualize`.
package struct LayerPage {
  private var page: Page

  /// - Parameters:
  ///   - answers: classes with their probabilities, best first.
  package init(
    model: String, photo: String, input: (file: String, shape: Shape),
    answers: [(label: String, probability: Double)]
  ) {
    page = Page(
      title: model,
      subtitle: "What its layers make of \(escapeMarkup((photo as NSString).lastPathComponent))",
      style: LayerPage.style)
    let list = answers.map {
      [escapeMarkup($0.label), String(format: "%.1f %%", $0.probability * 100)]
    }
    page.add(
      "<div class=\"intro\"><figure><img class=\"smooth\" src=\"\(input.file)\" width=\"\(input.shape[2])\" height=\"\(input.shape[1])\" alt=\"the photo as the network sees it\"/>"
        + "<figcaption>The photo as the network sees it, \(describe(input.shape))</figcaption></figure>"
        + (list.isEmpty ? "" : listTable(["answer", "probability"], list, numbers: [1]))
        + "</div>")
    page.add(
      "<p class=\"note\">Each feature map runs from black, its least value, to white, its largest; maps of one pixel are scaled together. In filters mid-grey is zero, and each is scaled by itself. A sheet shows at most \(ContactSheet.limit) tiles.</p>"
    )
  }

  /// Adds a layer whose sheets were written beside the page.
  package mutating func add(
    _ layer: LayerPictures, _ sheets: [(file: String, picture: Picture, caption: String)]
  ) {
    let images = sheets.map { sheet in
      "<figure><figcaption>\(sheet.caption)</figcaption><a href=\"\(sheet.file)\"><img class=\"smooth\" src=\"\(sheet.file)\" width=\"\(sheet.picture.width)\" height=\"\(sheet.picture.height)\" alt=\"\(sheet.caption) of \(escapeMarkup(layer.node.name))\" loading=\"lazy\"/></a></figure>"
    }
    page.section(
      "\(layer.number)  \(layer.node.name)",
      note: "\(escapeMarkup(title(layer.node))), output \(describe(layer.output))",
      images.joined(separator: "\n"))
  }

  package mutating func finish(signature: String) -> String {
    page.add("<footer>\(escapeMarkup(signature))</footer>")
    return page.html()
  }

  private static let style = """
    .intro { display: flex; flex-wrap: wrap; gap: 1.5rem 2.5rem; align-items: flex-start; margin: 1.5rem 0; }
    figure { margin: 0 0 1.25rem; }
    figcaption { color: var(--soft); font-size: 0.85rem; margin-bottom: 0.35rem; }
    .intro figure { margin: 0; }
    .intro figcaption { margin: 0.35rem 0 0; }
    .intro img { min-width: 8rem; border-radius: 4px; }
    section img { border-radius: 4px; }
    img { display: block; max-width: 100%; height: auto; }

    """
}
