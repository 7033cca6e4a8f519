// Convolutions of 3 x 3 taps with few channels, a block of tiles after the other.
import CZoo
import CZooKernels
import CZooTrainKernels
import Zoo

/// What a forward pass and dL/dX have in common where both are such a convolution, y = conv(x, w): the steps of `WinogradWork`, to be
/// joined with others while a block of tiles is in L2.
///
/// With few channels the transforms take longer than the products and wait for memory. So the spectrum of the weights is made once, blocks are
/// small, and what the next block reads and this one writes is fetched while the products run.
final class TransformedTiles {
  let shape: Winograd
  private let x: UnsafePointer<Float>
  private let source: ImageSource<Float>
  private let packed: PackedWeights
  /// [36][panels of 16 columns][channels][16]
  private let weights: Buffer
  private let weightStride: Int
  /// Parts of the images that are a piece of work each, cut at fixed places.
  let pieces: Int

  /// The five spectra of a block are 740 KB where gradients have 32 channels and 32 columns.
  static let mostTiles = 32
  private static let mostWeights = 1 << 10
  private static let mostPieces = 16

  /// - Parameters:
  ///   - image: the shape of x.
  ///   - packed: where the weights will be.
  /// Nil if channels are too many.
  init?(
    _ shape: Winograd, _ window: Window, x: UnsafePointer<Float>, image: Shape,
    _ packed: PackedWeights
  ) {
    guard shape.channels * shape.columns <= TransformedTiles.mostWeights else { return nil }
    self.shape = shape
    self.x = x
    source = ImageSource(
      base: x, image: zoo_tensor(ZOO_F32, image), channels: shape.channels,
      outputHeight: shape.height, outputWidth: shape.width, vertical: window.vertical(image[1]),
      horizontal: window.horizontal(image[2]))
    self.packed = packed
    weightStride = shape.channels * shape.columns + Winograd.gap
    weights = Buffer(count: Winograd.numbers * weightStride)
    pieces = min(TransformedTiles.mostPieces, shape.images)
  }

  /// Where y goes: [images][height][width][columns].
  struct Output {
    let base: UnsafeMutablePointer<Float>
    var adds = false
    var bias: UnsafePointer<Float>?
    var lower = -Float.infinity
    var upper = Float.infinity
  }

  /// Spectra of a block of tiles: [36][tiles][channels] of x, [36][tiles][columns] of y.
  struct Spectra {
    let x: UnsafeMutablePointer<Float>
    let xStride: Int
    let y: UnsafeMutablePointer<Float>
    let yStride: Int
  }

  /// From one of the 36 numbers to the next, for up to `mostTiles` tiles with `lanes` numbers each.
  static func stride(_ lanes: Int) -> Int { mostTiles * lanes + Winograd.gap }

  /// Transforms what `packed` holds.
  func transformWeights(_ workers: Workers) {
    let panel = PackedWeights.panelWidth
    var params = zoo_f32_winograd_params()
    params.kind = packed.type == ZOO_BF16 ? ZOO_WINOGRAD_BF16_WEIGHTS : ZOO_WINOGRAD_WEIGHTS
    params.row_stride = 3 * shape.channels * panel
    params.pixel_stride = shape.channels * panel
    params.spectrum_stride = weightStride
    for column in Swift.stride(from: 0, to: shape.columns, by: panel) {
      params.x = UnsafeRawPointer(packed.panel(column, rows: 9 * shape.channels))
      params.spectrum = weights.base + column * shape.channels
      workers.runtime.pointee.kernels.f32_winograd?(shape.channels * panel, &params)
    }
  }

  /// Calls `body` for each block of tiles of a piece of work.
  func forEachBlock(of piece: Int, _ body: (Range<Int>) -> Void) {
    let tilesPerImage = shape.tileCount / shape.images
    var first = shape.images * piece / pieces * tilesPerImage
    let end = shape.images * (piece + 1) / pieces * tilesPerImage
    while first < end {
      let part = first..<min(end, first + TransformedTiles.mostTiles)
      body(part)
      first = part.upperBound
    }
  }

  func transformInputs(_ tiles: Range<Int>, _ spectra: Spectra, _ workers: Workers) {
    for index in tiles {
      var params = shape.inputs(index, of: source)
      params.spectrum = spectra.x + (index - tiles.lowerBound) * shape.channels
      params.spectrum_stride = spectra.xStride
      workers.runtime.pointee.kernels.f32_winograd?(shape.channels, &params)
    }
  }

  /// The 36 products of a block; `also` is called after each.
  func multiply(
    _ tiles: Range<Int>, _ spectra: Spectra, _ output: Output, _ workers: Workers,
    also: (Int) -> Void = { _ in }
  ) {
    guard let kernel = workers.runtime.pointee.kernels.f32_igemm.run else { return }
    let most = 64  // rows of a call: to begin one takes as long as several rows of 16 channels
    let here = pixels(tiles)
    let next = here.upperBound..<min(2 * here.upperBound - here.lowerBound, pixelCount)
    withUnsafeTemporaryAllocation(of: UnsafePointer<Float>?.self, capacity: most) { pointers in
      guard let lines = pointers.baseAddress else { return }
      var params = zoo_f32_igemm_params()
      params.kc = shape.channels
      params.tap_count = 1
      params.a = UnsafePointer(lines)
      params.a_tap_stride = most
      params.c_stride = shape.columns
      params.lower = -Float.infinity
      params.upper = Float.infinity
      for number in 0..<Winograd.numbers {
        fetch(here, output.base, shape.columns, number, workers)
        fetch(next, x, shape.channels, number, workers)
        let inputs = spectra.x + number * spectra.xStride
        params.w = UnsafeRawPointer(weights.base + number * weightStride)
        var row = 0
        while row < tiles.count {
          let rows = min(most, tiles.count - row)
          for i in 0..<rows { lines[i] = UnsafePointer(inputs + (row + i) * shape.channels) }
          params.c = spectra.y + number * spectra.yStride + row * shape.columns
          kernel(rows, shape.columns, &params)
          row += rows
        }
        also(number)
      }
    }
  }

  func transformOutputs(
    _ tiles: Range<Int>, _ spectra: Spectra, to output: Output, _ workers: Workers
  ) {
    var params = zoo_f32_winograd_params()
    params.kind = ZOO_WINOGRAD_OUTPUT
    params.pixel_stride = shape.columns
    params.row_stride = shape.width * shape.columns
    params.spectrum_stride = spectra.yStride
    params.bias = output.bias
    params.addend_pixel_stride = params.pixel_stride
    params.addend_row_stride = params.row_stride
    params.lower = output.lower
    params.upper = output.upper
    for index in tiles {
      let (image, row, column) = shape.position(index)
      let first = UnsafeMutableRawPointer(output.base + pixel(image, row, column) * shape.columns)
      params.y = first
      params.addend = output.adds ? UnsafeRawPointer(first) : nil
      params.end_row = min(Winograd.tile, shape.height - row)
      params.end_column = min(Winograd.tile, shape.width - column)
      params.spectrum = spectra.y + (index - tiles.lowerBound) * shape.columns
      workers.runtime.pointee.kernels.f32_winograd?(shape.columns, &params)
    }
  }

  func pixel(_ image: Int, _ row: Int, _ column: Int) -> Int {
    (image * shape.height + row) * shape.width + column
  }

  private var pixelCount: Int { shape.images * shape.height * shape.width }

  /// About the pixels of y, and of x, that `tiles` cover: whole lines.
  private func pixels(_ tiles: Range<Int>) -> Range<Int> {
    let (image, row, _) = shape.position(tiles.lowerBound)
    let (lastImage, lastRow, _) = shape.position(tiles.upperBound - 1)
    return pixel(
      image, row, 0)..<pixel(
        lastImage, min(shape.height, lastRow + Winograd.tile), 0)
  }

  /// Part `number` of `pixels` of `lanes` floats.
  func fetch(
    _ pixels: Range<Int>, _ base: UnsafePointer<Float>, _ lanes: Int, _ number: Int,
    _ workers: Workers
  ) {
    let first = pixels.count * number / Winograd.numbers
    let end = pixels.count * (number + 1) / Winograd.numbers
    workers.kernels.fetch((end - first) * lanes, base + (pixels.lowerBound + first) * lanes)
  }
}
