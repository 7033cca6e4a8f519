// What a file of weights holds.
import ArgumentParser
import Foundation
import ZooCompiler

struct Tensors: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "List the tensors of a safetensors, PyTorch or NumPy file.",
    discussion: """
      Nothing in a file is executed: PyTorch files that hold more than data are refused.
      """)

  @Argument(help: "A .safetensors, .pt, .pth, .th, .npz or .npy file.", completion: .file())
  var file: String

  @Flag(help: "Print JSON.")
  var json = false

  struct Report: Encodable {
    struct Tensor: Encodable {
      let name: String
      let type: String
      let shape: [Int]
      let elements: Int
    }
    let format: String
    let tensors: [Tensor]
    let metadata: [String: String]
  }

  func run() throws {
    let weights = try openTensorFile(file)
    let tensors = weights.names.map { name in
      let shape = weights.shape(name) ?? []
      return Report.Tensor(
        name: name, type: weights.type(name)?.rawValue ?? "", shape: shape,
        elements: shape.reduce(1, *))
    }
    if json {
      let report = Report(format: weights.format, tensors: tensors, metadata: weights.metadata)
      return print(try zoo_tool.json(report))
    }
    print(
      table(
        [["name", "type", "shape", "elements"]]
          + tensors.map {
            [
              $0.name, $0.type,
              $0.shape.isEmpty ? "scalar" : $0.shape.map(String.init).joined(separator: "x"),
              grouped($0.elements),
            ]
          }, rightAligned: [3]))
    print(
      "\n\(weights.format): \(tensors.count) tensors, "
        + "\(grouped(tensors.reduce(0) { $0 + $1.elements })) elements")
    for (key, value) in weights.metadata.sorted(by: { $0.key < $1.key }) {
      print("\(key): \(value)")
    }
  }
}
