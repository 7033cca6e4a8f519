// How a photo becomes the input tensor: stored in the model, so that nobody has to guess it.

/// How a picture is brought to the size of the input.
package enum ResizeMode: Int32, Sendable {
  /// The picture must have the size of the input.
  case none = 0
  /// Both sides are scaled to the input, whatever the aspect ratio.
  case stretch = 1
  /// The short side is scaled to `resizeSide`, then the centre is cut out.
  case shortSide = 2
  /// The picture is scaled to fit inside and padded with the background.
  case letterbox = 3
  /// As MNIST was made: grey, light on dark, the ink scaled into 20/28 of the input, centred by mass.
  case digit = 4
}

/// Interpolation of a resize.
package enum ResizeFilter: Int32, Sendable {
  case nearest = 0
  case bilinear = 1
  case bicubic = 2
  case box = 3
}

/// Which channels the network expects, in which order.
package enum ChannelOrder: Int32, Sendable {
  case rgb = 0
  case bgr = 1
  case gray = 2
}

/// Geometry, then y = (x - mean) * scale on values 0...255, in the order of the network's channels.
package struct Preprocessing: Sendable {
  package var resizeMode = ResizeMode.stretch
  package var filter = ResizeFilter.bilinear
  package var channelOrder = ChannelOrder.rgb
  /// Pixels of the short side before the centre crop; used by `shortSide` only.
  package var resizeSide: Int32 = 0
  package var mean: (Float, Float, Float) = (0, 0, 0)
  package var scale: (Float, Float, Float) = (1, 1, 1)
  /// What shows through transparent pixels and around a letterbox.
  package var background: (UInt8, UInt8, UInt8) = (255, 255, 255)

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    archive.field("resize mode", &resizeMode)
    archive.field("filter", &filter)
    archive.field("channels", &channelOrder)
    archive.field("resize side", &resizeSide)
    archive.field("mean 0", &mean.0)
    archive.field("mean 1", &mean.1)
    archive.field("mean 2", &mean.2)
    archive.field("scale 0", &scale.0)
    archive.field("scale 1", &scale.1)
    archive.field("scale 2", &scale.2)
    var packed =
      Int32(background.0) | Int32(background.1) &<< 8 | Int32(background.2) &<< 16
    archive.field("background", &packed)
    background = (
      UInt8(truncatingIfNeeded: packed), UInt8(truncatingIfNeeded: packed &>> 8),
      UInt8(truncatingIfNeeded: packed &>> 16)
    )
  }
}
