// A model as C source, for firmware.
import ArgumentParser
import CZoo
import Foundation
import Zoo
import ZooCompiler

struct Export: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a model as an aligned C array with a header of its sizes.",
    discussion: """
      Writes NAME.c and NAME.h into the output directory. The header has the model's size, the arena it needs on \
      32-bit and 64-bit targets, its input and output shapes, and the operators it uses as a table for zoo_session_init_using.
      """)

  @Argument(help: "A .zoo file or a model's name.")
  var model: String

  @Option(help: "Format of the output: c.")
  var format = "c"

  @Option(name: .shortAndLong, help: "Directory to write into; created if missing.")
  var output: String

  @Option(help: "C identifier to build names from; the file's name otherwise.")
  var name: String?

  func validate() throws {
    guard format == "c" else { throw ValidationError("--format is c, not '\(format)'") }
    if let name, !isIdentifier(name) {
      throw ValidationError("--name wants a C identifier, not '\(name)'")
    }
  }

  func run() throws {
    let path = try modelPath(model)
    let file = try ModelFile(path: path)
    let stem = name ?? ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    let identifier = String(stem.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    guard isIdentifier(identifier) else {
      throw ToolError("'\(identifier)' is no C identifier; give one with --name")
    }
    try makeDirectory(output)
    let base = (output as NSString).appendingPathComponent(identifier)
    try ModelWriter.write(Data(try header(file, identifier).utf8), to: base + ".h")
    try ModelWriter.write(source(file, identifier), to: base + ".c")
    print("\(base).c, \(base).h: \(grouped(file.data.count)) bytes of model")
  }

  private func isIdentifier(_ name: String) -> Bool {
    name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil
  }

  private func header(_ file: ModelFile, _ name: String) throws -> String {
    let upper = name.uppercased()
    let graph = file.graph
    let codes = Set(graph.nodes.map { type(of: $0.operation).code })
    var count = 0
    var operators: [String] = []
    if let all = zoo_all_operators(&count) {
      for index in 0..<count {
        guard let entry = all[index], codes.contains(Int(entry.pointee.code)) else { continue }
        operators.append("&zoo_op_\(String(cString: entry.pointee.name))")
      }
    }
    func extents(_ id: ValueID) -> String {
      graph[id].shape.extents.map(String.init).joined(separator: ", ")
    }
    let runner = try Runner(file.data, isa: ZOO_ISA_SCALAR)
    // What a session keeps besides the plan, for pointers of 8 bytes as here; with pointers of 4 it is smaller, so the
    // bound is safe there too. zoo_session_arena_size gives the exact number on the target.
    return """
      // Model "\(graph.info["name"] ?? name)" for C, written by zoo-tool export. Do not edit.
      #ifndef \(upper)_H
      #define \(upper)_H

      #include "zoo.h"

      // The model, to be passed to zoo_session_init with its size.
      extern const unsigned char \(name)_model[];
      extern const size_t \(name)_model_size;

      // Bytes of arena that are enough on every target.
      #define \(upper)_ARENA_BYTES \(runner.arenaByteCount)

      // Extents of input 0 and output 0.
      #define \(upper)_INPUT_SHAPE {\(extents(graph.inputs[0]))}
      #define \(upper)_INPUT_COUNT \(graph[graph.inputs[0]].shape.elementCount)
      #define \(upper)_OUTPUT_SHAPE {\(extents(graph.outputs[0]))}
      #define \(upper)_OUTPUT_COUNT \(graph[graph.outputs[0]].shape.elementCount)

      // The operators it uses: static const zoo_operator *const operators[] = \(upper)_OPERATORS;
      #define \(upper)_OPERATORS {\(operators.joined(separator: ", "))}
      #define \(upper)_OPERATOR_COUNT \(operators.count)

      #endif

      """
  }

  private func source(_ file: ModelFile, _ name: String) -> Data {
    var text = """
      // Model for C, written by zoo-tool export. Do not edit.
      #include "\(name).h"

      __attribute__((aligned(64))) const unsigned char \(name)_model[] = {

      """
    text.reserveCapacity(file.data.count * 4 + 1024)
    for (index, byte) in file.data.enumerated() {
      text += String(byte)
      text += index % 24 == 23 ? ",\n" : ","
    }
    text += "\n};\n\nconst size_t \(name)_model_size = sizeof \(name)_model;\n"
    return Data(text.utf8)
  }
}
