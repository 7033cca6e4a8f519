// Models in other formats: C source for firmware, ONNX, safetensors.
import ArgumentParser
import Foundation
import ModelZoo
import ZooCompiler

struct Export: ParsableCommand {
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case c
    case onnx
    case safetensors
  }

  static let configuration = CommandConfiguration(
    abstract: "Write a model as C source, as ONNX or as safetensors.",
    discussion: """
      c            NAME.c, the model as an aligned array, and NAME.h: sizes of model and arena, input and output shapes
                   and their quantisation, labels, and the operators it uses as a table for zoo_session_init_using.
                   OUTPUT is a directory.
      onnx         An ONNX file of opset 17: images are [n, c, h, w], labels and preprocessing are in its metadata.
                   Integer models become float operators between QuantizeLinear and DequantizeLinear.
                   OUTPUT is a file.
      safetensors  The weights with PyTorch's names and layouts; 'convert --arch' reads them back to the same model.
                   OUTPUT is a file.

        zoo-tool export lenet5 --format c -o firmware/
        zoo-tool export resnet50.zoo --format onnx -o resnet50.onnx
      """)

  @Argument(help: "A .zoo file or a model's name.")
  var model: String

  @Option(help: "Format of the output: c, onnx or safetensors.")
  var format = Format.c

  @Option(name: .shortAndLong, help: "Directory (c) or file to write.")
  var output: String

  @Option(help: "C identifier to build names from; the file's name otherwise.")
  var name: String?

  func validate() throws {
    guard let name else { return }
    guard format == .c else { throw ValidationError("--name is for --format c") }
    guard isIdentifier(name) else {
      throw ValidationError("--name wants a C identifier, not '\(name)'")
    }
  }

  func run() throws {
    let path = try modelPath(model)
    let file = try ModelFile(path: path)
    switch format {
    case .c: try writeC(file, path)
    case .onnx:
      let data = try exportONNX(file.graph)
      try ModelWriter.write(data, to: output)
      print("\(output): \(bytes(data.count))")
    case .safetensors: try writeTensors(file)
    }
  }

  private func writeC(_ file: ModelFile, _ path: String) throws {
    let stem = name ?? ((path as NSString).lastPathComponent as NSString).deletingPathExtension
    let identifier = String(stem.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    guard isIdentifier(identifier) else {
      throw ToolError("'\(identifier)' is no C identifier; give one with --name")
    }
    try makeDirectory(output)
    let base = (output as NSString).appendingPathComponent(identifier)
    let source = CSource(file, identifier)
    try ModelWriter.write(Data(try source.header().utf8), to: base + ".h")
    try ModelWriter.write(source.array(), to: base + ".c")
    print("\(base).c, \(base).h: \(grouped(file.data.count)) bytes of model")
  }

  /// By the names of the network's description where the model says which it is.
  private func writeTensors(_ file: ModelFile) throws {
    let graph = file.graph
    let tensors: [NamedTensor]
    if let name = graph.info["architecture"], let architecture = try? architecture(name) {
      tensors = try architecture.stateDict(of: graph)
    } else {
      tensors = try torchTensors(of: graph)
    }
    var metadata = Dictionary(graph.info.card.map { ($0.key, $0.value) }) { $1 }
    metadata["format"] = "pt"
    try writeSafeTensors(tensors, metadata: metadata, to: output)
    let count = tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
    print("\(output): \(tensors.count) tensors, \(grouped(count)) elements")
  }

  private func isIdentifier(_ name: String) -> Bool {
    name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil
  }
}
