// Convolutions of 3 x 3 taps in 36 products instead of 144: Winograd's F(4x4, 3x3).
package import CZoo
package import CZooKernels

/// The tiles of a convolution that is worth transforming, and the memory that one thread needs for it: one of floats, with weights of f32 or
/// bf16, or of bytes.
///
/// Outputs are made 4 x 4 at a time (the transforms are `f32_winograd` of `zoo_kernels.h`). A block of tiles is transformed once; then,
/// for two panels of columns at a time, so are the weights, a block of depth after the other, and 36 small products are added up. So nothing
/// of the size of the transformed weights, four times the weights, ever exists.
/// - Error: none in bytes (`i8_winograd`). In floats the transforms lose about four bits; relative to the sum of the products' magnitudes, 60 (c + 8) 2^-24 at most in practice.
/// - Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308.
package struct Winograd {
  package let images: Int
  package let height: Int
  package let width: Int
  package let channels: Int
  package let columns: Int
  private let isInteger: Bool

  /// Outputs of a tile on each axis.
  package static let tile = 4
  package static let numbers = 36
  package static let mostTiles = 48
  /// Channels at a time: of floats, and of bytes, as which they take as much room.
  static let depthBlock = 64
  static let integerDepthBlock = Int(ZOO_I8_WINOGRAD_DEPTH)
  static let columnBlock = 32
  /// Between the numbers of a tile, so that they do not all fall on the same lines of the cache.
  package static let gap = 16

  /// Nil unless `operation` is of a kind that this is for, and faster so.
  ///
  /// Compared are multiplications, with each transform counted as what it was measured to take.
  ///
  /// - Parameter isWide: whether the CPU multiplies wide vectors as fast as narrow ones, which makes transforms, bound by memory, dearer
  ///   beside products. (Zen 5, 7 x 7 pixels of 512 channels: products 1.17 ms, transforms 1.40; with AVX2 2.04, 1.53.)
  package init?(
    _ operation: Conv2D, x: Shape, weights: zoo_type, y: Shape, isWide: Bool = false
  ) {
    guard operation.window.isTransformable, operation.groups == 1,
      weights == ZOO_F32 || weights == ZOO_BF16 && x[3] % 2 == 0,
      !operation.activation.needsPass, y.rank == 4, y[3] % MatrixProduct.panel == 0
    else { return nil }
    images = y[0]
    height = y[1]
    width = y[2]
    channels = x[3]
    columns = y[3]
    isInteger = false
    let tiles = Float(tileCount)
    let (c, k) = (Float(channels), Float(columns))
    let blocks = Float((tileCount + Winograd.mostTiles - 1) / Winograd.mostTiles)
    let direct = 9 * Float(images) * Float(height) * Float(width) * c * k
    let transforms: Float = (isWide ? 180 : 150) * (c * k * blocks + tiles * c + tiles * k)
    // What is multiplied in bf16 takes less than in floats, as which transformed numbers are multiplied.
    let gain: Float = weights == ZOO_BF16 ? 0.45 : 0.7
    guard channels >= 16, direct >= 1e6, 36 * tiles * c * k + transforms < gain * direct else {
      return nil
    }
  }

  /// The same of bytes, for kernels that multiply numbers of 16 bits as fast as bytes.
  package init?(_ operation: IntegerConv2D<Int8>, x: Shape, y: Shape) {
    guard operation.window.isTransformable, operation.groups == 1, x[3] % 16 == 0, y.rank == 4,
      y[3] % MatrixProduct.panel == 0
    else { return nil }
    images = y[0]
    height = y[1]
    width = y[2]
    channels = x[3]
    columns = y[3]
    isInteger = true
    let tiles = Float(tileCount)
    let (c, k) = (Float(channels), Float(columns))
    let blocks = Float((tileCount + Winograd.mostTiles - 1) / Winograd.mostTiles)
    let parts = Float(
      (channels + Winograd.integerDepthBlock - 1) / Winograd.integerDepthBlock)
    let direct = 9 * Float(images) * Float(height) * Float(width) * c * k
    let transforms = 120 * (c * k * blocks + tiles * c) + 250 * tiles * k * parts
    guard 36 * tiles * c * k + transforms < 0.8 * direct else { return nil }
  }

  private var tileRows: Int { (height + Winograd.tile - 1) / Winograd.tile }
  private var tileColumns: Int { (width + Winograd.tile - 1) / Winograd.tile }
  package var tileCount: Int { images * tileRows * tileColumns }

  /// Image, first row and first column of the output of tile `index`.
  package func position(_ index: Int) -> (image: Int, row: Int, column: Int) {
    let line = index / tileColumns
    return (
      line / tileRows, line % tileRows * Winograd.tile, index % tileColumns * Winograd.tile
    )
  }

  /// What a transform of the inputs of tile `index` reads: its first element, and which of 6 rows and 6 columns there are.
  func extent<Element>(
    _ index: Int, of source: ImageSource<Element>
  ) -> (pixel: Int, rows: Range<Int>, columns: Range<Int>) {
    let (image, row, column) = position(index)
    let (top, left) = (source.vertical.origin(row), source.horizontal.origin(column))
    let pixel = (image * source.height + top) * source.width + left
    let (firstRow, firstColumn) = (max(0, -top), max(0, -left))
    return (
      pixel * source.pixelStride, firstRow..<max(firstRow, min(6, source.height - top)),
      firstColumn..<max(firstColumn, min(6, source.width - left))
    )
  }

  /// The same as a kernel of floats wants it.
  package func inputs<Element>(
    _ index: Int, of source: ImageSource<Element>
  ) -> zoo_f32_winograd_params {
    let (pixel, rows, columns) = extent(index, of: source)
    var params = zoo_f32_winograd_params()
    params.kind = ZOO_WINOGRAD_INPUT
    params.x = UnsafeRawPointer(source.base + pixel)
    params.pixel_stride = source.pixelStride
    params.row_stride = source.width * source.pixelStride
    (params.first_row, params.end_row) = (rows.lowerBound, rows.upperBound)
    (params.first_column, params.end_column) = (columns.lowerBound, columns.upperBound)
    return params
  }

  /// Parts of the channels, of floats.
  var depthBlocks: Int { (channels + Winograd.depthBlock - 1) / Winograd.depthBlock }

  /// Bytes with which one thread can work on `tiles` tiles at a time.
  private func byteCount(_ tiles: Int) -> Int {
    let depth = min(channels, isInteger ? Winograd.integerDepthBlock : Winograd.depthBlock)
    let inputs =
      isInteger ? tiles * channels + Winograd.gap : depthBlocks * (tiles * depth + Winograd.gap)
    let transformed = inputs + depth * Winograd.columnBlock + Winograd.gap
    let sums = tiles * Winograd.columnBlock + Winograd.gap
    let partial = isInteger ? tiles * Winograd.tile * Winograd.tile * Winograd.columnBlock : 0
    return Winograd.numbers * (transformed * (isInteger ? 2 : 4) + sums * 4) + partial * 4
  }

  /// Bytes of scratch memory that one thread can make use of, whole lines of the cache.
  package var byteCount: Int { (byteCount(min(Winograd.mostTiles, tileCount)) + 63) / 64 * 64 }
}

extension Window {
  /// Whether it has 3 x 3 taps that move by one pixel.
  fileprivate var isTransformable: Bool {
    kernelHeight == 3 && kernelWidth == 3 && strideHeight == 1 && strideWidth == 1
      && dilationHeight == 1 && dilationWidth == 1
  }
}
