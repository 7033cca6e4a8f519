// Photos in, labels out.
import ArgumentParser
import CZoo
import CZooImage
import Foundation
import ZooCompiler

struct Classify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what photos show.",
    discussion: """
      Photos are PNG or JPEG files, told apart by content. A directory stands for all photos in it; '-' reads one \
      from standard input. A photo that cannot be classified is reported on standard error, and the others go on.
      """)

  @Argument(help: "Photos, directories of photos, or '-'.")
  var photos: [String]

  @Option(name: .shortAndLong, help: "Model: a .zoo file, or a name that 'zoo-tool list' shows.")
  var model: String?

  @Option(parsing: .unconditional, help: "How many classes to show for each photo.")
  var top = 5

  @Flag(help: "Print JSON.")
  var json = false

  @Option(parsing: .unconditional, help: "Largest photo to decode, in megapixels.")
  var maxMegapixels = 100

  @OptionGroup var execution: ExecutionOptions

  func validate() throws {
    guard !photos.isEmpty else { throw ValidationError("no photos given") }
    guard top >= 1 && top <= 100_000 else { throw ValidationError("--top must be at least 1") }
    guard (1...100_000).contains(maxMegapixels) else {
      throw ValidationError("--max-megapixels must be 1 to 100000")
    }
  }

  /// One entry of the JSON output.
  struct Result: Encodable {
    struct Prediction: Encodable {
      let index: Int
      let label: String
      let probability: Float
    }
    let file: String
    let model: String
    var milliseconds: Double?
    var predictions: [Prediction] = []
    var error: String?
  }

  func run() throws {
    let path = try modelPath(model ?? defaultModel())
    let session = try Session(
      path: path, isa: execution.isa.value, threads: execution.threads,
      maximumPixels: maxMegapixels * 1_000_000)
    var failures = 0
    var results: [Result] = []
    for photo in try expandedPhotos(photos) {
      var result = Result(file: photo, model: path)
      do {
        let start = DispatchTime.now()
        let predictions = try predict(session, photo)
        result.milliseconds =
          Double(DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds) / 1e6
        result.predictions = predictions.map {
          .init(
            index: Int($0.index), label: String(cString: $0.label), probability: $0.probability)
        }
        if !json { show(result) }
      } catch {
        failures += 1
        result.error = "\(error)"
        note("Error: \(error)")
      }
      results.append(result)
    }
    if json { print(try zoo_tool.json(results)) }
    if failures > 0 {
      if results.count > 1 {
        note("\(failures) of \(results.count) photos could not be classified")
      }
      throw ExitCode(1)
    }
  }

  /// The model used when none is named: the first shipped one that takes photos.
  private func defaultModel() throws -> String {
    let known = namedModels().map(\.name)
    for name in ["photos100-int8", "photos100"] where known.contains(name) { return name }
    throw ToolError(
      "no model given and none installed; name one with --model FILE.zoo ('zoo-tool convert' makes them)"
    )
  }

  private func predict(_ session: Session, _ photo: String) throws -> [zoo_prediction] {
    guard photo == "-" else { return try session.classify(path: photo, top: top) }
    let data = FileHandle.standardInput.readDataToEndOfFile()
    var error = zoo_error()
    var image: OpaquePointer?
    var options = zoo_image_options()
    options.struct_size = UInt32(MemoryLayout<zoo_image_options>.size)
    options.maximum_pixels = UInt64(maxMegapixels) * 1_000_000
    let status = data.withUnsafeBytes {
      zoo_image_decode($0.baseAddress, $0.count, &options, &image, &error)
    }
    guard status == ZOO_OK, let image else {
      throw ToolError("standard input: \(data.isEmpty ? "is empty" : ZooCompiler.message(error))")
    }
    defer { zoo_image_free(image) }
    return try session.classify(image: image, top: top)
  }

  /// Bars on a terminal, "label<TAB>percent" lines in a pipe.
  private func show(_ result: Result) {
    let name = result.file == "-" ? "standard input" : result.file
    guard isTerminal else {
      for prediction in result.predictions {
        print(
          "\(name)\t\(label(prediction))\t\(String(format: "%.4f", prediction.probability))")
      }
      return
    }
    print(usesColor ? "\u{1B}[1m\(name)\u{1B}[0m" : name)
    let labels = result.predictions.map { String(label($0).prefix(40)) }
    let width = labels.map(\.count).max() ?? 0
    let room = max(10, min(40, terminalWidth - width - 14))
    for (prediction, label) in zip(result.predictions, labels) {
      let eighths = Int((Double(prediction.probability) * Double(room) * 8).rounded())
      let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
      let bar = String(repeating: "█", count: eighths / 8) + partial
      let percent = String(format: "%5.1f %%", prediction.probability * 100)
      let padded = label + String(repeating: " ", count: width - label.count)
      print("  \(padded)  \(percent)  \(usesColor ? "\u{1B}[36m\(bar)\u{1B}[0m" : bar)")
    }
  }

  private func label(_ prediction: Result.Prediction) -> String {
    prediction.label.isEmpty ? "class \(prediction.index)" : prediction.label
  }
}
