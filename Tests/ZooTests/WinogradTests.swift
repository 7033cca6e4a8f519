// Convolutions by Winograd's transforms against the naive reference, and against themselves in pieces.
import CZoo
import Foundation
import TestSupport
import Testing
import Zoo
import ZooCompiler

/// One convolution with a residual and a clamp, beside another one in the same rows.
private struct Case {
  var geometry: Geometry
  let x: [Float]
  var w: [Float]
  let bias: [Float]
  let addend: [Float]

  init(_ geometry: Geometry, seed: UInt64) {
    self.geometry = geometry
    var generator = SplitMix64(state: seed)
    let g = geometry
    x = randomFloats(g.height * g.width * g.channels, &generator)
    w = randomFloats(9 * g.channels * g.outputs, &generator)
    bias = randomFloats(g.outputs, &generator)
    addend = randomFloats(g.outputHeight * g.outputWidth * g.outputs, &generator)
  }

  /// The answer, between -3 and 4, and the sums of magnitudes.
  var reference: (values: [Double], magnitudes: [Double]) {
    let sums = referenceConvolution(x, w, bias, geometry)
    return (
      zip(sums.values, addend).map { min(max($0 + Double($1), -3), 4) },
      zip(sums.magnitudes, addend).map { $0 + Double(abs($1)) }
    )
  }

  func model(isConcatenated: Bool = false) throws -> Graph {
    let g = geometry
    var graph = Graph()
    let input = graph.addInput("x", Shape(n: 1, h: g.height, w: g.width, c: g.channels))
    let residual = graph.addInput(
      "r", Shape(n: 1, h: g.outputHeight, w: g.outputWidth, c: g.outputs))
    var operation = Conv2D()
    operation.window = g.window
    operation.activation = Activation(.clamp, alpha: -3, beta: 4)
    var values: [ValueID] = []
    for name in isConcatenated ? ["a", "b"] : ["a"] {
      let weights = graph.addConstant(
        name + ".w", try Shape([1, 9 * g.channels, g.outputs]), name == "a" ? w : w.reversed())
      let b = graph.addConstant(name + ".b", try Shape([g.outputs]), bias)
      values.append(try graph.add(operation, [input, weights, b, residual], name: name))
    }
    if isConcatenated { values = [try graph.add(Concat(axis: 3), values, name: "both")] }
    graph.outputs = values
    return graph
  }

  func run(
    _ graph: Graph, _ isa: zoo_isa, _ parallel: zoo_parallel? = nil, hasScratch: Bool = true
  ) throws -> [Float] {
    let runner = try Runner(
      try ModelWriter.encode(graph), isa: isa, parallel: parallel, hasScratch: hasScratch)
    try runner.write(x, toInput: 0)
    try runner.write(addend, toInput: 1)
    try runner.run()
    return runner.outputFloats(0)
  }
}

struct WinogradTests {
  /// Four tiles of 49 pixels, whose weights cost more than what they spare where wide vectors are multiplied as fast as narrow ones.
  @Test(arguments: [
    (7, 512, false), (7, 160, false), (8, 64, true), (13, 64, true), (56, 64, true),
  ])
  func fewPixelsAreTransformedWhereProductsAreSlow(
    _ side: Int, _ channels: Int, _ always: Bool
  ) throws {
    let shape = Shape(n: 1, h: side, w: side, c: channels)
    var operation = Conv2D()
    (operation.window.kernelHeight, operation.window.kernelWidth) = (3, 3)
    #expect(Winograd(operation, x: shape, weights: ZOO_F32, y: shape) != nil)
    let wide = Winograd(operation, x: shape, weights: ZOO_F32, y: shape, isWide: true)
    #expect((wide != nil) == always)
  }

  /// Whole and cut tiles, all kinds of padding, one and several blocks of depth, odd panels of columns, more tiles than a block has.
  private static let cases: [Case] = [
    Geometry(height: 12, width: 12, channels: 64, outputs: 32, kernel: (3, 3), pads: (1, 1, 1, 1)),
    Geometry(height: 13, width: 18, channels: 40, outputs: 48, kernel: (3, 3), pads: (1, 1, 1, 1)),
    Geometry(height: 18, width: 14, channels: 96, outputs: 16, kernel: (3, 3)),
    Geometry(height: 15, width: 17, channels: 130, outputs: 64, kernel: (3, 3), pads: (2, 0, 1, 2)),
    Geometry(height: 50, width: 41, channels: 17, outputs: 80, kernel: (3, 3), pads: (0, 2, 2, 0)),
  ].enumerated().map { Case($1, seed: UInt64($0 + 1)) }

  @Test(arguments: cases.indices)
  func agreesWithTheReference(_ index: Int) throws {
    let one = WinogradTests.cases[index]
    let want = one.reference
    let graph = try one.model()
    for isa in availableISAs where isa != ZOO_ISA_SCALAR {
      let got = try one.run(graph, isa)
      #expect(got.count == want.values.count)
      // The bound stated by Winograd.
      let unit = 60 * Double(one.geometry.channels + 8) * 0x1p-24
      let worst = zip(got.indices, got).map {
        abs(Double($1) - want.values[$0]) / (unit * want.magnitudes[$0])
      }.max()
      #expect(try #require(worst) <= 1, "\(name(of: isa)), case \(index)")
      let direct = try one.run(graph, isa, hasScratch: false)
      #expect(got != direct, "\(name(of: isa)), case \(index): not by transforms")
    }
    #expect(
      try one.run(graph, ZOO_ISA_SCALAR) == one.run(graph, ZOO_ISA_SCALAR, hasScratch: false))
  }

  /// Into rows with gaps, from pieces of tiles and of columns: always the same bits.
  @Test(arguments: cases.indices)
  func piecesGiveTheSameBits(_ index: Int) throws {
    let one = WinogradTests.cases[index]
    let graph = try one.model(isConcatenated: true)
    let alone = try one.model()
    for isa in availableISAs where isa != ZOO_ISA_SCALAR {
      let whole = try one.run(graph, isa)
      #expect(try one.run(graph, isa, threePieces) == whole, "\(name(of: isa)), case \(index)")
      let columns = one.geometry.outputs
      let part = whole.indices.filter { $0 % (2 * columns) < columns }.map { whole[$0] }
      #expect(try one.run(alone, isa) == part, "\(name(of: isa)), case \(index)")
    }
  }

  /// Weights of bf16 are widened: the bits of the floats that they are. Cases with pixels enough to be worth it.
  @Test(arguments: [0, 3]) func weightsOfBF16(_ index: Int) throws {
    var rounded = WinogradTests.cases[index]
    rounded.w = rounded.w.map { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) }
    let graph = try rounded.model()
    let small = try compressWeights(graph, .bf16)
    #expect(small.values.contains { $0.type == ZOO_BF16 })
    for isa in availableISAs where isa != ZOO_ISA_SCALAR {
      #expect(
        try rounded.run(small, isa) == rounded.run(graph, isa), "\(name(of: isa)), case \(index)")
    }
  }

  /// Several images share blocks of tiles and still are alone.
  @Test func batchesAreImages() throws {
    let one = WinogradTests.cases[1]
    let g = one.geometry
    let graph = try rebatched(try one.model(), batch: 3)
    let runner = try Runner(try ModelWriter.encode(graph))
    try runner.write(one.x + one.x.reversed() + one.x, toInput: 0)
    try runner.write(one.addend + one.addend + one.addend, toInput: 1)
    try runner.run()
    let got = runner.outputFloats(0)
    let count = g.outputHeight * g.outputWidth * g.outputs
    let alone = try one.run(try one.model(), runner.isa)
    #expect(Array(got[..<count]) == alone)
    #expect(Array(got[(2 * count)...]) == alone)
    #expect(Array(got[count..<2 * count]) != alone)
  }

  /// Scratch memory is all that is of use, at its place, or an error: with less, what runs would depend on the number of threads.
  @Test func tooLittleScratchIsAnError() throws {
    var model = Array(try ModelWriter.encode(try WinogradTests.cases[0].model()))
    let byteCount = model.count
    model += [UInt8](repeating: 0, count: 64)
    try model.withUnsafeMutableBytes { memory in
      let base = try #require(memory.baseAddress)
      let start = base.alignedUp(toMultipleOf: 64)
      memmove(start, base, byteCount)
      var options = zoo_options()
      options.struct_size = UInt32(MemoryLayout<zoo_options>.size)
      options.isa = ZOO_ISA_AVX2
      var error = zoo_error()
      var (arenaSize, needed) = (0, 0)
      let status = zoo_session_scratch_size(start, byteCount, &options, &needed, &error)
      guard availableISAs.contains(ZOO_ISA_AVX2) else {
        #expect(status == ZOO_ISA_UNAVAILABLE)
        return
      }
      #expect(status == ZOO_OK && needed > 0)
      #expect(
        zoo_session_arena_size(start, byteCount, &options, &arenaSize, &error) == ZOO_OK)
      let arena = UnsafeMutableRawPointer.allocate(byteCount: arenaSize, alignment: 64)
      let scratch = UnsafeMutableRawPointer.allocate(byteCount: needed + 8, alignment: 64)
      defer {
        arena.deallocate()
        scratch.deallocate()
      }
      func make(_ at: UnsafeMutableRawPointer, _ size: Int) -> zoo_status {
        options.scratch = at
        options.scratch_size = size
        var session: OpaquePointer?
        return zoo_session_init(
          start, byteCount, arena, arenaSize, &options, &session, &error)
      }
      #expect(make(scratch, needed) == ZOO_OK)
      #expect(make(scratch, needed - 1) == ZOO_ARENA_TOO_SMALL)
      #expect(message(error).contains("scratch") && message(error).contains("\(needed)"))
      #expect(make(scratch + 8, needed) == ZOO_MISALIGNED)
    }
  }

  /// Chains in bands of whole tiles give the bits of the whole: one by transforms before a pooling, and others before it.
  /// At 128 x 128 for the cache, at 44 x 44 two bands where the arena is fullest, of 24 and of 20 rows.
  @Test(arguments: [(128, 3, 3), (44, 16, 2)])
  func bandsOfTilesGiveTheSameBits(_ size: Int, _ channels: Int, _ chain: Int) throws {
    var builder = NetworkBuilder(RandomWeights(seed: 4))
    var x = builder.image(height: size, width: size, channels: channels)
    if chain == 3 {
      x = try builder.convolution("a", x, channels: 32, kernel: 3, padding: .same)
    }
    x = try builder.convolution("b", x, channels: 32, kernel: 3, padding: .same)
    x = try builder.pool(.max, x, kernel: 2, stride: 2)
    var graph = try builder.finish(x)
    try optimize(&graph)
    let groups = MemoryPlan(graph, bands: .cache).bands.groups
    #expect(groups.map { $0.last - $0.first + 1 } == [chain])
    #expect(isTransformed(graph.nodes[chain - 2], graph))
    var generator = SplitMix64(state: 8)
    let image = randomFloats(size * size * channels, &generator)
    func answer(_ bands: BandPolicy, _ parallel: zoo_parallel?) throws -> [UInt8] {
      let runner = try Runner(try ModelWriter.encode(graph, bands: bands), parallel: parallel)
      try runner.write(image, toInput: 0)
      try runner.run()
      return runner.outputBytes(0)
    }
    let whole = try answer(.off, nil)
    #expect(try answer(.cache, nil) == whole)
    #expect(try answer(.cache, threePieces) == whole)
  }
}
