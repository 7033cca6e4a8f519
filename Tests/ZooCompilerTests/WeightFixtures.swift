// Weight files for tests: made by Python and NumPy, or byte by byte.
import Foundation

private func decoded(_ base64: String) -> Data {
  Data(base64Encoded: base64, options: .ignoreUnknownCharacters) ?? Data()
}

/// A checkpoint pickled by Python with protocol 2: `state_dict` with the tensors of `checkpointFile`, and numbers around it.
let checkpointProtocol2 = decoded(
  """
  gAJ9cQAoWAUAAABlcG9jaHEBSwNYAwAAAGFjY3ECRz/gAAAAAAAAWAQAAABuYW1lcQNYBQAAAG7DpG1lcQRYBAAAAGJlc3Rx
  BYhYAwAAAGJpZ3EGigkAAAAAAAAAAEBYAwAAAG5lZ3EHSpDu/v9YAwAAAG9wdHEIfXEJKFgFAAAAc3RhdGVxCn1xC0sAXXEM
  KEsBSwJLA4VxDWVzWAIAAABscnEOXXEPKEc/UGJN0vGp/Er/////TmV1WAoAAABzdGF0ZV9kaWN0cRBjY29sbGVjdGlvbnMK
  T3JkZXJlZERpY3QKcREpUnESKFgIAAAAbW9kdWxlLndxE2N0b3JjaC5fdXRpbHMKX3JlYnVpbGRfcGFyYW1ldGVyCnEUY3Rv
  cmNoLl91dGlscwpfcmVidWlsZF90ZW5zb3JfdjIKcRUoKFgHAAAAc3RvcmFnZXEWY3RvcmNoCkZsb2F0U3RvcmFnZQpxF1gB
  AAAAMHEYWAMAAABjcHVxGUsGdHEaUUsASwJLA4ZxG0sDSwGGcRyJaBEpUnEddHEeUnEfiGgRKVJxIIdxIVJxIlgJAAAAbW9k
  dWxlLnd0cSNoFSgoaBZoF2gYaBlLBnRxJFFLAEsDSwKGcSVLAUsDhnEmiWgRKVJxJ3RxKFJxKVgKAAAAbW9kdWxlLnJvd3Eq
  aBUoKGgWaBdoGGgZSwZ0cStRSwNoDUsBhXEsiWgRKVJxLXRxLlJxL1gIAAAAbW9kdWxlLmhxMGgVKChoFmN0b3JjaApIYWxm
  U3RvcmFnZQpxMVgBAAAAMXEyaBlLAnRxM1FLASkpiWgRKVJxNHRxNVJxNlgKAAAAbW9kdWxlLmLDvHE3aBUoKGgWaBdoGGgZ
  SwZ0cThRSwBLAUsChnE5TQkDSwGGcTqJaBEpUnE7dHE8UnE9dX1xPlgJAAAAX21ldGFkYXRhcT9oESlScUBYAAAAAHFBfXFC
  WAcAAAB2ZXJzaW9ucUNLAXNzc2J1Lg==
  """)

/// A checkpoint pickled by Python with protocol 4: `state_dict` with the tensors of `checkpointFile`, and numbers around it.
let checkpointProtocol4 = decoded(
  """
  gASVXAIAAAAAAAB9lCiMBWVwb2NolEsDjANhY2OURz/gAAAAAAAAjARuYW1llIwFbsOkbWWUjARiZXN0lIiMA2JpZ5SKCQAA
  AAAAAAAAQIwDbmVnlEqQ7v7/jANvcHSUfZQojAVzdGF0ZZR9lEsAXZQoSwFLAksDhZRlc4wCbHKUXZQoRz9QYk3S8an8Sv//
  //9OZXWMCnN0YXRlX2RpY3SUjAtjb2xsZWN0aW9uc5SMC09yZGVyZWREaWN0lJOUKVKUKIwIbW9kdWxlLneUjAx0b3JjaC5f
  dXRpbHOUjBJfcmVidWlsZF9wYXJhbWV0ZXKUk5RoFowSX3JlYnVpbGRfdGVuc29yX3YylJOUKCiMB3N0b3JhZ2WUjAV0b3Jj
  aJSMDEZsb2F0U3RvcmFnZZSTlIwBMJSMA2NwdZRLBnSUUUsASwJLA4aUSwNLAYaUiWgTKVKUdJRSlIhoEylSlIeUUpSMCW1v
  ZHVsZS53dJRoGigoaBtoHmgfaCBLBnSUUUsASwNLAoaUSwFLA4aUiWgTKVKUdJRSlIwKbW9kdWxlLnJvd5RoGigoaBtoHmgf
  aCBLBnSUUUsDaA1LAYWUiWgTKVKUdJRSlIwIbW9kdWxlLmiUaBooKGgbaByMC0hhbGZTdG9yYWdllJOUjAExlGggSwJ0lFFL
  ASkpiWgTKVKUdJRSlIwKbW9kdWxlLmLDvJRoGigoaBtoHmgfaCBLBnSUUUsASwFLAoaUTQkDSwGGlIloEylSlHSUUpR1fZSM
  CV9tZXRhZGF0YZRoEylSlIwAlH2UjAd2ZXJzaW9ulEsBc3NzYnUu
  """)

/// `numpy.savez_compressed` of arrays a, f (Fortran order), h, i, u and s.
let deflatedArchive = decoded(
  """
  UEsDBC0AAAAIAAAAIQBP6QAq//////////8FABQAYS5ucHkBABAAmAAAAAAAAABVAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxc
  pG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GkY6CsaaOgq1CmQDLgYwaLAHEg5ABMQNQLzAAQBQSwME
  LQAAAAgAAAAhAOTIBmD//////////wUAFABmLm5weQEAEACwAAAAAAAAAFcAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWg
  bpNmoa6joJ6WX1RSlJgXn1+UkgoSDykqTQUKF2ckFqQCuRpGOgrGmjoKtQrkAy4GFMDhAKE/2ENoASifAUqLOAAAUEsDBC0A
  AAAIAAAAIQDDF891//////////8FABQAaC5ucHkBABAAggAAAAAAAABGAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6T
  ZqSuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GoY6mjoKtQoUAC4GOwBQSwMELQAAAAgAAAAhANWa2Nb/////////
  /wUAFABpLm5weQEAEACIAAAAAAAAAEcAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbpNpoa6joJ6WX1RSlJgXn1+UkgoS
  d0vMKU4FihdnJBakAvkahjqaOgq1ChQArv9QAABQSwMELQAAAAgAAAAhAAG5h+r//////////wUAFAB1Lm5weQEAEACBAAAA
  AAAAAEcAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgXlNqqK6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkahjoK
  hpo6CrUKZAOu/wBQSwMELQAAAAgAAAAhAI0wJW3//////////wUAFABzLm5weQEAEACEAAAAAAAAAEYAAAAAAAAAm+wX6hsQ
  ychQxlCtnpJanFykbqWgbpNmoq6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkamjoKtQoUAS4GhgYHAFBLAQItAy0A
  AAAIAAAAIQBP6QAqVQAAAJgAAAAFAAAAAAAAAAAAAACAAQAAAABhLm5weVBLAQItAy0AAAAIAAAAIQDkyAZgVwAAALAAAAAF
  AAAAAAAAAAAAAACAAYwAAABmLm5weVBLAQItAy0AAAAIAAAAIQDDF891RgAAAIIAAAAFAAAAAAAAAAAAAACAARoBAABoLm5w
  eVBLAQItAy0AAAAIAAAAIQDVmtjWRwAAAIgAAAAFAAAAAAAAAAAAAACAAZcBAABpLm5weVBLAQItAy0AAAAIAAAAIQABuYfq
  RwAAAIEAAAAFAAAAAAAAAAAAAACAARUCAAB1Lm5weVBLAQItAy0AAAAIAAAAIQCNMCVtRgAAAIQAAAAFAAAAAAAAAAAAAACA
  AZMCAABzLm5weVBLBQYAAAAABgAGADIBAAAQAwAAAAA=
  """)

/// An entry of a ZIP archive; sizes and checksum may lie.
struct ZipPart {
  var name: String
  var bytes: [UInt8]
  var method: UInt16 = 0
  var flags: UInt16 = 0
  /// What the directory claims, if it is not the truth.
  var byteCount: UInt32?
  var crc: UInt32?
  /// Where the directory says that the entry starts, if it is not where it does.
  var offset: UInt32?
}

/// A ZIP archive of `parts` behind `prefix`, whose offsets count from the archive's own start.
func zipArchive(_ parts: [ZipPart], after prefix: [UInt8] = []) -> Data {
  var local: [UInt8] = []
  var directory: [UInt8] = []
  for part in parts {
    let start = UInt32(local.count)
    let common =
      le(UInt16(20)) + le(part.flags) + le(part.method) + le(UInt32(0))
      + le(part.crc ?? checksum(part.bytes)) + le(UInt32(part.bytes.count))
      + le(part.byteCount ?? UInt32(part.bytes.count)) + le(UInt16(part.name.utf8.count))
    local += le(UInt32(0x0403_4B50)) + common + le(UInt16(0)) + part.name.utf8 + part.bytes
    directory += le(UInt32(0x0201_4B50)) + le(UInt16(20)) + common
    directory += le(UInt16(0)) + le(UInt16(0)) + le(UInt16(0)) + le(UInt16(0)) + le(UInt32(0))
    directory += le(part.offset ?? start) + part.name.utf8
  }
  var end = le(UInt32(0x0605_4B50)) + le(UInt32(0)) + le(UInt16(parts.count))
  end += le(UInt16(parts.count)) + le(UInt32(directory.count)) + le(UInt32(local.count))
  return Data(prefix + local + directory + end + le(UInt16(0)))
}

/// The CRC-32 of ZIP, bit by bit.
func checksum(_ bytes: [UInt8]) -> UInt32 {
  var crc = UInt32.max
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB8_8320 }
  }
  return ~crc
}

/// Little-endian bytes.
func le<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

func le(_ floats: [Float]) -> [UInt8] { floats.flatMap { le($0.bitPattern) } }

/// A PyTorch archive of `pickle` with storages "0", "1", ...
func torchArchive(_ pickle: [UInt8], _ storages: [[UInt8]] = []) -> Data {
  zipArchive(
    [
      ZipPart(name: "m/data.pkl", bytes: pickle),
      ZipPart(name: "m/byteorder", bytes: Array("little".utf8)),
    ]
      + storages.enumerated().map { ZipPart(name: "m/data/\($0)", bytes: $1) })
}

/// The file of `checkpointProtocol2` or `checkpointProtocol4`.
func checkpointFile(_ pickle: Data) -> Data {
  torchArchive(Array(pickle), [le([0, 1, 2, 3, 4, 5]), [0x00, 0x47, 0x40, 0x48]])
}

/// A .npy file.
func numpyFile(_ header: String, _ bytes: [UInt8], version: UInt8 = 1) -> Data {
  let length = version == 1 ? le(UInt16(header.utf8.count)) : le(UInt32(header.utf8.count))
  return Data([0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, version, 0] + length + header.utf8 + bytes)
}

/// A pickle, opcode by opcode.
struct PickleWriter {
  var bytes: [UInt8] = [0x80, 2]

  mutating func opcodes(_ text: String) { bytes += text.utf8 }
  mutating func text(_ text: String) { bytes += [0x58] + le(UInt32(text.utf8.count)) + text.utf8 }
  mutating func global(_ module: String, _ name: String) { opcodes("c\(module)\n\(name)\n") }
  mutating func integer(_ value: Int) { bytes += [0x8A, 8] + le(Int64(value)) }
  mutating func integers(_ values: [Int]) {
    opcodes("(")
    for value in values { integer(value) }
    opcodes("t")
  }

  mutating func storage(_ key: String, _ count: Int, type: String = "FloatStorage") {
    opcodes("(")
    text("storage")
    global("torch", type)
    text(key)
    text("cpu")
    integer(count)
    opcodes("tQ")
  }

  /// A tensor of storage "0".
  mutating func tensor(_ shape: [Int], _ strides: [Int], offset: Int = 0, of count: Int) {
    global("torch._utils", "_rebuild_tensor_v2")
    opcodes("(")
    storage("0", count)
    integer(offset)
    integers(shape)
    integers(strides)
    bytes += [0x89]
    opcodes("}tR")
  }

  /// The pickle of a dictionary whose only member is "x".
  static func dictionary(_ value: (inout PickleWriter) -> Void) -> [UInt8] {
    var writer = PickleWriter()
    writer.opcodes("}")
    writer.text("x")
    value(&writer)
    writer.opcodes("s.")
    return writer.bytes
  }
}
