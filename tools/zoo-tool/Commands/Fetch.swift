// Trained weights and data sets from the web.
import ArgumentParser
import Foundation
import ModelZoo
import ZooCompiler
import ZooFetch

struct Fetch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Download the usual trained weights of a network, or a data set.",
    discussion: """
      Without arguments: what can be fetched. Weights are verified by their SHA-256, converted with their usual preprocessing
      and labels, and put into $ZOO_HOME (default ~/.local/share/zoo) as NAME/NAME.zoo, where --model NAME and
      'zoo-tool list' find them. A download that was cut goes on where it ended. Proxies are taken from http_proxy,
      https_proxy and no_proxy; curl does the work.

        zoo-tool fetch resnet50
        zoo-tool fetch mine --url https://example.org/mine.safetensors --sha256 0123abcd --arch resnet18
        zoo-tool fetch resnet18 --int8 --calibrate photos
        zoo-tool fetch --data mnist

      --int8 also makes NAME-int8, as 'quantize' does. Options of 'convert' may follow after '--':
      zoo-tool fetch resnet50 -- --resize shortside:232
      """)

  @Argument(help: "A network with published weights; with --url any name.")
  var name: String?

  @Option(help: ArgumentHelp("Fetch this data set: mnist or cifar10.", valueName: "name"))
  var data: String?

  @Option(help: "A file to fetch: weights, an ONNX or TFLite file, or a .zoo file.")
  var url: String?

  @Option(help: "The file's SHA-256, or the first 8 or more digits of it.")
  var sha256: String?

  @Option(help: "The network whose weights the file of --url holds; NAME otherwise.")
  var arch: String?

  @Option(
    help:
      "Text file with one label per line, or a CSV file with a column 'name'; instead of the usual labels."
  )
  var labels: String?

  @Flag(help: "Make NAME-int8 of 8-bit integers, too; needs --calibrate.")
  var int8 = false

  @Option(
    help: ArgumentHelp("For --int8: inputs like those the model will see.", valueName: "dir"))
  var calibrate: String?

  @Option(name: .shortAndLong, help: "For --data: the folder; $ZOO_HOME/data/NAME otherwise.")
  var output: String?

  @Option(help: "Take the files from below this address instead of their usual ones.")
  var mirror: String?

  @Option(help: "Seconds without a byte until a server counts as stalled.")
  var timeout = 30

  @Flag(help: "Keep the downloaded file in $ZOO_HOME/downloads.")
  var keep = false

  @Argument(parsing: .postTerminator, help: "Options of 'convert'.")
  var conversion: [String] = []

  func validate() throws {
    guard (1...3600).contains(timeout) else {
      throw ValidationError("--timeout must be 1 to 3600 seconds")
    }
    guard data == nil || (name == nil && url == nil) else {
      throw ValidationError("--data stands alone, without a network's name or --url")
    }
    guard url == nil || name != nil else {
      throw ValidationError("--url needs a name for the model")
    }
    guard url != nil || (sha256 == nil && arch == nil) else {
      throw ValidationError("--sha256 and --arch are for --url")
    }
    guard output == nil || data != nil else { throw ValidationError("--output is for --data") }
    guard int8 == (calibrate != nil) else {
      throw ValidationError("--int8 and --calibrate DIR belong together")
    }
    guard !int8 || data == nil else { throw ValidationError("--int8 is for networks, not --data") }
    if let sha256, sha256.wholeMatch(of: /[0-9a-fA-F]{8,64}/) == nil {
      throw ValidationError("--sha256 wants 8 to 64 hexadecimal digits, not '\(sha256)'")
    }
    if let name, name.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9._-]*/) == nil {
      throw ValidationError("'\(name)' cannot name a model; use letters, digits, '.', '_' and '-'")
    }
  }

  func run() throws {
    if let data { return try fetchData(data) }
    guard let name else { return list() }
    let source = try self.source(name)
    if let calibrate, !FileManager.default.fileExists(atPath: calibrate) {
      throw ToolError("\(calibrate): no such file or folder")
    }
    let file = try download(source.address, checksum: source.checksum, to: folder("downloads"))
    let model = try folder(source.name) + "/\(source.name).zoo"
    if labels == nil, conversion.isEmpty, (try? ModelFile(path: file)) != nil {
      try ModelWriter.write(try mapFile(file), to: model)
      print(model)
    } else {
      var arguments = [file, "-o", model, "--name", source.name]
      if (try? openTensorFile(file)) != nil { arguments += ["--arch", source.network] }
      if let labels { arguments += ["--labels", labels] }
      let convert = try Convert.parse(arguments + conversion)
      try convert.run()
    }
    if !keep { try? FileManager.default.removeItem(atPath: file) }
    var made = source.name
    if let calibrate {
      made += "-int8"
      let integers = try folder(made) + "/\(made).zoo"
      try QuantizeCommand.parse([model, "--calibrate", calibrate, "-o", integers]).run()
    }
    print("use it: zoo-tool classify PHOTO --model \(made)")
  }

  private struct Source {
    let name: String
    let network: String
    let address: String
    let checksum: String?
  }

  private func source(_ name: String) throws -> Source {
    if let url {
      if sha256 == nil { note("note: no --sha256: the file is not verified") }
      return Source(name: name, network: arch ?? name, address: url, checksum: sha256)
    }
    // As 'convert --arch' spells networks: any case, '-' for '_'.
    let network = (try? architecture(name).name) ?? name
    guard let weights = publishedWeights.first(where: { $0.network == network }) else {
      throw ToolError(
        "no published weights of '\(name)' known; there are \(publishedWeights.map(\.network).joined(separator: ", ")); others with --url"
      )
    }
    return Source(
      name: network, network: network, address: weights.address, checksum: weights.checksum)
  }

  private func fetchData(_ name: String) throws {
    guard let set = knownDataSets.first(where: { $0.name == name }) else {
      throw ToolError(
        "no data set '\(name)'; there are \(knownDataSets.map(\.name).joined(separator: ", "))")
    }
    let target = try output ?? folder("data") + "/" + name
    for file in set.files {
      let isArchive = file.address.hasSuffix(".tar.gz")
      if !isArchive { try makeDirectory(target) }
      let path = try download(
        file.address, checksum: file.checksum, to: isArchive ? folder("downloads") : target)
      guard isArchive else { continue }
      try unpack(path, to: target)
      if !keep { try? FileManager.default.removeItem(atPath: path) }
    }
    print("use it: zoo-tool evaluate MODEL --data \(target)")
  }

  /// Downloads into `folder` under the address's own file name; returns the path.
  private func download(_ address: String, checksum: String?, to folder: String) throws -> String {
    let file = URL(string: address)?.lastPathComponent ?? ""
    guard !file.isEmpty, file != "/", !file.hasPrefix(".") else {
      throw ToolError("\(address): does not end in the name of a file")
    }
    let actual = mirror.map { $0 + ($0.hasSuffix("/") ? "" : "/") + file } ?? address
    var download = Download(actual, to: "\(folder)/\(file)", checksum: checksum)
    download.patience = timeout
    download.showsProgress = isatty(STDERR_FILENO) == 1
    note(actual)
    try download.run()
    return download.path
  }

  /// A folder of the user's zoo, made if it is missing.
  private func folder(_ name: String) throws -> String {
    let path = "\(modelFolders()[0])/\(name)"
    try makeDirectory(path)
    return path
  }

  private func list() {
    let rows = publishedWeights.map { [$0.network, $0.note, $0.address] }
    print(table([["network", "weights", "address"]] + rows))
    print("\ndata sets: \(knownDataSets.map(\.name).joined(separator: ", ")) (--data)")
  }
}
