// Operators that sum: dense layers, softmax, local response norm, mean.
import Foundation
import Testing
import Zoo
import ZooCompiler

struct ReductionTests {
  @Test(arguments: [1, 5, 6, 7, 13, 64], [1, 3, 15, 16, 17, 31, 32, 33, 48, 70])
  func denseIsAMatrixProduct(_ rows: Int, _ outputs: Int) throws {
    var generator = SplitMix64(state: UInt64(rows * 100 + outputs))
    let depth = Int.random(in: 1...90, using: &generator)
    let x = Tensor(random: [rows, depth], &generator)
    let w = Tensor(random: [depth, outputs], &generator)
    let bias = Tensor(random: [outputs], &generator)
    let addend = Tensor(random: [rows, outputs], &generator)
    let hasBias = rows != 5
    let hasAddend = rows % 2 == 1
    var operation = Dense()
    if rows == 7 { operation.activation = .relu6 }
    let answer = Answer([rows, outputs]) { i in
      let products = (0..<depth).map { x[[i[0], $0]] * w[[$0, i[1]]] }
      let terms = products + [hasBias ? bias[[i[1]]] : 0, hasAddend ? addend[i] : 0]
      let sum = terms.reduce(0, +)
      let magnitude = terms.reduce(0) { $0 + abs($1) }
      return (rows == 7 ? min(max(sum, 0), 6) : sum, Double(depth + 3) * roundoff * magnitude)
    }
    let operands: [Operand] = [
      .variable(x), .constant(w), hasBias ? .constant(bias) : .absent,
      hasAddend ? .variable(addend) : .absent,
    ]
    try expect(operation, operands, answer, "\(rows) x \(depth) x \(outputs)")
  }

  @Test(arguments: channelCounts + [1000])
  func softmaxSumsToOne(_ channels: Int) throws {
    var generator = SplitMix64(state: UInt64(channels))
    for shape in [[channels], [3, channels], [2, channels, 3], [1, 2, 2, channels]] {
      let x = Tensor(random: shape, scale: 20, &generator)
      for axis in shape.indices {
        for isLogarithm in [false, true] {
          var operation = Softmax(axis: axis)
          operation.isLogarithm = isLogarithm
          operation.scale = channels == 17 ? 0.5 : 1
          let scale = Double(operation.scale)
          let answer = Answer(shape) { i in
            let line = (0..<shape[axis]).map { k in
              var at = i
              at[axis] = k
              return x[at] * scale
            }
            let largest = line.max() ?? 0
            let sum = line.reduce(0) { $0 + Foundation.exp($1 - largest) }
            let logarithm = x[i] * scale - largest - Foundation.log(sum)
            // What one e^(x - max) is off, what their sum is off, and the factor; relative.
            let error =
              Double(shape[axis] + 6) * roundoff + 2 * abs(x[i] * scale - largest) * roundoff
            guard !isLogarithm else { return (logarithm, error + 1e-6) }
            return (Foundation.exp(logarithm), error * Foundation.exp(logarithm))
          }
          try expect(
            operation, [.variable(x)], answer, "axis \(axis)\(isLogarithm ? ", logarithm" : "")")
        }
      }
    }
  }

  @Test(arguments: channelCounts)
  func localResponseNormDividesByItsNeighbours(_ channels: Int) throws {
    var generator = SplitMix64(state: UInt64(channels))
    let x = Tensor(random: [2, 3, 3, channels], scale: 30, &generator)
    for size in [1, 2, 3, 4, 5, 40] {
      var operation = LocalResponseNorm()
      operation.size = Int32(size)
      operation.alpha = 0.01
      operation.beta = 0.75
      operation.bias = 2
      let (down, up) = ((size - 1) / 2, size / 2)
      let answer = Answer(x.shape) { i in
        let window = max(0, i[3] - down)...min(channels - 1, i[3] + up)
        let sum = window.reduce(0.0) {
          $0 + x[[i[0], i[1], i[2], $1]] * x[[i[0], i[1], i[2], $1]]
        }
        let value =
          x[i] / Foundation.pow(Double(operation.bias) + Double(operation.alpha) * sum, 0.75)
        // That of `power`, the sum's and the division's.
        return (value, (1e-6 + Double(size + 4) * roundoff) * abs(value))
      }
      try expect(operation, [.variable(x)], answer, "size \(size)")
    }
  }

  /// Between two other layers it overwrites its input; alone it cannot: both must agree.
  @Test(arguments: [1, 5, 64, 100, 128])
  func localResponseNormWorksInPlace(_ size: Int) throws {
    var generator = SplitMix64(state: 3)
    let x = randomFloats(4 * 150, &generator).map { $0 * 30 }
    var operation = LocalResponseNorm()
    operation.size = Int32(size)
    operation.alpha = 0.01
    func run(_ wraps: Bool) throws -> [Float] {
      var graph = Graph()
      var value = graph.addInput("x", try Shape([4, 150]))
      if wraps {
        value = try graph.add(Unary(Activation(.clamp, alpha: -1e9, beta: 1e9)), [value], name: "a")
      }
      let input = value
      value = try graph.add(operation, [value], name: "n")
      if wraps {
        let places = Placement(graph, Bands(graph)).places
        #expect(places[input]?.buffer == places[value]?.buffer)
        value = try graph.add(Unary(Activation(.clamp, alpha: -1e9, beta: 1e9)), [value], name: "b")
      }
      graph.outputs = [value]
      let runner = try Runner(try ModelWriter.encode(graph), parallel: threePieces)
      try runner.write(x, toInput: 0)
      try runner.run()
      return runner.outputFloats(0)
    }
    #expect(try run(true) == run(false))
  }

  @Test(arguments: 0..<30)
  func meanReducesItsAxes(_ seed: Int) throws {
    var generator = SplitMix64(state: UInt64(seed))
    let rank = seed % 5 + 1
    let shape = (0..<rank).map { _ in Int.random(in: 1...9, using: &generator) }
    let x = Tensor(random: shape, &generator)
    var operation = Mean()
    operation.axes = Int32.random(in: 0..<1 << Int32(rank), using: &generator)
    let isReduced = shape.indices.map { operation.axes & 1 << Int32($0) != 0 }
    let reduced = zip(shape, isReduced).map { $1 ? $0 : 1 }
    let answer = Answer(zip(shape, isReduced).map { $1 ? 1 : $0 }) { i in
      let values = allCoordinates(reduced).map { k in x[zip(i, k).map { $0 + $1 }] }
      let count = Double(values.count)
      let magnitude = values.reduce(0) { $0 + abs($1) }
      return (values.reduce(0, +) / count, (count + 1) * roundoff * magnitude / count)
    }
    try expect(operation, [.variable(x)], answer, "axes \(isReduced)")
  }
}
