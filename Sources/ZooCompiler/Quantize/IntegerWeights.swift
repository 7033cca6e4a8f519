// Weights and biases as integers.
import CZoo
import Zoo

/// Weights of a convolution or dense layer, symmetric per output channel: real = scale[o] q, q in -127...127.
struct IntegerWeights {
  /// Row-major as given, [.., rows, columns].
  let integers: [Int8]
  /// One for each output channel.
  let scales: [Float]
  /// Biases in steps of scale(input) scale[o].
  let biases: [Int64]

  /// - Parameters:
  ///   - weights: [groups][rows][columns]; output channel o is column o % columns of group o / columns.
  ///   - given: scales that the weights were made from; nil computes them from the largest magnitudes.
  ///   - biasBits: of a bias, its sign included: 32 beside activations of i8, 48 beside those of i16.
  /// - Throws: `CompileError` naming `layer` if a weight or bias is not finite or does not fit.
  init(
    _ weights: [Float], groups: Int, columns: Int, bias: [Float]?, inputScale: Float,
    given: Quantization?, biasBits: Int = 32, layer: String
  ) throws(CompileError) {
    let outputs = groups * columns
    let rows = weights.count / max(1, outputs)
    var largest = [Float](repeating: 0, count: outputs)
    for group in 0..<groups {
      for row in 0..<rows {
        let base = (group * rows + row) * columns
        for column in 0..<columns {
          let value = weights[base + column]
          guard value.isFinite else {
            throw CompileError(
              "layer '\(layer)': a weight of channel \(group * columns + column) is \(value)")
          }
          largest[group * columns + column] = max(largest[group * columns + column], abs(value))
        }
      }
    }
    var scales = [Float](repeating: 1, count: outputs)
    for output in 0..<outputs {
      if let given {
        scales[output] = given.scales[given.scales.count == 1 ? 0 : output]
      } else if largest[output] > 0 {
        scales[output] = largest[output] / 127
      }
      guard let value = bias?[output] else { continue }
      guard value.isFinite else {
        throw CompileError("layer '\(layer)': bias \(output) is \(value)")
      }
      // A channel of tiny weights must not push its bias out of its bits.
      let least =
        abs(value) / (inputScale * Float(sign: .plus, exponent: biasBits - 3, significand: 1))
      if given == nil { scales[output] = max(scales[output], least) }
    }
    var integers = [Int8](repeating: 0, count: weights.count)
    for index in weights.indices {
      let output = index / (rows * columns) * columns + index % columns
      let q = (weights[index] / scales[output]).rounded(.toNearestOrEven)
      guard abs(q) <= 127 else {
        throw CompileError(
          "layer '\(layer)': weight \(q) of channel \(output) is outside -127...127")
      }
      integers[index] = Int8(q)
    }
    var biases = [Int64](repeating: 0, count: outputs)
    let limit = Double(sign: .plus, exponent: biasBits - 1, significand: 1)
    for output in 0..<outputs {
      let step = Double(inputScale) * Double(scales[output])
      let q = (Double(bias?[output] ?? 0) / step).rounded(.toNearestOrEven)
      guard abs(q) < limit else {
        throw CompileError("layer '\(layer)': bias \(output) does not fit \(biasBits) bits")
      }
      biases[output] = Int64(q)
    }
    self.integers = integers
    self.scales = scales
    self.biases = biases
  }

  /// The factors from sums to steps of the output.
  func multipliers(inputScale: Float, outputScale: Float) -> [Float] {
    scales.map { Float(Double(inputScale) * Double($0) / Double(outputScale)) }
  }

  /// Rows of [groups][rows][columns] filled with zeros up to a multiple of 4.
  func paddedRows(groups: Int, columns: Int) -> (integers: [Int8], rows: Int) {
    let rows = integers.count / (groups * columns)
    let padded = quadCount(rows) * 4
    var result: [Int8] = []
    result.reserveCapacity(groups * padded * columns)
    for group in 0..<groups {
      result += integers[group * rows * columns..<(group + 1) * rows * columns]
      result += [Int8](repeating: 0, count: (padded - rows) * columns)
    }
    return (result, padded)
  }

  /// The two rows of biases that `IntegerConv2D` wants: less the zero point's share, and less 128 more.
  func foldedBiases(groups: Int, columns: Int, zeroPoint: Int32) -> [Int32] {
    let rows = integers.count / (groups * columns)
    var plain = biases.map { Int32(truncatingIfNeeded: $0) }
    var offset = plain
    for group in 0..<groups {
      for column in 0..<columns {
        var sum: Int32 = 0
        for row in 0..<rows { sum += Int32(integers[(group * rows + row) * columns + column]) }
        // Wrapping: sums of 32 bits that fit in the end may have left the range on the way.
        plain[group * columns + column] &-= zeroPoint &* sum
        offset[group * columns + column] &-= (zeroPoint + 128) &* sum
      }
    }
    return plain + offset
  }

  /// The two rows of biases beside activations of i16: the upper 32 of 48 bits, and the lower 16.
  var wideBiases: [Int32] {
    biases.map { Int32(truncatingIfNeeded: $0 >> 16) } + biases.map { Int32($0 & 0xFFFF) }
  }
}

extension Constant {
  init<Element: ConstantElement>(_ elements: [Element]) {
    self.init(type: Element.elementType, bytes: elements.withUnsafeBytes { Array($0) })
  }
}
