// Making integer models.
import ArgumentParser
import CZoo
import Foundation
import Zoo
import ZooCompiler
import ZooTrain

struct QuantizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quantize",
    abstract: "Turn a model of floats into one of integers that is as good.",
    discussion: """
      Ranges are measured on inputs of DIR: photos in any folders, IDX or CIFAR files, or tensors in .npy files. The result is
      measured on other inputs of DIR. If more is lost than --max-loss allows, the layers that hurt most get activations of
      16 bits (16x8), or stay in float where that does not help; if that is not enough, nothing is written unless --force
      is given.

        zoo-tool quantize resnet20-cifar10 --calibrate cifar10 -o resnet20-int8.zoo
        zoo-tool quantize vgg16 --weights f16 -o vgg16-half.zoo
      """)

  @Argument(help: "A .zoo file or a model's name.")
  var model: String

  @Option(help: ArgumentHelp("Inputs like those that the model will see.", valueName: "dir"))
  var calibrate: String?

  @Option(help: "Make only the weights smaller, and compute in floats; needs no --calibrate.")
  var weights: WeightForm?

  @Option(name: .shortAndLong, help: ArgumentHelp("The .zoo file to write.", valueName: "file.zoo"))
  var output: String

  @Option(help: "How ranges are chosen; auto takes for each value what keeps most of it.")
  var method = MethodName.auto

  @Option(parsing: .unconditional, help: "Most inputs to choose ranges from.")
  var images = 128

  @Option(parsing: .unconditional, help: "Most inputs to measure the result on.")
  var check = 1000

  @Option(
    parsing: .unconditional,
    help: "Most that may be lost: points of top-1, or of agreement where classes are unknown.")
  var maxLoss = 0.5

  @Option(help: "Activations of all layers to begin with; weights have 8 bits.")
  var activations = ActivationForm.int8

  @Option(help: "What layers become that lose too much: 16x8 where that helps, or float at once.")
  var fallback = Fallback.wide

  @Flag(help: "Write the model even if more is lost.")
  var force = false

  @Flag(help: "Print JSON.")
  var json = false

  @Option(
    help: ArgumentHelp("Write a page about layers and differences.", valueName: "file.html"))
  var report: String?

  @OptionGroup var execution: ExecutionOptions

  func validate() throws {
    guard images > 0 && check > 0 else {
      throw ValidationError("--images and --check must be at least 1")
    }
    guard (calibrate == nil) != (weights == nil) else {
      throw ValidationError("give --calibrate DIR, or --weights for smaller weights alone")
    }
    guard maxLoss >= 0 else { throw ValidationError("--max-loss must not be negative") }
  }

  func run() throws {
    let path = try modelPath(model)
    let file = try ModelFile(path: path)
    if let weights { return try compress(file, weights) }
    let set = try calibrationSet(calibrate ?? "", for: file.graph, modelPath: path)
    let workers = try Workers(threads: execution.threads, isa: execution.isa.value)
    var options = QuantizerOptions()
    options.method = method.value
    options.calibrationCount = images
    options.checkCount = check
    options.maximumLoss = maxLoss / 100
    options.activations = activations
    options.fallback = fallback
    let quantizer = try Quantizer(
      set, options, parallel: workers.runtime.pointee.parallel,
      report: { if !json { print($0) } })
    let result = try quantizer.run(file.graph)
    var graph = result.integer
    let form = activations == .int8 ? "int8" : "int8 weights, int16 activations"
    graph.info["quantization"] = "\(form), ranges from \(min(images, set.count)) inputs"
    let data = try ModelWriter.encode(graph)
    let summary = QuantizationReport(
      result, model: model, output: output, bytesBefore: file.data.count, bytesAfter: data.count)
    if json { print(try zoo_tool.json(summary)) } else { print(summary.text) }
    if let page = self.report {
      let text = try QuantizationPage(result, set).html(
        model: file.graph.info["name"] ?? model, bytes: (file.data.count, data.count),
        command: commandLine(), signature: signature())
      try ModelWriter.write(Data(text.utf8), to: page)
    }
    guard result.isWithinBound || force else {
      throw ToolError(
        String(
          format:
            "%@: not written: %.2f points were lost on %d inputs, --max-loss allows %.2f (--force writes it)",
          output, 100 * result.measurement.loss, result.measurement.inputs, maxLoss))
    }
    try ModelWriter.write(data, to: output)
    if !json { print("\(output): \(bytes(data.count)), was \(bytes(file.data.count))") }
  }
}

extension QuantizeCommand {
  private func compress(_ file: ModelFile, _ form: WeightForm) throws {
    var graph = try compressWeights(file.graph, form)
    graph.info["quantization"] = "weights \(form.rawValue)"
    let data = try ModelWriter.encode(graph)
    try ModelWriter.write(data, to: output)
    print("\(output): \(bytes(data.count)), was \(bytes(file.data.count))")
  }
}

extension WeightForm: ExpressibleByArgument {}
extension ActivationForm: ExpressibleByArgument {}
extension Fallback: ExpressibleByArgument {}

/// Range methods by name, and none.
enum MethodName: String, CaseIterable, ExpressibleByArgument {
  case auto
  case minMax = "min-max"
  case percentile
  case entropy
  case mse

  var value: RangeMethod? { RangeMethod(rawValue: rawValue) }
}
