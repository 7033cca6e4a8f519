// The ONNX importer on small networks written here: what exporters produce, and what attackers might.
import CZoo
import Foundation
import Testing
import Zoo
import ZooCompiler

struct ONNXImportTests {
  /// Imports, optimises and runs a network; inputs and outputs in ONNX's own layout.
  private func run(
    _ fixture: ONNXFixture, _ input: [Float], besides files: [String: [UInt8]] = [:]
  ) throws -> (shape: [Int], values: [Float]) {
    let file = try fixture.write()
    defer { try? FileManager.default.removeItem(at: file.deletingLastPathComponent()) }
    for (name, bytes) in files {
      try Data(bytes).write(to: file.deletingLastPathComponent().appendingPathComponent(name))
    }
    var options = ImportOptions()
    options.keepsLayout = true
    var graph = try importONNX(path: file.path, options: options)
    try optimize(&graph)
    let shape = graph[graph.outputs[0]].shape.extents
    let runner = try Runner(try ModelWriter.encode(graph))
    try runner.write(input, toInput: 0)
    try runner.run()
    return (shape, runner.outputFloats(0))
  }

  /// What the importer says about a network it must refuse.
  private func refusal(_ fixture: ONNXFixture) throws -> String {
    let file = try fixture.write()
    defer { try? FileManager.default.removeItem(at: file.deletingLastPathComponent()) }
    do {
      var graph = try importONNX(path: file.path)
      try optimize(&graph)
      return "accepted"
    } catch { return "\(error)" }
  }

  @Test func shapeArithmeticOfExportersIsFolded() throws {
    // x.reshape(x.shape[0], -1), as exporters write it for an open batch.
    var fixture = ONNXFixture()
    fixture.input("x", [0, 2, 3])
    fixture.ints("zero", [0], extents: [])
    fixture.ints("axes", [0])
    fixture.ints("rest", [-1])
    fixture.node("Shape", ["x"], ["shape"])
    fixture.node("Gather", ["shape", "zero"], ["n"])
    fixture.node("Unsqueeze", ["n", "axes"], ["list"])
    fixture.node("Concat", ["list", "rest"], ["extents"], ["axis": 0])
    fixture.node("Equal", ["extents", "rest"], ["open"])
    fixture.node("Where", ["open", "rest", "extents"], ["chosen"])
    fixture.node("Reshape", ["x", "chosen"], ["y"])
    fixture.output("y")
    #expect(try run(fixture, [1, 2, 3, 4, 5, 6]) == ([1, 6], [1, 2, 3, 4, 5, 6]))
  }

  @Test func sizesComputedInFloatsAreKnown() throws {
    // size = floor(shape * 2.0), as PyTorch exports interpolate(scale_factor=2).
    var fixture = ONNXFixture(opset: 11)
    fixture.input("x", [1, 1, 1, 2])
    fixture.floats("two", [], [2])
    fixture.floats("empty", [0], [])
    fixture.node("Shape", ["x"], ["shape"])
    fixture.node("Cast", ["shape"], ["real"], ["to": 1])
    fixture.node("Mul", ["real", "two"], ["doubled"])
    fixture.node("Floor", ["doubled"], ["floor"])
    fixture.node("Cast", ["floor"], ["sizes"], ["to": 7])
    fixture.ints("outer", [1, 1])
    fixture.node("Slice", ["sizes", "from", "to"], ["inner"])
    fixture.ints("from", [2])
    fixture.ints("to", [4])
    fixture.node("Concat", ["outer", "inner"], ["all"], ["axis": 0])
    fixture.node(
      "Resize", ["x", "empty", "empty", "all"], ["y"],
      ["mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"])
    fixture.output("y")
    #expect(try run(fixture, [1, 2]) == ([1, 1, 2, 4], [1, 1, 2, 2, 1, 1, 2, 2]))
  }

  @Test func halvesAndExternalTensorsAreRead() throws {
    var fixture = ONNXFixture()
    fixture.input("x", [1, 2], type: 10)
    fixture.constant("half", [2], type: 10, raw: [0x00, 0x3E, 0x00, 0xC0])  // 1.5, -2
    fixture.external("far", [2], location: "weights.bin", offset: 4)
    fixture.node("Mul", ["x", "half"], ["scaled"])
    fixture.node("Add", ["scaled", "far"], ["y"])
    fixture.output("y")
    let weights = ["weights.bin": rawFloats([9, 10, 20])]
    #expect(try run(fixture, [2, 3], besides: weights) == ([1, 2], [13, 14]))
  }

  @Test func externalTensorsStayInTheModelsFolder() throws {
    for location in ["../secret", "/etc/passwd", "a/../../b"] {
      var fixture = ONNXFixture()
      fixture.input("x", [1, 2])
      fixture.external("far", [2], location: location)
      fixture.node("Add", ["x", "far"], ["y"])
      fixture.output("y")
      #expect(try refusal(fixture).contains("leaves the model's folder"))
    }
  }

  @Test func externalTensorsOutsideTheirFileAreRefused() throws {
    for offset in [0, 1 << 40, -8] {
      var fixture = ONNXFixture()
      fixture.input("x", [1, 2])
      // The model itself serves as the file of weights: it is shorter than the tensor.
      fixture.external("far", [100_000], location: "model.onnx", offset: offset)
      fixture.node("Add", ["x", "far"], ["y"])
      fixture.output("y")
      #expect(try refusal(fixture).contains("400000 wanted at \(offset)"))
    }
  }

  @Test func positionsOfTheLargest() throws {
    for (last, expected) in [(0, [Float]([1, 0])), (1, [2, 2])] {
      var fixture = ONNXFixture()
      fixture.input("x", [2, 3])
      fixture.node(
        "ArgMax", ["x"], ["y"], ["axis": 1, "keepdims": 0, "select_last_index": last])
      fixture.output("y")
      let x: [Float] = [-3, 1e-30, 1e-30, 5, 5, 5]
      #expect(try run(fixture, x) == ([2], expected))
    }
  }

  @Test func quantisingRoundsTiesToEvenAndSaturates() throws {
    var fixture = ONNXFixture()
    fixture.input("x", [6])
    fixture.floats("scale", [], [0.5])
    fixture.constant("zero", [], type: 2, raw: [10])
    fixture.node("QuantizeLinear", ["x", "scale", "zero"], ["y"])
    fixture.output("y")
    let x: [Float] = [0.25, 0.75, 1.25, -0.25, 1e9, -1e9]
    #expect(try run(fixture, x) == ([6], [10, 12, 12, 10, 255, 0]))
  }

  @Test func integersThatFloatsCannotCarryAreRefused() throws {
    var fixture = ONNXFixture()
    fixture.input("x", [4], type: 7)
    fixture.ints("two", [2])
    fixture.node("Div", ["x", "two"], ["y"])
    fixture.output("y")
    #expect(try refusal(fixture).contains("takes integers only where they are known"))
  }

  @Test func hugeTensorsAndEndlessGraphsAreRefused() throws {
    var huge = ONNXFixture()
    huge.input("x", [1, 2])
    huge.constant("w", [1 << 30, 1 << 30, 1 << 30], type: 1, raw: [])
    huge.node("MatMul", ["x", "w"], ["y"])
    huge.output("y")
    #expect(try refusal(huge).contains("tensor 'w': too many elements"))

    var filled = ONNXFixture()
    filled.input("x", [1, 2])
    filled.ints("extents", [1 << 30, 1 << 30])
    filled.node("ConstantOfShape", ["extents"], ["w"])
    filled.node("Add", ["x", "w"], ["y"])
    filled.output("y")
    #expect(try refusal(filled).contains("shape [1073741824, 1073741824]"))

    var cycle = ONNXFixture()
    cycle.input("x", [1, 2])
    cycle.node("Add", ["x", "b"], ["a"])
    cycle.node("Relu", ["a"], ["b"])
    cycle.output("b")
    #expect(try refusal(cycle).contains("'a' Add(1x2, -): input 'b' is never produced"))

    var itself = ONNXFixture()
    itself.input("x", [1, 2])
    itself.node("Add", ["x", "a"], ["a"])
    itself.output("a")
    #expect(try refusal(itself).contains("input 'a' is never produced"))
  }

  @Test func damagedFilesAreErrors() throws {
    var fixture = ONNXFixture()
    fixture.input("x", [1, 1, 2, 2])
    fixture.floats("w", [1, 1, 1, 1], [2])
    fixture.node("Conv", ["x", "w"], ["y"], ["kernel_shape": [1, 1]])
    fixture.output("y")
    let whole = fixture.bytes
    let file = try fixture.write()
    defer { try? FileManager.default.removeItem(at: file.deletingLastPathComponent()) }
    for index in whole.indices {
      // Whatever a damaged byte means, it is read or refused; a trap would end the test.
      for changed in [whole[..<index] + [], whole[..<index] + [0xFF] + whole[(index + 1)...]] {
        try Data(changed).write(to: file)
        if var graph = try? importONNX(path: file.path) { try? optimize(&graph) }
      }
    }
  }
}
