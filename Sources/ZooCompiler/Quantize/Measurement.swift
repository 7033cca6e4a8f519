// How far an integer network is from the float network it was made from.
package import CZoo
import Foundation
import Zoo

/// Answers of a network on inputs of a set.
package struct Answers: Sendable {
  /// One row of outputs for each input.
  package var rows: [[Float]] = []

  package init(rows: [[Float]]) { self.rows = rows }

  /// Runs `graph` on inputs `indices`; `observe` sees each layer's output.
  package init(
    _ graph: Graph, _ set: CalibrationSet, _ indices: Range<Int>, parallel: zoo_parallel? = nil
  ) throws(CompileError) {
    let runner = try Runner(try ModelWriter.encode(graph), parallel: parallel)
    var input = [Float](
      repeating: 0, count: graph.inputs.first.map { graph[$0].shape.elementCount } ?? 0)
    for index in indices {
      try write(set, index, &input)
      try runner.write(input, toInput: 0)
      try runner.run()
      rows.append(runner.outputFloats(0))
    }
  }
}

/// Input `index` of `set` into `input`.
private func write(
  _ set: CalibrationSet, _ index: Int, _ input: inout [Float]
) throws(CompileError) {
  do {
    try input.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { try set.write(index, base) }
    }
  } catch let error as CompileError { throw error } catch { throw CompileError("\(error)") }
}

/// An integer network against its float original.
package struct Measurement: Sendable {
  package let inputs: Int
  /// Share of inputs with the same most probable class.
  package let agreement: Double
  /// Signal to noise of the outputs, in decibels.
  package let sqnr: Double
  /// Share of right answers of either, where labels are known.
  package let accuracy: (float: Double, integer: Double)?
  /// Inputs on which they disagree.
  package let differing: [Int]

  package init(_ float: Answers, _ integer: Answers, _ labels: ArraySlice<Int>, first: Int) {
    var same = 0
    var right = (0, 0)
    var noise = 0.0
    var signal = 0.0
    var differing: [Int] = []
    for (index, (a, b)) in zip(float.rows, integer.rows).enumerated() {
      let (x, y) = (best(a), best(b))
      if x == y { same += 1 } else { differing.append(first + index) }
      if !labels.isEmpty {
        let label = labels[labels.startIndex + index]
        if x == label { right.0 += 1 }
        if y == label { right.1 += 1 }
      }
      for (p, q) in zip(a, b) {
        signal += Double(p) * Double(p)
        noise += (Double(p) - Double(q)) * (Double(p) - Double(q))
      }
    }
    inputs = float.rows.count
    let count = Double(max(1, inputs))
    agreement = Double(same) / count
    sqnr = noise > 0 ? 10 * log10(signal / noise) : .infinity
    accuracy = labels.isEmpty ? nil : (Double(right.0) / count, Double(right.1) / count)
    self.differing = differing
  }

  /// What was lost, as a share: of right answers if they are known, else of agreement.
  package var loss: Double { accuracy.map { $0.float - $0.integer } ?? 1 - agreement }

  /// Whether it is better beyond chance: with half of the other's noise (3 dB), or right on more than two inputs more.
  package func isBetter(than other: Measurement) -> Bool {
    sqnr - other.sqnr >= 3 || (other.loss - loss) * Double(inputs) > 2.5
  }
}

private func best(_ row: [Float]) -> Int {
  var best = 0
  for index in row.indices where row[index] > row[best] { best = index }
  return best
}

/// Signal to noise of each layer of an integer network, in decibels, by the name of its output.
package func layerNoise(
  _ float: Graph, _ integer: Graph, _ set: CalibrationSet, _ indices: Range<Int>
) throws(CompileError) -> [String: Double] {
  let original = try Runner(try ModelWriter.encode(float, bands: .off))
  let quantized = try Runner(try ModelWriter.encode(integer, bands: .off))
  var wanted: [String: [Float]] = [:]
  var sums: [String: (signal: Double, noise: Double)] = [:]
  original.observer = { node, done in
    guard done else { return }
    wanted[String(cString: node.pointee.outputs[0].name)] = rows(node.pointee.outputs[0])
  }
  quantized.observer = { node, done in
    let tensor = node.pointee.outputs[0]
    let name = String(cString: tensor.name)
    guard done, tensor.isInteger, let want = wanted[name] else { return }
    var sum = sums[name] ?? (0, 0)
    for (a, b) in zip(want, rows(tensor)) {
      sum.signal += Double(a) * Double(a)
      sum.noise += (Double(a) - Double(b)) * (Double(a) - Double(b))
    }
    sums[name] = sum
  }
  var input = [Float](
    repeating: 0, count: float.inputs.first.map { float[$0].shape.elementCount } ?? 0)
  for index in indices {
    try write(set, index, &input)
    try original.write(input, toInput: 0)
    try quantized.write(input, toInput: 0)
    try original.run()
    try quantized.run()
  }
  return sums.mapValues { $0.noise > 0 ? 10 * log10($0.signal / $0.noise) : .infinity }
}

/// The elements of a tensor of f32 or of integers with one scale, row by row, as real numbers.
private func rows(_ tensor: zoo_tensor) -> [Float] {
  var dense: [Float] = []
  let width = tensor.extent.last
  for row in 0..<tensor.extent.rowCount {
    dense += realNumbers(tensor, at: row * Int(tensor.row_stride), count: width)
  }
  return dense
}
