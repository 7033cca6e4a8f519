// XXH32: the checksum of .zoo files.

/// XXH32 with seed 0 of `count` bytes.
///
/// Any change of a single byte, and of up to four aligned bytes, changes the result: each step is a
/// bijection of the lane it feeds. It needs 32-bit multiplication only, so it is cheap on small cores.
/// Source: the xxHash specification, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
package func checksum(_ bytes: UnsafeRawPointer, count: Int) -> UInt32 {
  let prime1: UInt32 = 0x9E37_79B1
  let prime2: UInt32 = 0x85EB_CA77
  let prime3: UInt32 = 0xC2B2_AE3D
  let prime4: UInt32 = 0x27D4_EB2F
  let prime5: UInt32 = 0x1656_67B1

  func word(_ offset: Int) -> UInt32 {
    UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }
  func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { (x &<< n) | (x &>> (32 &- n)) }
  func round(_ lane: UInt32, _ input: UInt32) -> UInt32 {
    rotate(lane &+ input &* prime2, 13) &* prime1
  }

  var offset = 0
  var hash: UInt32
  if count >= 16 {
    var a = prime1 &+ prime2
    var b = prime2
    var c: UInt32 = 0
    var d = 0 &- prime1
    while offset &+ 16 <= count {
      a = round(a, word(offset))
      b = round(b, word(offset &+ 4))
      c = round(c, word(offset &+ 8))
      d = round(d, word(offset &+ 12))
      offset &+= 16
    }
    hash = rotate(a, 1) &+ rotate(b, 7) &+ rotate(c, 12) &+ rotate(d, 18)
  } else {
    hash = prime5
  }
  hash = hash &+ UInt32(truncatingIfNeeded: count)
  while offset &+ 4 <= count {
    hash = rotate(hash &+ word(offset) &* prime3, 17) &* prime4
    offset &+= 4
  }
  while offset < count {
    let byte = UInt32(bytes.load(fromByteOffset: offset, as: UInt8.self))
    hash = rotate(hash &+ byte &* prime5, 11) &* prime1
    offset &+= 1
  }
  hash = (hash ^ (hash &>> 15)) &* prime2
  hash = (hash ^ (hash &>> 13)) &* prime3
  return hash ^ (hash &>> 16)
}
