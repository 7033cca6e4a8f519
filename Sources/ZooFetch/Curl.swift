// One run of curl and what its exit code means.
import Dispatch
import Foundation

/// Appends to a file what an address holds from some byte on.
struct Curl {
  enum Result {
    case complete
    /// Another attempt may go on where this one ended.
    case interrupted(String)
    /// The server does not send parts of files, or not this one.
    case notResumable
    case cannotWrite
    case refused(String)
  }

  private let address: String
  private let arguments: [String]
  private let showsProgress: Bool

  init(_ address: String, to path: String, from start: Int, patience: Int, showsProgress: Bool) {
    self.address = address
    self.showsProgress = showsProgress
    // -q first: no personal defaults. Only the web: an address may not name local files.
    arguments =
      [
        "-q", "--fail", "--location", "--globoff", "--proto", "=http,https", "--proto-redir",
        "=http,https", "--connect-timeout", "\(patience)", "--speed-limit", "1", "--speed-time",
        "\(patience)", "--output", path, "--write-out", "%{http_code}",
      ] + (showsProgress ? ["--progress-bar"] : ["--silent", "--show-error"])
      + (start > 0 ? ["--continue-at", "\(start)"] : []) + ["--", address]
  }

  func run() throws(FetchError) -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["curl"] + arguments
    let output = Pipe()
    let errors = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    // curl draws its progress on standard error.
    if !showsProgress { process.standardError = errors }
    do {
      try process.run()
    } catch { throw FetchError("cannot run curl: \(error.localizedDescription)") }
    let ending = passSignals(to: process.processIdentifier)
    defer { ending() }
    let code = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    if !showsProgress { try? errors.fileHandleForWriting.close() }
    let text =
      showsProgress
      ? "" : String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationReason == .exit else { return .refused("curl was ended") }
    return meaning(process.terminationStatus, code, text)
  }

  /// Foundation runs programs in process groups of their own, which Ctrl-C does not reach: ends the program `child` first, then
  /// this one. Returns what undoes that.
  private func passSignals(to child: Int32) -> () -> Void {
    let sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        kill(child, SIGTERM)
        signal(number, SIG_DFL)
        kill(getpid(), number)
      }
      source.resume()
      return (number, source)
    }
    return {
      for (number, source) in sources {
        source.cancel()
        signal(number, SIG_DFL)
      }
    }
  }

  /// Source: the list of exit codes in curl's manual page.
  private func meaning(_ status: Int32, _ code: String, _ text: String) -> Result {
    switch status {
    case 0: return .complete
    case 6: return .refused("no such host, or no network")
    case 7: return .interrupted("no connection")
    case 18, 52, 56, 92: return .interrupted("the connection was cut")
    case 22 where code == "416": return .notResumable
    case 22 where code.hasPrefix("5") || code == "429":
      return .interrupted("the server answers \(code)")
    case 22: return .refused("the server answers \(code)\(code == "404" ? ", not found" : "")")
    case 23: return .cannotWrite
    case 28: return .interrupted("the server sends nothing")
    case 33: return .notResumable
    case 127: return .refused("needs the program curl, which is not installed")
    default:
      let line = text.split(separator: "\n").last.map(String.init) ?? "curl ended with \(status)"
      return .refused(line)
    }
  }
}
