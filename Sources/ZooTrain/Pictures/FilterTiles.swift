// What a convolution looks for, as pictures of its weights.
import CZoo
package import Zoo
package import ZooCompiler

/// The filters of one convolution.
///
/// Weight 0 is mid-grey, and the largest magnitude of a filter is black or white: w becomes 127.5 (1 + w / max |w|).
/// Filters of three channels are shown in colour (if `isColour`), others as the mean over their channels. A 1x1 convolution has no shape
/// to see: its weights are one picture, scaled together, with the longer side, inputs or outputs, across.
package struct FilterTiles {
  package let tiles: [Picture]
  /// How many filters there are; `tiles` may be fewer.
  package let count: Int
  package let isMatrix: Bool
  /// Height, width and inputs of a filter.
  package let extents: (height: Int, width: Int, channels: Int)

  /// What a picture of all weights shows where.
  package var matrixLegend: String {
    count > extents.channels
      ? "a column for each of \(count) outputs, a row for each of \(extents.channels) inputs"
      : "a row for each of \(count) outputs, a column for each of \(extents.channels) inputs"
  }

  /// Nil if `node` is no convolution with constant weights of f32 or i8.
  package init?(
    _ node: GraphNode, _ graph: Graph, order: ChannelOrder = .rgb, isColour: Bool = true,
    limit: Int = ContactSheet.limit
  ) {
    guard node.inputs.count > 1, let id = node.inputs[1], let weights = numbers(graph[id].constant)
    else { return nil }
    let shape = graph[id].shape
    switch node.operation {
    case let conv as Conv2D:
      let (height, width) = (Int(conv.window.kernelHeight), Int(conv.window.kernelWidth))
      let (groups, depth, outputs) = (shape[0], shape[1], shape[2])
      let channels = depth / (height * width)
      extents = (height, width, channels)
      count = groups * outputs
      /// Weight `row` (of height, width, channel) of filter `filter`.
      func weight(_ filter: Int, _ row: Int) -> Float {
        weights[(filter / outputs * depth + row) * outputs + filter % outputs]
      }
      isMatrix = height == 1 && width == 1
      if isMatrix {
        tiles = [matrix(outputs: count, inputs: channels, weight)]
      } else {
        tiles = (0..<min(count, limit)).map { filter in
          tile(height, width, channels, isColour ? order : .gray) { weight(filter, $0) }
        }
      }
    case is DepthwiseConv2D:
      extents = (shape[0], shape[1], 1)
      count = shape[2]
      isMatrix = false
      tiles = (0..<min(count, limit)).map { filter in
        tile(shape[0], shape[1], 1, .gray) { weights[$0 * shape[2] + filter] }
      }
    default: return nil
    }
  }
}

/// The convolution that sees the picture itself: the first of the network.
package func firstConvolution(_ graph: Graph) -> GraphNode? {
  graph.nodes.first { $0.operation is Conv2D || $0.operation is DepthwiseConv2D }
}

/// Elements up to a factor, which pictures do without: each filter is scaled by itself.
private func numbers(_ constant: Constant?) -> [Float]? {
  switch constant?.type {
  case ZOO_F32: constant?.floats
  case ZOO_I8: constant?.bytes.map { Float(Int8(bitPattern: $0)) }
  default: nil
  }
}

private func tile(
  _ height: Int, _ width: Int, _ channels: Int, _ order: ChannelOrder, _ weight: (Int) -> Float
) -> Picture {
  let isColour = channels == 3 && order != .gray
  var values: [Float] = []
  for pixel in 0..<height * width {
    let all = (0..<channels).map { weight(pixel * channels + $0) }
    if isColour {
      values += order == .bgr ? all.reversed() : all
    } else {
      values.append(all.reduce(0, +) / Float(channels))
    }
  }
  var picture = Picture(width: width, height: height, channels: isColour ? 3 : 1)
  picture.pixels = levels(values)
  return picture
}

private func matrix(outputs: Int, inputs: Int, _ weight: (Int, Int) -> Float) -> Picture {
  let across = max(outputs, inputs)
  var picture = Picture(width: across, height: min(outputs, inputs), channels: 1)
  picture.pixels = levels(
    (0..<picture.height).flatMap { row in
      (0..<across).map { outputs > inputs ? weight($0, row) : weight(row, $0) }
    })
  return picture
}

private func levels(_ values: [Float]) -> [UInt8] {
  let peak = values.reduce(Float(0)) { $1.isFinite ? max($0, abs($1)) : $0 }
  return values.map { value in
    guard value.isFinite, peak > 0 else { return 128 }
    return UInt8((127.5 * (1 + value / peak)).rounded())
  }
}
