// A model on raw tensors: for comparisons with other runtimes.
import ArgumentParser
import CZoo
import Foundation
import Zoo
import ZooCompiler

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Run a model on photos or .npy tensors and write its first output as .npy.")

  @Argument(help: "A .zoo file or a model's name.")
  var model: String

  @Argument(
    help:
      "Photos (preprocessed as the model says) or .npy files of real numbers in the input's shape.")
  var inputs: [String]

  @Option(help: "Directory for NAME.out.npy; created if missing.")
  var outputDir: String

  @Flag(help: "Also write the input tensor as NAME.in.npy.")
  var saveInput = false

  @Flag(
    help: "Also write what each layer gives, as NAME.0.npy and so on in the order of 'summary'.")
  var layers = false

  @OptionGroup var execution: ExecutionOptions

  func run() throws {
    let session = try Session(
      path: try modelPath(model), isa: execution.isa.value, threads: execution.threads,
      observes: layers)
    for path in inputs {
      let tensor = session.input(0)
      if path.hasSuffix(".npy") {
        let array = try NumpyArray(path: path)
        guard array.floats.count == extents(tensor).reduce(1, *) else {
          throw ToolError("\(path): shape \(array.shape), the model takes \(extents(tensor))")
        }
        guard tensor.type == ZOO_F32 || tensor.type == ZOO_I8 || tensor.type == ZOO_I16 else {
          throw ToolError("\(path): the model takes neither real numbers nor int8 nor int16")
        }
        write(array.floats, to: tensor)
      } else {
        try session.setImage(path: path)
      }
      try makeDirectory(outputDir)
      let stem = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
      let base = (outputDir as NSString).appendingPathComponent(stem)
      if saveInput {
        try NumpyArray(shape: extents(tensor), floats: realNumbers(tensor)).write(
          to: base + ".in.npy")
      }
      if layers { try runAndWriteLayers(of: session, to: base) } else { try session.run() }
      let output = session.output(0)
      try NumpyArray(shape: extents(output), floats: realNumbers(output)).write(
        to: base + ".out.npy")
    }
  }

  /// Runs the model and writes the output of layer i to `base`.i.npy.
  private func runAndWriteLayers(of session: Session, to base: String) throws {
    var failure: (any Error)?
    // Written at once: the memory is used again by later layers.
    session.observer = { node, isDone in
      guard isDone, failure == nil, let output = node.pointee.outputs?.pointee else { return }
      do {
        try NumpyArray(shape: extents(output), floats: realValues(output)).write(
          to: "\(base).\(node.pointee.index).npy")
      } catch { failure = error }
    }
    try session.run()
    if let failure { throw failure }
  }
}

/// Fills an input of f32 with `floats`, or one of i8 or i16 with the nearest integers; counts must agree.
private func write(_ floats: [Float], to tensor: zoo_tensor) {
  floats.withUnsafeBufferPointer { source in
    guard let data = tensor.data, let base = source.baseAddress else { return }
    if tensor.type == ZOO_F32 {
      data.copyMemory(from: base, byteCount: min(tensor.size, source.count * 4))
    } else {
      quantize(base, into: tensor)
    }
  }
}
