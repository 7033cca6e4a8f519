// Pictures that are made: PNG files, contact sheets, filters, feature maps.
import CZoo
import Foundation
import Testing
import Zoo
import ZooCompiler
import ZooImage
import ZooTrain

/// What our own decoder reads from `bytes`: width, height, RGB.
func decoded(_ bytes: [UInt8]) throws -> (width: Int, height: Int, pixels: [UInt8]) {
  var options = ImageOptions()
  options.background = (0, 0, 0)
  return try bytes.withUnsafeBytes { raw in
    let image = try Image(decoding: raw, options: options)
    let count = image.width * image.height * 3
    return (
      image.width, image.height, Array(UnsafeBufferPointer(start: image.pixels, count: count))
    )
  }
}

struct PictureTests {
  /// A picture of noise: nothing that compression or filters could hide behind.
  private func noise(_ width: Int, _ height: Int, _ channels: Int) -> Picture {
    var random = RandomStream(seed: 7, name: "\(width)x\(height)x\(channels)")
    var picture = Picture(width: width, height: height, channels: channels)
    for index in picture.pixels.indices { picture.pixels[index] = UInt8(random.below(256)) }
    return picture
  }

  @Test(arguments: [(1, 1), (1, 9), (33, 1), (40, 27), (1200, 700)])
  func pngIsReadBackAsItWas(_ size: (Int, Int)) throws {
    for channels in [1, 3] {
      let picture = noise(size.0, size.1, channels)
      let read = try decoded(try picture.png())
      #expect(read.width == size.0 && read.height == size.1)
      let expected =
        channels == 3 ? picture.pixels : picture.pixels.flatMap { [$0, $0, $0] }
      #expect(read.pixels == expected)
    }
  }

  @Test func alphaIsKept() throws {
    let picture = noise(20, 10, 4)
    let read = try decoded(try picture.png())
    for pixel in 0..<200 {
      let alpha = UInt32(picture.pixels[pixel * 4 + 3])
      for c in 0..<3 {
        let blended = (UInt32(picture.pixels[pixel * 4 + c]) * alpha + 127) / 255
        #expect(UInt32(read.pixels[pixel * 3 + c]) == blended)
      }
    }
  }

  @Test(arguments: [(0, 4, 3), (4, 0, 1), (4, 4, 2), (4, 4, 5)])
  func picturesThatPNGDoesNotHaveAreErrors(_ shape: (Int, Int, Int)) throws {
    let picture = Picture(width: shape.0, height: shape.1, channels: shape.2)
    #expect(throws: CompileError.self) { try picture.png() }
  }

  @Test func dataURIHoldsTheFile() throws {
    let picture = noise(5, 6, 3)
    let uri = try picture.dataURI()
    let prefix = "data:image/png;base64,"
    #expect(uri.hasPrefix(prefix))
    let data = try #require(Data(base64Encoded: String(uri.dropFirst(prefix.count))))
    #expect(try decoded(Array(data)).pixels == picture.pixels)
  }

  @Test func sizesChangeByWholeFactors() {
    var picture = Picture(width: 3, height: 2, channels: 1)
    picture.pixels = [0, 10, 20, 30, 40, 50]
    #expect(picture.enlarged(2)[5, 3, 0] == 50)
    #expect(picture.enlarged(2).reduced(2) == picture)
    #expect(picture.reduced(2).pixels == [20, 35], "means of 2x2, then of what is left")
  }

  @Test func drawingIsCutAtTheEdges() {
    var sheet = Picture(width: 4, height: 3, channels: 3)
    let tile = Picture(width: 2, height: 2, channels: 1, fill: 9)
    for (x, y) in [(-1, -1), (3, 2), (10, 10), (-5, 0)] { sheet.draw(tile, x: x, y: y) }
    #expect(sheet[0, 0, 2] == 9 && sheet[3, 2, 0] == 9)
    #expect(sheet.pixels.filter { $0 == 9 }.count == 6)
  }

  @Test func sheetsHaveTheirTilesInRows() {
    let tiles = (0..<40).map { Picture(width: 8, height: 8, channels: 1, fill: UInt8(200 + $0)) }
    let sheet = ContactSheet.draw(tiles)
    #expect(sheet.width < 1100)
    for (index, tile) in tiles.enumerated() {
      let count = sheet.pixels.filter { $0 == tile.pixels[0] }.count
      #expect(count == 64 * 49, "tile \(index), enlarged seven times")
    }
  }

  @Test func filtersShowTheirWeights() throws {
    var builder = NetworkBuilder(RandomWeights(seed: 3))
    let image = builder.image(height: 8, width: 8, channels: 3)
    let first = try builder.convolution("first", image, channels: 20, kernel: 3)
    let grouped = try builder.convolution("grouped", first, channels: 8, kernel: 3, groups: 4)
    let flat = try builder.convolution("flat", grouped, channels: 6, kernel: 1)
    let deep = try builder.depthwise("deep", flat, kernel: 3)
    let graph = try builder.finish(deep)
    let colour = try #require(FilterTiles(graph.nodes[0], graph))
    #expect(colour.count == 20 && colour.tiles.count == 20 && !colour.isMatrix)
    let weights = try #require(graph.floats(graph.nodes[0].inputs[1]))
    for filter in 0..<20 {
      let own = (0..<27).map { weights[$0 * 20 + filter] }
      let peak = own.map(abs).max() ?? 0
      let expected = own.map { UInt8((127.5 * (1 + $0 / peak)).rounded()) }
      #expect(colour.tiles[filter].pixels == expected)
    }
    let grey = try #require(FilterTiles(graph.nodes[1], graph, limit: 5))
    #expect(grey.count == 8 && grey.tiles.count == 5 && grey.extents == (3, 3, 5))
    #expect(grey.tiles[0].channels == 1)
    let matrix = try #require(FilterTiles(graph.nodes[2], graph))
    #expect(matrix.isMatrix && matrix.tiles.count == 1)
    #expect(matrix.tiles[0].width == 8 && matrix.tiles[0].height == 6)
    #expect(FilterTiles(graph.nodes[3], graph)?.count == 6)
    let bgr = try #require(FilterTiles(graph.nodes[0], graph, order: .bgr))
    #expect(bgr.tiles[4][1, 2, 0] == colour.tiles[4][1, 2, 2])
  }

  @Test func mapsAreScaledOneByOne() {
    let maps = FeatureMaps(
      height: 1, width: 3, channels: 3, values: [0, 5, 10, -1, -1, -1, 0, .nan, 2])
    #expect(maps.tiles().map(\.pixels) == [[0, 128, 255], [0, 0, 0], [0, 0, 255]])
    #expect(maps.tiles(limit: 1).count == 1)
    let single = FeatureMaps(height: 1, width: 1, channels: 3, values: [1, 2, 3])
    #expect(single.tiles().map(\.pixels) == [[0], [128], [255]])
  }

  @Test func mapsAreReadThroughGaps() throws {
    var memory: [Float] = (0..<24).map(Float.init)
    memory.withUnsafeMutableBytes { raw in
      var tensor = zoo_tensor()
      tensor.data = raw.baseAddress
      tensor.type = ZOO_F32
      tensor.rank = 4
      tensor.shape = (1, 2, 2, 3, 1, 1)
      tensor.row_stride = 6
      let maps = FeatureMaps(tensor)
      #expect(maps?.values == [0, 6, 12, 18, 1, 7, 13, 19, 2, 8, 14, 20])
      tensor.rank = 2
      #expect(FeatureMaps(tensor) == nil)
    }
  }
}
