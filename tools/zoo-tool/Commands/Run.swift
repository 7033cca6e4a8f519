// A model on raw tensors: for comparisons with other runtimes.
import ArgumentParser
import CZoo
import Foundation
import ZooCompiler

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a model on photos or .npy tensors and write its first output as .npy.")

  @Argument(help: "A .zoo file or a model's name.")
  var model: String

  @Argument(
    help: "Photos (preprocessed as the model says) or .npy files of float32 in the input's shape.")
  var inputs: [String]

  @Option(help: "Directory for NAME.out.npy; created if missing.")
  var outputDir: String

  @Flag(help: "Also write the input tensor as NAME.in.npy.")
  var saveInput = false

  @OptionGroup var execution: ExecutionOptions

  func run() throws {
    let session = try Session(
      path: try modelPath(model), isa: execution.isa.value, threads: execution.threads)
    try makeDirectory(outputDir)
    for path in inputs {
      let tensor = session.input(0)
      if path.hasSuffix(".npy") {
        let array = try NumpyArray(path: path)
        guard let data = tensor.data, array.floats.count * 4 == tensor.size else {
          throw ToolError("\(path): shape \(array.shape), the model takes \(extents(tensor))")
        }
        array.floats.withUnsafeBytes { raw in
          if let base = raw.baseAddress { data.copyMemory(from: base, byteCount: raw.count) }
        }
      } else {
        try session.setImage(path: path)
      }
      let stem = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
      let base = (outputDir as NSString).appendingPathComponent(stem)
      if saveInput {
        try NumpyArray(shape: extents(tensor), floats: floats(tensor)).write(to: base + ".in.npy")
      }
      try session.run()
      let output = session.output(0)
      try NumpyArray(shape: extents(output), floats: floats(output)).write(to: base + ".out.npy")
    }
  }
}
