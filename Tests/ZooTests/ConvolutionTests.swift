// Convolution and depthwise convolution on every instruction set against the naive reference.
import CZoo
import TestSupport
import Testing
import Zoo
import ZooCompiler

func randomFloats(_ count: Int, _ generator: inout SplitMix64) -> [Float] {
  (0..<count).map { _ in Float(generator.next() >> 40) * 0x1p-23 - 1 }
}

struct ConvolutionTests {
  /// Sizes below, at, above and at multiples of tiles and panels; strides, dilation, groups, asymmetric padding.
  static let cases: [Geometry] = {
    var cases: [Geometry] = []
    for outputs in [1, 3, 15, 16, 17, 31, 32, 33, 48, 70] {
      cases.append(Geometry(height: 5, width: 7, channels: 9, outputs: outputs))
      cases.append(
        Geometry(
          height: 6, width: 5, channels: 4, outputs: outputs, kernel: (3, 3),
          pads: (1, 1, 1, 1)))
    }
    cases.append(
      Geometry(
        height: 13, width: 11, channels: 3, outputs: 20, kernel: (5, 3), stride: (2, 1),
        pads: (2, 0, 1, 3)))
    cases.append(
      Geometry(
        height: 12, width: 12, channels: 12, outputs: 18, kernel: (3, 3), dilation: (2, 3),
        pads: (2, 3, 2, 3), groups: 3))
    cases.append(
      Geometry(
        height: 23, width: 23, channels: 3, outputs: 64, kernel: (11, 11), stride: (4, 4),
        pads: (2, 2, 2, 2)))
    // Few channels, whose windows are copied, of runs of 1 to 40 elements; and of more lines than there are pointers for.
    cases.append(
      Geometry(
        height: 1105, width: 6, channels: 1, outputs: 3, kernel: (1100, 2), pads: (1, 1, 0, 1)))
    for (channels, kernel) in [(1, 1), (1, 3), (1, 5), (3, 3), (5, 3), (3, 7), (8, 5)] {
      cases.append(
        Geometry(
          height: 10, width: 12, channels: channels, outputs: 10, kernel: (kernel, kernel),
          stride: (1, 2), pads: (1, 1, 0, 1)))
    }
    // One channel and few outputs, in lines of less than, just and more than one and two vectors.
    for (outputs, width) in [(1, 5), (2, 20), (3, 21), (5, 32), (6, 36), (7, 37), (8, 70)] {
      cases.append(
        Geometry(height: 8, width: width, channels: 1, outputs: outputs, kernel: (3, 5)))
    }
    cases.append(
      Geometry(
        height: 14, width: 19, channels: 1, outputs: 6, kernel: (3, 2), stride: (2, 1),
        dilation: (3, 1)))
    cases.append(Geometry(height: 7, width: 40, channels: 1, outputs: 4, kernel: (1, 1)))
    cases.append(
      Geometry(height: 9, width: 9, channels: 20, outputs: 40, kernel: (1, 1), stride: (2, 2)))
    // More than one block that is copied with its padding: of lines, and of parts of a line.
    cases.append(
      Geometry(
        height: 40, width: 35, channels: 16, outputs: 5, kernel: (3, 3), pads: (1, 1, 1, 1)))
    cases.append(
      Geometry(
        height: 5, width: 99, channels: 64, outputs: 5, kernel: (3, 3), pads: (1, 1, 1, 1)))
    cases.append(
      Geometry(
        height: 9, width: 330, channels: 5, outputs: 9, kernel: (3, 3), stride: (2, 2),
        pads: (1, 1, 1, 1)))
    // Kernel rows read in place, but for those at the sides: of more lines than a table holds.
    for (channels, kernel, stride, sides) in [
      (3, 3, 2, (1, 0)), (3, 7, 2, (3, 3)), (8, 3, 1, (0, 1)), (2, 5, 3, (2, 1)),
    ] {
      cases.append(
        Geometry(
          height: 37, width: 83, channels: channels, outputs: 24, kernel: (kernel, kernel),
          stride: (stride, stride), pads: (kernel / 2, sides.0, kernel / 2, sides.1)))
    }
    cases.append(
      Geometry(
        height: 9, width: 61, channels: 36, outputs: 64, kernel: (3, 3), pads: (1, 1, 1, 1)))
    cases.append(Geometry(height: 1, width: 1, channels: 300, outputs: 130))
    cases.append(
      Geometry(
        height: 8, width: 8, channels: 6, outputs: 12, kernel: (3, 3), pads: (0, 1, 2, 0), groups: 6
      ))
    return cases
  }()

  @Test(arguments: cases.indices)
  func agreesWithTheReference(_ index: Int) throws {
    let g = ConvolutionTests.cases[index]
    var generator = SplitMix64(state: UInt64(index + 1))
    let depth = g.kernel.0 * g.kernel.1 * g.channels / g.groups
    let x = randomFloats(g.height * g.width * g.channels, &generator)
    let w = randomFloats(depth * g.outputs, &generator)
    let bias = randomFloats(g.outputs, &generator)
    let want = referenceConvolution(x, w, bias, g)
    var graph = Graph()
    let input = graph.addInput("x", Shape(n: 1, h: g.height, w: g.width, c: g.channels))
    let weights = graph.addConstant("w", try Shape([g.groups, depth, g.outputs / g.groups]), w)
    var operation = Conv2D()
    operation.groups = Int32(g.groups)
    operation.window = g.window
    let b = graph.addConstant("b", try Shape([g.outputs]), bias)
    graph.outputs = [try graph.add(operation, [input, weights, b], name: "y")]
    let data = try ModelWriter.encode(graph)
    for isa in availableISAs {
      let runner = try Runner(data, isa: isa)
      try runner.write(x, toInput: 0)
      try runner.run()
      let got = runner.outputFloats(0)
      #expect(got.count == want.values.count)
      // The bound stated by Conv2D: (K + 2) 2^-24 of the sum of magnitudes.
      let worst =
        zip(got.indices, got).map {
          abs(Double($1) - want.values[$0]) / (Double(depth + 2) * 0x1p-24 * want.magnitudes[$0])
        }.max() ?? 0
      #expect(
        worst <= 1, "\(name(of: isa)), case \(index): \(worst) of the bound")
    }
  }

  /// An image of one channel with few outputs, whose lines have a kernel of their own: the bits are those of products of
  /// windows, and pieces that end within a line have them too.
  @Test func linesHaveTheBitsOfProducts() throws {
    var generator = SplitMix64(state: 5)
    let g = Geometry(height: 61, width: 67, channels: 1, outputs: 6, kernel: (5, 5))
    let x = randomFloats(g.height * g.width, &generator)
    let w = randomFloats(25 * g.outputs, &generator)
    func answer(_ activation: Activation, _ isa: zoo_isa, _ parallel: zoo_parallel?) throws
      -> [UInt32]
    {
      var graph = Graph()
      let input = graph.addInput("x", Shape(n: 1, h: g.height, w: g.width, c: 1))
      let weights = graph.addConstant("w", try Shape([1, 25, g.outputs]), w)
      var operation = Conv2D()
      operation.window = g.window
      operation.activation = activation
      graph.outputs = [try graph.add(operation, [input, weights], name: "y")]
      let runner = try Runner(try ModelWriter.encode(graph), isa: isa, parallel: parallel)
      try runner.write(x, toInput: 0)
      try runner.run()
      return runner.outputFloats(0).map(\.bitPattern)
    }
    let vectorISAs = availableISAs.filter { $0 != ZOO_ISA_SCALAR }
    guard let first = vectorISAs.first else { return }
    let sums = try answer(.none, first, nil)
    for isa in vectorISAs {
      #expect(try answer(.none, isa, nil) == sums, "\(name(of: isa))")
      #expect(
        try answer(Activation(.tanh), isa, threePieces) == answer(Activation(.tanh), isa, nil),
        "\(name(of: isa)) in pieces")
    }
  }

  @Test(arguments: [1, 7, 8, 9, 15, 16, 17, 33, 64, 256], [(3, 1), (3, 2), (5, 1), (2, 2)])
  func depthwiseAgreesWithTheReference(_ channels: Int, _ shape: (kernel: Int, stride: Int)) throws
  {
    var g = Geometry(height: 9, width: 10, channels: channels, outputs: channels)
    g.kernel = (shape.kernel, shape.kernel)
    g.stride = (shape.stride, shape.stride)
    g.pads = (1, 0, 1, 1)
    g.groups = channels
    var generator = SplitMix64(state: UInt64(channels))
    let x = randomFloats(g.height * g.width * channels, &generator)
    let taps = shape.kernel * shape.kernel
    let w = randomFloats(taps * channels, &generator)
    let bias = randomFloats(channels, &generator)
    // The reference wants [groups][taps], the operator [taps][channels].
    let grouped = (0..<channels).flatMap { c in (0..<taps).map { w[$0 * channels + c] } }
    let want = referenceConvolution(x, grouped, bias, g)
    var graph = Graph()
    let input = graph.addInput("x", Shape(n: 1, h: g.height, w: g.width, c: channels))
    let weights = graph.addConstant("w", try Shape([shape.kernel, shape.kernel, channels]), w)
    var operation = DepthwiseConv2D()
    operation.window.kernelHeight = Int32(shape.kernel)
    operation.window.kernelWidth = Int32(shape.kernel)
    operation.window.strideHeight = Int32(shape.stride)
    operation.window.strideWidth = Int32(shape.stride)
    (operation.window.padTop, operation.window.padBottom, operation.window.padRight) = (1, 1, 1)
    let b = graph.addConstant("b", try Shape([channels]), bias)
    graph.outputs = [try graph.add(operation, [input, weights, b], name: "y")]
    let data = try ModelWriter.encode(graph)
    for isa in availableISAs {
      let runner = try Runner(data, isa: isa)
      try runner.write(x, toInput: 0)
      try runner.run()
      let worst =
        zip(runner.outputFloats(0).indices, runner.outputFloats(0)).map {
          abs(Double($1) - want.values[$0]) / (Double(taps + 2) * 0x1p-24 * want.magnitudes[$0])
        }.max() ?? .infinity
      #expect(worst <= 1, "\(name(of: isa))")
    }
  }
}
