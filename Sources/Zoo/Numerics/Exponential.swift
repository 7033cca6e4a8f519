// exp, log and what is made of them, in plain IEEE arithmetic: the same bits on every target, and no libm.

/// e^x in single precision.
///
/// x = k ln 2 + r with |r| <= ln 2 / 2; e^r by its Taylor polynomial of degree 7 (truncation below 4e-9); no
/// fused operations, so that a core with and one without FMA agree. Error: at most 1.5 ulp over the whole
/// range (measured exhaustively against Double). Overflows to infinity, underflows to zero through subnormals.
package func exponential(_ x: Float) -> Float {
  if x != x { return x }
  if x > 88.75 { return .infinity }
  if x < -104 { return 0 }
  let k = roundToNearest(x * 1.442_695_04)
  // ln 2 in two parts: k times the first is exact for |k| < 2^11.
  let r = (x - k * 0.693_359_375) - k * -2.121_944_4e-4
  var p: Float = 1.984_127e-4
  p = p * r + 1.388_888_9e-3
  p = p * r + 8.333_333_3e-3
  p = p * r + 4.166_666_7e-2
  p = p * r + 1.666_666_7e-1
  p = p * r + 0.5
  let e = (p * r) * r + r + 1
  // Two factors, because 2^k alone can be out of range where the result is not.
  let exponent = Int32(k)
  let half = exponent / 2
  return e * powerOfTwo(half) * powerOfTwo(exponent - half)
}

/// 1 / (1 + e^-x); absolute error below 1e-7.
package func sigmoid(_ x: Float) -> Float { 1 / (1 + exponential(-x)) }

/// tanh x; relative error below 5e-7.
///
/// Near 0 by its Taylor series (x - x^3/3 + 2x^5/15 - ...), elsewhere 1 - 2 / (e^2|x| + 1).
package func hyperbolicTangent(_ x: Float) -> Float {
  if x != x { return x }
  let magnitude = abs(x)
  if magnitude < 0.25 {
    let s = x * x
    var p: Float = 62 / 2835
    p = p * s - 17 / 315
    p = p * s + 2 / 15
    p = p * s - 1 / 3
    return x + x * (s * p)
  }
  if magnitude > 10 { return x < 0 ? -1 : 1 }
  let t = 1 - 2 / (exponential(2 * magnitude) + 1)
  return x < 0 ? -t : t
}

/// Natural logarithm of a positive normal number; relative error below 5e-7 away from 1, absolute near it.
///
/// x = 2^k m with m in [sqrt(1/2), sqrt 2); log m = 2 atanh((m - 1) / (m + 1)) by its series.
package func logarithm(_ x: Float) -> Float {
  if x != x || x < 0 { return .nan }
  if x < Float.leastNormalMagnitude { return -.infinity }
  if x == .infinity { return x }
  var exponent = Int32(bitPattern: x.bitPattern &>> 23) &- 127
  var m = Float(bitPattern: (x.bitPattern & 0x007F_FFFF) | 0x3F80_0000)
  if m > 1.414_213_5 {
    m = m * 0.5
    exponent = exponent &+ 1
  }
  let t = (m - 1) / (m + 1)
  let s = t * t
  var p: Float = 1 / 9
  p = p * s + 1 / 7
  p = p * s + 1 / 5
  p = p * s + 1 / 3
  let log = 2 * t + 2 * t * (s * p)
  let k = Float(Int(exponent))
  return k * 0.693_359_375 + (log + k * -2.121_944_4e-4)
}

/// x^y for x > 0, as e^(y log x); relative error below 1e-6 for |y log x| < 10.
package func power(_ x: Float, _ y: Float) -> Float { exponential(y * logarithm(x)) }

/// The nearest integer, ties to even, for |x| < 2^22: adding 1.5 * 2^23 leaves no fraction bits.
func roundToNearest(_ x: Float) -> Float {
  let shift: Float = 12_582_912
  return (x + shift) - shift
}

/// 2^k for k in -126...127.
func powerOfTwo(_ k: Int32) -> Float {
  Float(bitPattern: UInt32(bitPattern: (k &+ 127) &<< 23))
}
