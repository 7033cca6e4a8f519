// A drawn digit prepared as MNIST was.
import CZoo
import Zoo

extension Image {
  /// Light ink on dark: the ink's bounding box scaled into 20/28 of the target, its centre of mass in the middle.
  ///
  /// The border tells paper from ink: the picture is inverted if its border is light on average.
  /// Source: the preparation described at http://yann.lecun.com/exdb/mnist/.
  func digit(width newWidth: Int, height newHeight: Int) throws(ImageError) -> Image {
    let gray = try Image(width: width, height: height, isGray: true)
    var border = 0
    var borderCount = 0
    for y in 0..<height {
      for x in 0..<width {
        let value = luma(y * width + x)
        gray.set(x, y, value)
        if x == 0 || y == 0 || x == width - 1 || y == height - 1 {
          border += Int(value)
          borderCount += 1
        }
      }
    }
    if border > 127 * borderCount {
      for index in 0..<width * height * 3 { gray.pixels[index] = 255 - gray.pixels[index] }
    }
    let result = try Image(width: newWidth, height: newHeight, isGray: true)
    for index in 0..<newWidth * newHeight * 3 { result.pixels[index] = 0 }
    guard let box = gray.inkBox() else { return result }
    let ink = try gray.part(box)
    let room = Double(min(newWidth, newHeight)) * 20 / 28
    let scale = room / Double(max(ink.width, ink.height))
    let scaled = try ink.resized(
      width: max(1, Int((Double(ink.width) * scale).rounded())),
      height: max(1, Int((Double(ink.height) * scale).rounded())), filter: .bilinear)
    let centre = scaled.centreOfMass()
    let left = Int((Double(newWidth) / 2 - centre.x).rounded())
    let top = Int((Double(newHeight) / 2 - centre.y).rounded())
    for y in 0..<scaled.height {
      for x in 0..<scaled.width {
        let (tx, ty) = (x + left, y + top)
        guard tx >= 0 && tx < newWidth && ty >= 0 && ty < newHeight else { continue }
        result.set(tx, ty, scaled.pixels[(y * scaled.width + x) * 3])
      }
    }
    return result
  }

  private func set(_ x: Int, _ y: Int, _ value: UInt8) {
    let to = pixels + (y * width + x) * 3
    to[0] = value
    to[1] = value
    to[2] = value
  }

  /// The box of pixels brighter than a quarter of the brightest; nil for a blank picture.
  private func inkBox() -> (x: Range<Int>, y: Range<Int>)? {
    var brightest: UInt8 = 0
    for index in 0..<width * height { brightest = max(brightest, pixels[index * 3]) }
    guard brightest >= 16 else { return nil }
    let threshold = brightest / 4
    var (left, right, top, bottom) = (width, 0, height, 0)
    for y in 0..<height {
      for x in 0..<width where pixels[(y * width + x) * 3] > threshold {
        left = min(left, x)
        right = max(right, x + 1)
        top = min(top, y)
        bottom = max(bottom, y + 1)
      }
    }
    return left < right ? (left..<right, top..<bottom) : nil
  }

  private func part(_ box: (x: Range<Int>, y: Range<Int>)) throws(ImageError) -> Image {
    let result = try Image(width: box.x.count, height: box.y.count, isGray: true)
    for y in 0..<box.y.count {
      for x in 0..<box.x.count {
        result.set(
          x, y, pixels[((y + box.y.lowerBound) * width + x + box.x.lowerBound) * 3])
      }
    }
    return result
  }

  private func centreOfMass() -> (x: Double, y: Double) {
    var (mass, mx, my) = (0.0, 0.0, 0.0)
    for y in 0..<height {
      for x in 0..<width {
        let value = Double(pixels[(y * width + x) * 3])
        mass += value
        mx += value * (Double(x) + 0.5)
        my += value * (Double(y) + 0.5)
      }
    }
    return mass > 0 ? (mx / mass, my / mass) : (Double(width) / 2, Double(height) / 2)
  }
}
