// Random changes of pictures that leave their class alone.
import Foundation
package import Zoo
package import ZooCompiler

/// Which changes are made, and how large they may be. All default to none.
package struct Augmentation: Codable, Sendable, Equatable {
  /// Mirrors left and right in half of the cases.
  package var flip = false
  /// Cuts out of the picture with a border of this many pixels on each side.
  package var crop = 0
  /// Turns by up to this share of a full turn, either way.
  package var rotation: Float = 0
  /// Enlarges or shrinks by up to this share.
  package var zoom: Float = 0
  /// Stretches values around their mean by up to this share.
  package var contrast: Float = 0
  /// Blanks a square of this side at a random place. DeVries, Taylor, arXiv:1708.04552.
  package var cutout = 0

  package init() {}

  package var isNone: Bool { self == Augmentation() }
}

/// Turns pictures of a data set into inputs of a network: changed at random, centred, scaled.
package struct InputWriter: Sendable {
  package let height: Int
  package let width: Int
  package let channels: Int
  package let preprocessing: Preprocessing

  package init(height: Int, width: Int, channels: Int, preprocessing: Preprocessing) {
    self.height = height
    self.width = width
    self.channels = channels
    self.preprocessing = preprocessing
  }

  private func mean(_ channel: Int) -> Float {
    [preprocessing.mean.0, preprocessing.mean.1, preprocessing.mean.2][min(channel, 2)]
  }
  private func scale(_ channel: Int) -> Float {
    [preprocessing.scale.0, preprocessing.scale.1, preprocessing.scale.2][min(channel, 2)]
  }

  /// Writes image `index` of `data` to `target`, y = (x - mean) scale, centred if its size differs.
  ///
  /// What lies outside the picture is 0 after scaling where `augmentation` moved it, and black where the input is
  /// larger than the picture. A picture with more channels than the input is turned to grey.
  package func write(
    _ data: Dataset, _ index: Int, _ augmentation: Augmentation, _ random: inout RandomStream,
    to target: UnsafeMutablePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: height * width * channels) { scratch in
      guard let plain = scratch.baseAddress else { return }
      normalize(data, index, to: plain)
      guard !augmentation.isNone else {
        target.update(from: plain, count: height * width * channels)
        return
      }
      // All numbers are drawn whether they are used or not, so that options do not shift each other's streams.
      let flips = random.uniform() < 0.5 && augmentation.flip
      let dx = random.below(2 * augmentation.crop + 1) - augmentation.crop
      let dy = random.below(2 * augmentation.crop + 1) - augmentation.crop
      let turn = random.uniform(-1...1) * Double(augmentation.rotation) * 2 * .pi
      let zoom = 1 + random.uniform(-1...1) * Double(augmentation.zoom)
      let contrast = 1 + random.uniform(-1...1) * Double(augmentation.contrast)
      let cutY = random.below(height)
      let cutX = random.below(width)
      if augmentation.rotation > 0 || augmentation.zoom > 0 {
        warp(plain, target, flips, dx, dy, turn, 1 / max(0.05, zoom))
      } else {
        shift(plain, target, flips, dx, dy)
      }
      if augmentation.contrast > 0 { stretch(target, Float(contrast)) }
      if augmentation.cutout > 0 {
        let half = augmentation.cutout / 2
        for y in max(0, cutY - half)..<min(height, cutY - half + augmentation.cutout) {
          for x in max(0, cutX - half)..<min(width, cutX - half + augmentation.cutout) {
            for c in 0..<channels { target[(y * width + x) * channels + c] = 0 }
          }
        }
      }
    }
  }

  private func normalize(_ data: Dataset, _ index: Int, to plain: UnsafeMutablePointer<Float>) {
    let top = (height - data.height) / 2
    let left = (width - data.width) / 2
    let swaps = preprocessing.channelOrder == .bgr
    data.pixels.withUnsafeBufferPointer { pixels in
      let base = index * data.imageByteCount
      for channel in 0..<channels {
        let mean = mean(channel)
        let scale = scale(channel)
        let from = swaps && channels == 3 ? 2 - channel : channel
        for y in 0..<height {
          let row = y - top
          let hasRow = row >= 0 && row < data.height
          var to = plain + y * width * channels + channel
          for x in 0..<width {
            let column = x - left
            var value: Float = 0
            if hasRow && column >= 0 && column < data.width {
              let at = base + (row * data.width + column) * data.channels
              if channels == 1 && data.channels == 3 {
                // ITU-R BT.601 luma.
                value =
                  0.299 * Float(pixels[at]) + 0.587 * Float(pixels[at + 1])
                  + 0.114 * Float(pixels[at + 2])
              } else {
                value = Float(pixels[at + min(from, data.channels - 1)])
              }
            }
            to[0] = (value - mean) * scale
            to += channels
          }
        }
      }
    }
  }

  private func shift(
    _ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ flips: Bool,
    _ dx: Int, _ dy: Int
  ) {
    for y in 0..<height {
      for x in 0..<width {
        let fromY = y + dy
        let shifted = x + dx
        let fromX = flips ? width - 1 - shifted : shifted
        let to = target + (y * width + x) * channels
        let isInside = fromY >= 0 && fromY < height && fromX >= 0 && fromX < width
        let from = source + (isInside ? (fromY * width + fromX) * channels : 0)
        for c in 0..<channels { to[c] = isInside ? from[c] : 0 }
      }
    }
  }

  /// Bilinear interpolation of the turned, zoomed, mirrored and moved picture.
  private func warp(
    _ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>, _ flips: Bool,
    _ dx: Int, _ dy: Int, _ turn: Double, _ zoom: Double
  ) {
    let centerX = Double(width - 1) / 2
    let centerY = Double(height - 1) / 2
    let cosine = cos(turn) * zoom
    let sine = sin(turn) * zoom
    for y in 0..<height {
      for x in 0..<width {
        let u = (Double(x) - centerX) * (flips ? -1 : 1)
        let v = Double(y) - centerY
        let fromX = cosine * u - sine * v + centerX + Double(dx)
        let fromY = sine * u + cosine * v + centerY + Double(dy)
        let x0 = Int(fromX.rounded(.down))
        let y0 = Int(fromY.rounded(.down))
        let a = Float(fromX - Double(x0))
        let b = Float(fromY - Double(y0))
        for c in 0..<channels {
          func at(_ y: Int, _ x: Int) -> Float {
            y >= 0 && y < height && x >= 0 && x < width
              ? source[(y * width + x) * channels + c] : blank(c)
          }
          let upper = at(y0, x0) * (1 - a) + at(y0, x0 + 1) * a
          let lower = at(y0 + 1, x0) * (1 - a) + at(y0 + 1, x0 + 1) * a
          target[(y * width + x) * channels + c] = upper * (1 - b) + lower * b
        }
      }
    }
  }

  /// What a turned picture shows outside: black for grey pictures (digits), the mean for colour.
  private func blank(_ channel: Int) -> Float {
    channels == 1 ? -mean(channel) * scale(channel) : 0
  }

  private func stretch(_ target: UnsafeMutablePointer<Float>, _ factor: Float) {
    for c in 0..<channels {
      var sum: Float = 0
      for pixel in 0..<height * width { sum += target[pixel * channels + c] }
      let mean = sum / Float(height * width)
      for pixel in 0..<height * width {
        let at = pixel * channels + c
        target[at] = mean + (target[at] - mean) * factor
      }
    }
  }
}
