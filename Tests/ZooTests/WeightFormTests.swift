// Weights of half precision and of 8 bits: what the float network with those very weights gives.
import CZoo
import TestSupport
import Testing
import Zoo
import ZooCompiler

import struct Foundation.Data

struct WeightFormTests {
  /// A convolution with an addend, and a dense layer behind it, for columns below, at and above panels.
  private func network(_ outputs: Int, groups: Int = 1) throws -> Graph {
    var generator = SplitMix64(state: UInt64(outputs))
    var graph = Graph()
    let x = graph.addInput("x", Shape(n: 1, h: 6, w: 5, c: 12))
    let addend = graph.addInput("a", Shape(n: 1, h: 6, w: 5, c: outputs))
    var convolution = Conv2D()
    convolution.groups = Int32(groups)
    (convolution.window.kernelHeight, convolution.window.kernelWidth) = (3, 3)
    (convolution.window.padTop, convolution.window.padLeft) = (1, 1)
    (convolution.window.padBottom, convolution.window.padRight) = (1, 1)
    convolution.activation = .relu
    let depth = 9 * 12 / groups
    let y = try graph.add(
      convolution,
      [
        x,
        graph.addConstant(
          "w1", try Shape([groups, depth, outputs / groups]),
          randomFloats(depth * outputs, &generator)),
        graph.addConstant("b1", try Shape([outputs]), randomFloats(outputs, &generator)), addend,
      ], name: "c")
    let flat = try graph.add(Reshape(try Shape([1, 30 * outputs])), [y], name: "flat")
    let w = randomFloats(30 * outputs * 21, &generator)
    graph.outputs = [
      try graph.add(
        Dense(), [flat, graph.addConstant("w2", try Shape([30 * outputs, 21]), w)], name: "d")
    ]
    return graph
  }

  /// The float network with the weights as they are after rounding.
  private func widened(_ graph: Graph) -> Graph {
    var result = graph
    for index in graph.values.indices {
      let value = graph.values[index]
      guard let constant = value.constant, value.type != ZOO_F32 else { continue }
      let floats: [Float]
      if value.type == ZOO_BF16 {
        floats = constant.bytes.withUnsafeBytes { raw in
          raw.bindMemory(to: UInt16.self).map { Float(bitPattern: UInt32($0) << 16) }
        }
      } else if value.type == ZOO_F16 {
        floats = constant.bytes.withUnsafeBytes { raw in
          raw.bindMemory(to: UInt16.self).map { Float(Float16(bitPattern: $0)) }
        }
      } else {
        let scales = value.quantization?.scales ?? []
        floats = constant.bytes.enumerated().map {
          Float(Int8(bitPattern: $1)) * scales[$0 % scales.count]
        }
      }
      result.values[index].type = ZOO_F32
      result.values[index].constant = Constant(floats)
      result.values[index].quantization = nil
    }
    return result
  }

  @Test(arguments: WeightForm.allCases, [1, 16, 17, 40, 70])
  func equalsTheFloatNetworkWithRoundedWeights(_ form: WeightForm, _ outputs: Int) throws {
    let small = try compressWeights(network(outputs), form)
    let type: zoo_type =
      switch form {
      case .f16: ZOO_F16
      case .bf16: ZOO_BF16
      case .int8: ZOO_I8
      }
    #expect(small.values.contains { $0.type == type })
    // Through the file, which packs the weights.
    let model = try ModelWriter.encode(try ModelFile(ModelWriter.encode(small)).graph)
    let reference = try ModelWriter.encode(widened(small))
    var generator = SplitMix64(state: 99)
    let inputs = [
      randomFloats(6 * 5 * 12, &generator), randomFloats(6 * 5 * outputs, &generator),
    ]
    func run(
      _ model: Data, _ isa: zoo_isa, _ parallel: zoo_parallel? = nil, hasScratch: Bool = true
    ) throws -> [Float] {
      let runner = try Runner(model, isa: isa, parallel: parallel, hasScratch: hasScratch)
      for (index, input) in inputs.enumerated() { try runner.write(input, toInput: index) }
      try runner.run()
      return runner.outputFloats(0)
    }
    let want = try run(reference, ZOO_ISA_SCALAR)
    let largest = want.map(abs).max() ?? 0
    for isa in availableISAs {
      let got = try run(model, isa)
      #expect(got == (try run(model, isa, threePieces)), "\(name(of: isa)), in pieces")
      // Images rounded at once, or window by window.
      #expect(got == (try run(model, isa, hasScratch: false)), "\(name(of: isa)), no scratch")
      // Inputs of layers have 8 bits where bf16 is multiplied.
      let rounds = form == .bf16 && [ZOO_ISA_AVX512BF16, ZOO_ISA_AMX].contains(isa)
      let bound: Float = rounds ? 4e-3 * largest : 2e-6 * largest * Float(outputs).squareRoot()
      for (a, b) in zip(got, want) {
        #expect(abs(a - b) <= bound, "\(name(of: isa))")
      }
      if rounds { #expect(zip(got, want).contains { abs($0 - $1) > 1e-5 * largest }) }
    }
  }

  @Test func whatCannotBeSmaller() throws {
    // Groups keep their floats where each column needs a scale.
    let grouped = try compressWeights(network(12, groups: 3), .int8)
    #expect(grouped.values.filter { $0.type == ZOO_I8 }.count == 1)
    // Small windows of 2 channels take longer to put together than to multiply.
    let few = try compressWeights(network(12, groups: 6), .bf16)
    #expect(few.values.filter { $0.type == ZOO_BF16 }.count == 1)
    var large = try network(16)
    for index in large.values.indices where large.values[index].name == "w2" {
      var floats = large.values[index].constant?.floats ?? []
      floats[3] = 1e6
      large.values[index].constant = Constant(floats)
    }
    #expect(throws: CompileError.self) { try compressWeights(large, .f16) }
  }
}
