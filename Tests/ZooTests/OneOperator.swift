// The harness of the operator tests: a network of one operator, run in every way there is, against its definition in Double.
import CZoo
import TestSupport
import Testing
import Zoo
import ZooCompiler

import struct Foundation.Data

/// A dense tensor that is indexed by coordinates.
struct Tensor {
  let shape: [Int]
  var floats: [Float]

  init(_ shape: [Int], _ floats: [Float]) {
    self.shape = shape
    self.floats = floats
  }

  /// Random values of -1...1, times `scale`.
  init(random shape: [Int], scale: Float = 1, _ generator: inout SplitMix64) {
    self.shape = shape
    floats = randomFloats(shape.reduce(1, *), &generator).map { $0 * scale }
  }

  subscript(_ coordinates: [Int]) -> Double {
    Double(floats[zip(shape, coordinates).reduce(0) { $0 * $1.0 + $1.1 }])
  }

  /// The element that broadcasting shows at `coordinates` of a result: aligned right, extents of 1 stretched.
  func broadcast(_ coordinates: [Int]) -> Double {
    self[zip(shape, coordinates.suffix(shape.count)).map { $0 == 1 ? 0 : $1 }]
  }
}

/// The right answer: each element, and how far from it is still right.
struct Answer {
  let shape: [Int]
  let values: [Double]
  let bounds: [Double]

  init(_ shape: [Int], _ element: (_ coordinates: [Int]) -> (value: Double, bound: Double)) {
    self.shape = shape
    let elements = allCoordinates(shape).map(element)
    values = elements.map(\.value)
    bounds = elements.map(\.bound)
  }

  /// Elements that have only one right value: that of the definition, rounded once.
  init(exactly shape: [Int], _ element: (_ coordinates: [Int]) -> Double) {
    self.init(shape) { (Double(Float(element($0))), 0) }
  }
}

/// All coordinates of a shape in row-major order.
func allCoordinates(_ shape: [Int]) -> [[Int]] {
  shape.reduce([[]]) { outer, extent in outer.flatMap { o in (0..<extent).map { o + [$0] } } }
}

/// Unit roundoff of single precision: one operation is wrong by at most this part of its result.
let roundoff = 0x1p-24

enum Operand {
  case variable(Tensor)
  case constant(Tensor)
  case absent
}

/// Runs `operation` alone on every instruction set: into dense memory and, where it can, into rows with gaps (in front of a
/// concatenation); on one thread and cut into pieces, which must not change a bit. Every result must be `answer`.
func expect(
  _ operation: any Operation, _ operands: [Operand], _ answer: Answer,
  _ note: @autoclosure () -> String = "", at location: SourceLocation = #_sourceLocation
) throws {
  for hasGaps in [false, true] where !hasGaps || supportsGaps(operation) && !answer.shape.isEmpty {
    let filler = hasGaps ? 3 : 0
    let model = try model(operation, operands, fillerChannels: filler)
    for isa in availableISAs {
      let result = try run(model, operands, isa, fillerChannels: filler)
      let inPieces = try run(model, operands, isa, fillerChannels: filler, parallel: threePieces)
      let label = "\(name(of: isa))\(hasGaps ? ", gaps" : "") \(answer.shape) \(note())"
      #expect(
        result.map(\.bitPattern) == inPieces.map(\.bitPattern), "threads: \(label)",
        sourceLocation: location)
      try #require(result.count == answer.values.count, "\(label)", sourceLocation: location)
      let wrong = result.indices.first {
        !isRight(result[$0], answer.values[$0], answer.bounds[$0])
      }
      if let wrong {
        Issue.record(
          "\(label): element \(wrong) is \(result[wrong]), not \(answer.values[wrong])",
          sourceLocation: location)
        return
      }
    }
  }
}

private func isRight(_ got: Float, _ want: Double, _ bound: Double) -> Bool {
  if want.isNaN { return got.isNaN }
  return Double(got) == want || abs(Double(got) - want) <= bound
}

/// The operator with its operands; with a filler, concatenated behind a second input of that many channels.
private func model(
  _ operation: any Operation, _ operands: [Operand], fillerChannels: Int
) throws -> Data {
  var graph = Graph()
  let ids = try operands.enumerated().map { index, operand -> ValueID? in
    switch operand {
    case .variable(let tensor): return graph.addInput("x\(index)", try Shape(tensor.shape))
    case .constant(let tensor):
      return graph.addConstant("c\(index)", try Shape(tensor.shape), tensor.floats)
    case .absent: return nil
    }
  }
  var output = try graph.add(operation, ids, name: "y")
  if fillerChannels > 0 {
    var shape = graph[output].shape
    let last = shape.rank - 1
    shape[last] = fillerChannels
    let filler = graph.addInput("filler", shape)
    output = try graph.add(Concat(axis: last), [filler, output], name: "z")
  }
  graph.outputs = [output]
  return try ModelWriter.encode(graph)
}

private func run(
  _ model: Data, _ operands: [Operand], _ isa: zoo_isa, fillerChannels: Int,
  parallel: zoo_parallel? = nil
) throws -> [Float] {
  let runner = try Runner(model, isa: isa, parallel: parallel)
  var next = 0
  for case .variable(let tensor) in operands {
    try runner.write(tensor.floats, toInput: next)
    next += 1
  }
  if fillerChannels > 0 {
    let count = runner.input(next).size / 4
    try runner.write([Float](repeating: -99, count: count), toInput: next)
  }
  try runner.run()
  let floats = runner.outputFloats(0)
  let shape = Shape(runner.output(0))
  // Everything but the filler, which must have stayed as it was.
  return floats.enumerated().compactMap { index, value in
    guard index % shape.last < fillerChannels else { return value }
    #expect(value == -99, "wrote outside of its channels")
    return nil
  }
}

/// Three "threads", which are the caller, last piece first.
var threePieces: zoo_parallel {
  zoo_parallel(context: nil, thread_count: 3) { _, count, task, context in
    for index in (0..<count).reversed() { task?(context, index) }
  }
}
