// What a layer answers to a picture, channel by channel.
package import CZoo
import Zoo

/// The channels of one activation [1, height, width, channels], as grey tiles.
///
/// Each map runs from black (its least value) to white (its largest); a map without differences is black. Maps of a single
/// pixel are scaled together instead: one by one they would tell nothing.
package struct FeatureMaps {
  package let height: Int
  package let width: Int
  package let channels: Int
  /// [channel][y][x]
  package let values: [Float]

  package init(height: Int, width: Int, channels: Int, values: [Float]) {
    self.height = height
    self.width = width
    self.channels = channels
    self.values = values
  }

  /// Copies what `tensor` holds now. Nil if it is no picture of f32, bf16, i8, i16 or u8.
  package init?(_ tensor: zoo_tensor) {
    guard tensor.rank == 4, tensor.shape.0 == 1, let data = tensor.data else { return nil }
    let (height, width, channels) = (
      Int(tensor.shape.1), Int(tensor.shape.2), Int(tensor.shape.3)
    )
    // Rows of pixels may have gaps: a slice of a concatenation has.
    let stride = Int(tensor.row_stride)
    let read: (Int) -> Float
    switch tensor.type {
    case ZOO_F32: read = { data.load(fromByteOffset: $0 * 4, as: Float.self) }
    case ZOO_BF16:
      read = {
        Float(bitPattern: UInt32(data.load(fromByteOffset: $0 * 2, as: UInt16.self)) << 16)
      }
    case ZOO_I8: read = { Float(data.load(fromByteOffset: $0, as: Int8.self)) }
    case ZOO_I16: read = { Float(data.load(fromByteOffset: $0 * 2, as: Int16.self)) }
    case ZOO_U8: read = { Float(data.load(fromByteOffset: $0, as: UInt8.self)) }
    default: return nil
    }
    var values = [Float](repeating: 0, count: height * width * channels)
    for pixel in 0..<height * width {
      for channel in 0..<channels {
        values[channel * height * width + pixel] = read(pixel * stride + channel)
      }
    }
    self.init(height: height, width: width, channels: channels, values: values)
  }

  /// The first `limit` maps; those wider or higher than 160 pixels are reduced.
  package func tiles(limit: Int = ContactSheet.limit) -> [Picture] {
    let size = height * width
    let common = size == 1 ? range(values[...]) : nil
    return (0..<min(channels, limit)).map { channel in
      let map = values[channel * size..<(channel + 1) * size]
      let (low, high) = common ?? range(map)
      var picture = Picture(width: width, height: height, channels: 1)
      picture.pixels = map.map { level($0, low, high) }
      return picture.reduced((max(width, height) + 159) / 160)
    }
  }

  /// All three channels as one colour picture, or the first in grey: for the input of a network.
  package func picture(isBGR: Bool) -> Picture {
    guard channels == 3 else {
      return tiles(limit: 1).first ?? Picture(width: 1, height: 1, channels: 1)
    }
    let (low, high) = range(values[...])
    var picture = Picture(width: width, height: height, channels: 3)
    for pixel in 0..<height * width {
      for channel in 0..<3 {
        let from = isBGR ? 2 - channel : channel
        picture.pixels[pixel * 3 + channel] = level(
          values[from * height * width + pixel], low, high)
      }
    }
    return picture
  }
}

private func range(_ values: ArraySlice<Float>) -> (low: Float, high: Float) {
  var (low, high) = (Float.infinity, -Float.infinity)
  for value in values where value.isFinite {
    low = min(low, value)
    high = max(high, value)
  }
  return (low, high)
}

private func level(_ value: Float, _ low: Float, _ high: Float) -> UInt8 {
  guard value.isFinite, high > low else { return 0 }
  return UInt8(min(255, max(0, ((value - low) / (high - low) * 255).rounded())))
}
