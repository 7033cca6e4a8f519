// The harness of the integer operators: a network of one, run in every way there is, against its definition, bit for bit.
import CZoo
import TestSupport
import Testing
import Zoo
import ZooCompiler

import struct Foundation.Data

/// A dense tensor of i8 or i16 that is indexed by coordinates.
struct IntegerTensor<Element: IntegerElement> {
  let shape: [Int]
  var integers: [Element]
  var quantization: Quantization

  /// Random integers with some at the ends, and any zero point that the type may have.
  init(random shape: [Int], _ generator: inout SplitMix64, least: Element = .min) {
    self.shape = shape
    integers = (0..<shape.reduce(1, *)).map { _ in
      switch generator.next() % 8 {
      case 0: least
      case 1: Element.max
      default: max(least, Element(truncatingIfNeeded: Int64(bitPattern: generator.next())))
      }
    }
    quantization = Quantization(
      scale: Float(generator.next() % 1000 + 1) * 0x1p-12,
      zeroPoint: Element.isWide ? 0 : [-128, -1, 0, 3, 127][Int(generator.next() % 5)])
  }

  /// q - zero point.
  func difference(_ coordinates: [Int]) -> Int {
    let index = zip(shape, coordinates.suffix(shape.count)).reduce(0) {
      $0 * $1.0 + ($1.0 == 1 ? 0 : $1.1)
    }
    return Int(integers[index]) - Int(quantization.zeroPoints[0])
  }
}

enum IntegerOperand<Element: IntegerElement> {
  case variable(IntegerTensor<Element>)
  case constant([Int], Constant)
}

/// As a weight or a table.
func integers(_ values: [Int8]) -> Constant {
  Constant(type: ZOO_I8, bytes: values.map { UInt8(bitPattern: $0) })
}

/// The integer that `real`, in steps of the output, is rounded to.
func rounded<Element: IntegerElement>(
  _ real: Float, zeroPoint: Int32, _ bounds: IntegerBounds
) -> Element {
  let q = Double(real).rounded(.toNearestOrEven) + Double(zeroPoint)
  return Element(min(Double(bounds.upper), max(Double(bounds.lower), q)))
}

/// Runs `operation` on every instruction set, into dense memory and into rows with gaps, on one thread and in pieces; every
/// result must be `answer`, which gives the output in steps before rounding.
func expectIntegers<Element: IntegerElement>(
  _ operation: any Operation, _ operands: [IntegerOperand<Element>], _ shape: [Int],
  zeroPoint: Int32, _ bounds: IntegerBounds = IntegerBounds(Element.self), scale: Float = 0.05,
  at location: SourceLocation = #_sourceLocation, _ answer: ([Int]) -> Float
) throws {
  let q = Quantization(scale: scale, zeroPoint: zeroPoint)
  let want: [Element] = allCoordinates(shape).map {
    rounded(answer($0), zeroPoint: zeroPoint, bounds)
  }
  let bytesPerElement = Element.bitWidth / 8
  for filler in [0, 3] {
    let model = try integerModel(operation, operands, q, fillerChannels: filler)
    for isa in availableISAs {
      for parallel in [nil, threePieces] {
        let runner = try Runner(model, isa: isa, parallel: parallel)
        var next = 0
        for case .variable(let tensor) in operands {
          try runner.write(tensor.integers.withUnsafeBytes { Array($0) }, toInput: next)
          next += 1
        }
        if filler > 0 {
          try runner.write(
            [UInt8](repeating: 77, count: runner.input(next).size), toInput: next)
        }
        try runner.run()
        let width = shape[shape.count - 1] + filler
        let bytes = runner.outputBytes(0)
        let all = bytes.withUnsafeBytes { Array($0.assumingMemoryBound(to: Element.self)) }
        let filling: Element = bytesPerElement == 1 ? 77 : Element(truncatingIfNeeded: 77 * 257)
        let got = all.enumerated().compactMap { index, element -> Element? in
          guard index % width < filler else { return element }
          #expect(element == filling, "wrote outside of its channels", sourceLocation: location)
          return nil
        }
        let label =
          "\(name(of: isa))\(filler > 0 ? ", gaps" : "")\(parallel == nil ? "" : ", in pieces")"
        try #require(got.count == want.count, sourceLocation: location)
        if let wrong = got.indices.first(where: { got[$0] != want[$0] }) {
          Issue.record(
            "\(label) \(shape): element \(wrong) is \(got[wrong]), not \(want[wrong])",
            sourceLocation: location)
          return
        }
      }
    }
  }
}

private func integerModel<Element: IntegerElement>(
  _ operation: any Operation, _ operands: [IntegerOperand<Element>], _ q: Quantization,
  fillerChannels: Int
) throws -> Data {
  var graph = Graph()
  let ids = try operands.enumerated().map { index, operand -> ValueID in
    switch operand {
    case .variable(let tensor):
      let id = graph.addInput("x\(index)", try Shape(tensor.shape), type: Element.type)
      graph[id].quantization = tensor.quantization
      return id
    case .constant(let shape, let constant):
      return graph.addValue(
        Value(name: "c\(index)", type: constant.type, shape: try Shape(shape), constant: constant))
    }
  }
  var output = try graph.add(operation, ids, name: "y")
  graph[output].quantization = q
  if fillerChannels > 0 {
    var shape = graph[output].shape
    shape[shape.rank - 1] = fillerChannels
    let filler = graph.addInput("filler", shape, type: Element.type)
    graph[filler].quantization = q
    output = try graph.add(Concat(axis: shape.rank - 1), [filler, output], name: "z")
    graph[output].quantization = q
  }
  graph.outputs = [output]
  return try ModelWriter.encode(graph)
}
