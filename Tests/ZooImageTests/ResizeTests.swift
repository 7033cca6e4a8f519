// Resizing gives the bytes that Pillow gives.
import Testing
import Zoo
import ZooImage

/// Pixels of a linear congruential generator, as Fixtures/make_vectors.py makes them.
private func source(_ width: Int, _ height: Int) throws -> Image {
  let image = try Image(width: width, height: height, isGray: false)
  var state: UInt32 = 1
  for index in 0..<width * height * 3 {
    state = state &* 1_664_525 &+ 1_013_904_223
    image.pixels[index] = UInt8(state >> 24)
  }
  return image
}

/// CRC-32 (ISO 3309) of an image's bytes.
private func crc(_ image: borrowing Image) -> UInt32 {
  var crc: UInt32 = .max
  for index in 0..<image.width * image.height * 3 {
    crc ^= UInt32(image.pixels[index])
    for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
  }
  return ~crc
}

struct ResizeTests {
  static let vectors: [(Int, Int, Int, Int, ResizeFilter, UInt32)] = [
    (17, 13, 8, 5, .box, 0x7CA4_ED15),
    (17, 13, 8, 5, .bilinear, 0x39A1_FE0A),
    (17, 13, 8, 5, .bicubic, 0xE461_B357),
    (17, 13, 40, 31, .box, 0xC406_FE57),
    (17, 13, 40, 31, .bilinear, 0xDFBC_BD53),
    (17, 13, 40, 31, .bicubic, 0xE886_0F97),
    (64, 48, 17, 23, .box, 0x7876_4EBF),
    (64, 48, 17, 23, .bilinear, 0xC314_4F79),
    (64, 48, 17, 23, .bicubic, 0xC107_EBF1),
    (5, 7, 5, 3, .box, 0x556A_AF54),
    (5, 7, 5, 3, .bilinear, 0x45D7_6226),
    (5, 7, 5, 3, .bicubic, 0xEB6E_E8F0),
    (9, 9, 4, 9, .box, 0xAC6B_E15F),
    (9, 9, 4, 9, .bilinear, 0xB269_2D2C),
    (9, 9, 4, 9, .bicubic, 0x4614_ED71),
    (31, 3, 7, 7, .box, 0x6F10_B3D1),
    (31, 3, 7, 7, .bilinear, 0xE687_FFCB),
    (31, 3, 7, 7, .bicubic, 0x38FD_8A31),
  ]

  @Test(arguments: vectors.indices)
  func equalsPillow(_ index: Int) throws {
    let (width, height, newWidth, newHeight, filter, expected) = ResizeTests.vectors[index]
    let image = try source(width, height)
    let resized = try image.resized(width: newWidth, height: newHeight, filter: filter)
    #expect(crc(resized) == expected, "\(width)x\(height) to \(newWidth)x\(newHeight), \(filter)")
  }
}
