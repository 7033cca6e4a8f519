// ONNX's own backend tests, run through import, compilation and the runtime.
import ArgumentParser
import CZoo
import Foundation
import Zoo
import ZooCompiler

struct Conformance: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run ONNX backend node tests: directories with model.onnx and test_data_set_N.",
    discussion: """
      Inputs that the network uses as weights (all but the first of a layer) are taken from the test's data as \
      constants, because Zoo compiles weights into the model. A test passes if every output agrees within 1e-3 \
      relative plus 1e-5; 'unsupported' means that the model was refused with the reason shown.
      """)

  @Argument(help: "Directories of tests, or of directories of tests.")
  var directories: [String]

  @Option(help: "Instruction set of the kernels.")
  var isa = ISAName.auto

  private enum Outcome {
    case passed
    case failed(String)
    case unsupported(String)
  }

  func run() throws {
    var counts = (passed: 0, failed: 0, unsupported: 0)
    let tests = try directories.flatMap(tests)
    guard !tests.isEmpty else {
      throw ToolError("no tests in \(directories.joined(separator: ", "))")
    }
    for test in tests {
      let name = (test as NSString).lastPathComponent
      switch check(test) {
      case .passed:
        counts.passed += 1
        print("passed       \(name)")
      case .failed(let reason):
        counts.failed += 1
        print("failed       \(name): \(reason)")
      case .unsupported(let reason):
        counts.unsupported += 1
        print("unsupported  \(name): \(reason)")
      }
    }
    print("\(counts.passed) passed, \(counts.failed) failed, \(counts.unsupported) unsupported")
    if counts.failed > 0 { throw ExitCode(1) }
  }

  private func tests(in directory: String) throws -> [String] {
    let files = FileManager.default
    if files.fileExists(atPath: directory + "/model.onnx") { return [directory] }
    guard let inside = try? files.contentsOfDirectory(atPath: directory).sorted() else {
      throw ToolError("\(directory): no such directory")
    }
    return try inside.map { directory + "/" + $0 }.filter {
      var isDirectory: ObjCBool = false
      return files.fileExists(atPath: $0, isDirectory: &isDirectory) && isDirectory.boolValue
    }.flatMap(tests)
  }

  private func check(_ test: String) -> Outcome {
    let model = test + "/model.onnx"
    let sets = ((try? FileManager.default.contentsOfDirectory(atPath: test)) ?? []).filter {
      $0.hasPrefix("test_data_set_")
    }.sorted()
    guard !sets.isEmpty else { return .failed("no test data") }
    for set in sets {
      do {
        let inputs = try tensors(test + "/" + set, "input")
        let outputs = try tensors(test + "/" + set, "output")
        let graph: Graph
        let fed: [ONNXTensor]
        do {
          (graph, fed) = try compile(model, inputs)
        } catch {
          return .unsupported(reason(error))
        }
        if let problem = try run(graph, fed, expecting: outputs) {
          return .failed("\(set): \(problem)")
        }
      } catch { return .failed(reason(error)) }
    }
    return .passed
  }

  private func reason(_ error: any Error) -> String {
    let lines = "\(error)".split(separator: "\n")
    return String(lines.count > 1 ? lines[1].trimmingCharacters(in: .whitespaces) : "\(error)")
  }

  private func tensors(_ directory: String, _ prefix: String) throws -> [ONNXTensor] {
    var result: [ONNXTensor] = []
    while FileManager.default.fileExists(atPath: "\(directory)/\(prefix)_\(result.count).pb") {
      result.append(try ONNXTensor(protobufFile: "\(directory)/\(prefix)_\(result.count).pb"))
    }
    return result
  }

  /// With all inputs but the first as constants. A first input of integers is often indices or a shape, which an
  /// operator wants to know when it is compiled: then it is a constant too.
  private func compile(_ model: String, _ inputs: [ONNXTensor]) throws -> (Graph, [ONNXTensor]) {
    let names = try inputNames(ofONNX: model)
    var options = ImportOptions()
    options.keepsLayout = true
    for (name, tensor) in zip(names, inputs).dropFirst() { options.constants[name] = tensor }
    var graph: Graph
    do {
      graph = try importONNX(path: model, options: options)
    } catch {
      guard let first = inputs.first, case .ints = first.elements, let name = names.first,
        inputs.count > 1
      else { throw error }
      options.constants[name] = first
      graph = try importONNX(path: model, options: options)
    }
    try optimize(&graph)
    let fed = graph.inputs.compactMap { id in
      names.firstIndex(of: graph[id].name).flatMap { $0 < inputs.count ? inputs[$0] : nil }
    }
    return (graph, fed)
  }

  /// What differs, or nil.
  private func run(_ graph: Graph, _ inputs: [ONNXTensor], expecting: [ONNXTensor]) throws
    -> String?
  {
    let runner = try Runner(try ModelWriter.encode(graph), isa: isa.value)
    for (index, tensor) in inputs.enumerated() { try runner.write(tensor.floats, toInput: index) }
    try runner.run()
    for (index, expected) in expecting.enumerated() where index < runner.outputCount {
      let got = runner.outputFloats(index)
      let want = expected.floats
      let shape = extents(runner.output(index))
      guard shape == expected.shape else { return "shape \(shape), expected \(expected.shape)" }
      for (a, b) in zip(got, want)
      where !(abs(a - b) <= 1e-5 + 1e-3 * abs(b)) && a != b && !(a.isNaN && b.isNaN) {
        return "output \(index): \(a), expected \(b)"
      }
    }
    return nil
  }
}
