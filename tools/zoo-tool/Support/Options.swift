// Options that several commands share.
import ArgumentParser
import CZoo
import Foundation

/// Instruction sets by name.
enum ISAName: String, CaseIterable, ExpressibleByArgument {
  case auto
  case scalar
  case avx2
  case avx512
  case avx512vnni
  case avx512bf16
  case amx
  case neon
  case neondot

  /// What the library calls it.
  ///
  /// - Throws: `ToolError` if this CPU or this build lacks it.
  var value: zoo_isa {
    get throws {
      guard zoo_isa_available(constant) == 1 else {
        let names = ISAName.allCases.dropFirst().filter { zoo_isa_available($0.constant) == 1 }
        throw ToolError(
          "--isa \(rawValue): not available on this CPU, which has "
            + names.map(\.rawValue).joined(separator: ", "))
      }
      return constant
    }
  }

  private var constant: zoo_isa {
    switch self {
    case .auto: ZOO_ISA_AUTO
    case .scalar: ZOO_ISA_SCALAR
    case .avx2: ZOO_ISA_AVX2
    case .avx512: ZOO_ISA_AVX512
    case .avx512vnni: ZOO_ISA_AVX512VNNI
    case .avx512bf16: ZOO_ISA_AVX512BF16
    case .amx: ZOO_ISA_AMX
    case .neon: ZOO_ISA_NEON
    case .neondot: ZOO_ISA_NEONDOT
    }
  }
}

/// How a model is executed.
struct ExecutionOptions: ParsableArguments {
  @Option(name: .long, parsing: .unconditional, help: "Threads; 0 means one for each CPU.")
  var threads = 0

  @Option(name: .long, help: "Instruction set of the kernels.")
  var isa = ISAName.auto

  func validate() throws {
    guard (0...1024).contains(threads) else { throw ValidationError("--threads must be 0 to 1024") }
  }
}

/// Finds the file of a model given by path or by name.
///
/// A name is looked up as NAME/NAME.zoo or NAME.zoo in $ZOO_HOME (default ~/.local/share/zoo) and among the models that
/// ship with the tool.
func modelPath(_ model: String) throws -> String {
  let files = FileManager.default
  if files.fileExists(atPath: model) { return model }
  guard !model.contains("/"), !model.hasSuffix(".zoo") else {
    throw ToolError("\(model): no such file")
  }
  for folder in modelFolders() {
    for path in ["\(folder)/\(model)/\(model).zoo", "\(folder)/\(model).zoo"]
    where files.fileExists(atPath: path) {
      return path
    }
  }
  throw ToolError(
    "no model '\(model)': neither a file nor in \(modelFolders().joined(separator: ", ")); 'zoo-tool list' shows what is there"
  )
}

/// Where named models are kept.
func modelFolders() -> [String] {
  let environment = ProcessInfo.processInfo.environment
  let home =
    environment["ZOO_HOME"]
    ?? (environment["HOME"].map { $0 + "/.local/share/zoo" } ?? ".local/share/zoo")
  return [home] + shippedModelFolders()
}

/// The zoo/ folder of the source tree the tool was built in, or share/zoo beside the bin/ it was installed in.
private func shippedModelFolders() -> [String] {
  guard let program = Bundle.main.executableURL?.resolvingSymlinksInPath() else { return [] }
  var folder = program.deletingLastPathComponent()
  let installed = folder.deletingLastPathComponent().appendingPathComponent("share/zoo").path
  if FileManager.default.fileExists(atPath: installed) { return [installed] }
  // .build/TRIPLE/CONFIGURATION/zoo-tool is three folders below.
  for _ in 0..<4 {
    folder.deleteLastPathComponent()
    let zoo = folder.appendingPathComponent("zoo")
    if FileManager.default.fileExists(atPath: zoo.appendingPathComponent("FORMAT.md").path) {
      return [zoo.path]
    }
  }
  return []
}

/// All named models: name and path.
func namedModels() -> [(name: String, path: String)] {
  var found: [(name: String, path: String)] = []
  for folder in modelFolders() {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for entry in entries.sorted() {
      let name = entry.hasSuffix(".zoo") ? String(entry.dropLast(4)) : entry
      guard !found.contains(where: { $0.name == name }) else { continue }
      let path = entry.hasSuffix(".zoo") ? "\(folder)/\(entry)" : "\(folder)/\(entry)/\(entry).zoo"
      if FileManager.default.fileExists(atPath: path) { found.append((name, path)) }
    }
  }
  return found
}
