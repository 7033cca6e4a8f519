// Operators of an ONNX file that Zoo does not know, left to the program: converted, loaded and run.
import CZoo
import Foundation
import Testing
import Zoo
import ZooCompiler

/// The words of the attribute `name` of a node as the importer writes them, or nil: a program in C would do the same.
private func words(_ name: String, _ node: zoo_node) -> (type: UInt32, count: Int, at: Int)? {
  guard let base = node.attributes else { return nil }
  let raw = UnsafeRawBufferPointer(start: base, count: Int(node.attributes_size))
  func word(_ at: Int) -> UInt32 { raw.loadUnaligned(fromByteOffset: at, as: UInt32.self) }
  var at = 0
  while at < raw.count {
    let length = Int(word(at))
    let found = String(decoding: raw[at + 4..<at + 4 + length], as: UTF8.self)
    let type = at + 4 + (length / 4 + 1) * 4
    let count = Int(word(type + 4))
    if found == name { return (word(type), count, type + 8) }
    at = type + 8 + (word(type) == 3 ? (count / 4 + 1) * 4 : count * 4)
  }
  return nil
}

private func float(_ node: zoo_node, _ at: Int) -> Float {
  UnsafeRawPointer(node.attributes).loadUnaligned(fromByteOffset: at, as: Float.self)
}

/// y[n][c][h] = factor x[n][c][h] + offsets[c], in ONNX's order of axes.
private func shift(_ node: zoo_node) -> zoo_status {
  let (x, y) = (node.inputs[0], node.outputs[0])
  guard let factor = words("factor", node), let offsets = words("offsets", node),
    factor.type == 1, factor.count == 1, offsets.type == 6, offsets.count == Int(x.shape.1),
    let from = x.data?.assumingMemoryBound(to: Float.self),
    let to = y.data?.assumingMemoryBound(to: Float.self)
  else { return ZOO_INVALID_ATTRIBUTE }
  let inner = Int(x.shape.2)
  for index in 0..<x.size / 4 {
    let offset = float(node, offsets.at + index / inner % offsets.count * 4)
    to[index] = float(node, factor.at) * from[index] + offset
  }
  return ZOO_OK
}

struct ONNXCustomTests {
  /// x [1, 2, 3] through Relu, acme.Shift and Relu.
  private func fixture(
    infoOf name: String = "s", extents: [Int] = [0, 2, 3], type: Int = 1,
    attributes: [String: Any] = ["factor": Float(2), "offsets": [Float(-3), 10], "mode": "soft"]
  ) -> ONNXFixture {
    var fixture = ONNXFixture()
    fixture.input("x", [1, 2, 3])
    fixture.node("Relu", ["x"], ["r"])
    fixture.node("Shift", ["r"], ["s"], attributes, domain: "acme")
    fixture.info(name, extents, type: type)
    fixture.node("Relu", ["s"], ["y"])
    fixture.output("y")
    return fixture
  }

  private func convert(
    _ fixture: ONNXFixture, _ custom: Set<String> = ["acme.Shift"]
  ) throws -> Data {
    let file = try fixture.write()
    defer { try? FileManager.default.removeItem(at: file.deletingLastPathComponent()) }
    var options = ImportOptions()
    options.customOperators = custom
    var graph = try importONNX(path: file.path, options: options)
    try optimize(&graph)
    return try ModelWriter.encode(graph)
  }

  private func refusal(
    _ fixture: ONNXFixture, _ custom: Set<String> = ["acme.Shift"]
  ) throws -> String {
    do {
      _ = try convert(fixture, custom)
      return "accepted"
    } catch { return "\(error)" }
  }

  /// Runs `model` with the operator "acme.Shift" of this program.
  private func run(_ model: Data, _ input: [Float]) throws -> [Float] {
    let name = strdup("acme.Shift")
    defer { free(name) }
    var shifting = zoo_operator(
      code: 0, name: name, prepare: { _, _ in ZOO_OK },
      run: { node, _ in node.map { shift($0.pointee) } ?? ZOO_INVALID_ARGUMENT })
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: model.count, alignment: 64)
    defer { bytes.deallocate() }
    bytes.copyBytes(from: model)
    return try withUnsafePointer(to: &shifting) { entry in
      var table: [UnsafePointer<zoo_operator>?] = [entry]
      return try table.withUnsafeMutableBufferPointer { table in
        var options = zoo_options()
        options.struct_size = UInt32(MemoryLayout<zoo_options>.size)
        options.operators = UnsafePointer(table.baseAddress)
        options.operator_count = 1
        var (size, error) = (0, zoo_error())
        try #require(
          zoo_session_arena_size(bytes.baseAddress, bytes.count, &options, &size, &error) == ZOO_OK)
        let arena = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 64)
        defer { arena.deallocate() }
        var session: OpaquePointer?
        try #require(
          zoo_session_init(
            bytes.baseAddress, bytes.count, arena, size, &options, &session, &error) == ZOO_OK)
        let x = try #require(zoo_input(session, 0)?.pointee)
        x.data.copyMemory(from: input, byteCount: x.size)
        try #require(zoo_run(session, &error) == ZOO_OK)
        return realNumbers(try #require(zoo_output(session, 0)?.pointee))
      }
    }
  }

  @Test func anOperatorOfTheProgramRuns() throws {
    let model = try convert(fixture())
    #expect(try run(model, [1, -1, 2, -5, 3, 4]) == [0, 0, 1, 10, 16, 18])
    // Without the program's operator the session is refused.
    #expect(throws: CompileError.self) { try Runner(model) }
  }

  @Test func attributesHaveOneEncoding() throws {
    let data = try convert(fixture(attributes: ["ab": [7, -1], "name": "xyzw", "f": Float(0.5)]))
    let graph = try ModelFile(data).graph
    let custom = try #require(graph.nodes.compactMap { $0.operation as? CustomOperation }.first)
    #expect(custom.name == "acme.Shift")
    func words(_ values: UInt32...) -> [UInt8] {
      values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } }
    }
    let text = { (text: String, padding: Int) in
      Array(text.utf8) + [UInt8](repeating: 0, count: padding)
    }
    #expect(
      custom.attributes
        == words(2) + text("ab", 2) + words(7, 2, 7, .max)
        + words(1) + text("f", 3) + words(1, 1, Float(0.5).bitPattern)
        + words(4) + text("name", 4) + words(3, 4) + text("xyzw", 4))
  }

  @Test func whatCannotBeLeftToAProgramIsSaid() throws {
    #expect(try refusal(fixture(), []).contains("'--custom acme.Shift' leaves it to your program"))
    #expect(
      try refusal(fixture(), ["acme.Shift", "Shift"])
        .contains("no operator 'Shift' to leave to a program; there are Relu, acme.Shift"))
    #expect(
      try refusal(fixture(infoOf: "r")).contains("the file does not say the shape of 's'"))
    #expect(try refusal(fixture(extents: [1, 2, 0])).contains("extent 2 of 's' is open"))
    #expect(try refusal(fixture(type: 7)).contains("'s' must be of floats, got ONNX's type 7"))
    #expect(
      try refusal(fixture(attributes: ["big": 1 << 40]))
        .contains("attribute 'big': expected integers of 32 bits, got 1099511627776"))
    var two = ONNXFixture()
    two.input("x", [1, 2])
    two.node("Twice", ["x"], ["y", "z"], domain: "acme")
    two.output("y")
    #expect(try refusal(two, ["acme.Twice"]).contains("has 1 output, got 2"))
  }
}
