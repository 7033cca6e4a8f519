// Messages, terminals and quiet ends.
import Foundation
import ZooCompiler

/// A failure told to the user as "Error: ...", with exit code 1.
struct ToolError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// Writes a line to standard error.
func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

/// Makes a directory and those above it, if they are missing.
func makeDirectory(_ path: String) throws {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch { throw ToolError("\(path): cannot make this directory: \(reason(error))") }
}

/// Whether standard output is a terminal.
var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }

/// Whether colours are wanted: on a terminal, unless NO_COLOR is set (https://no-color.org).
var usesColor: Bool {
  isTerminal && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    && ProcessInfo.processInfo.environment["TERM"] != "dumb"
}

/// Columns of the terminal, 80 if unknown.
var terminalWidth: Int {
  var size = winsize()
  guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
  return Int(size.ws_col)
}

/// How much of something long is done, on standard error if that is a terminal: "writing 42 %". Short work shows nothing.
final class ProgressLine {
  private let what: String
  private let total: Int
  private var done = 0
  private var shown = -1
  private let start = ContinuousClock.now
  private let isShown = isatty(STDERR_FILENO) == 1

  init(_ what: String, total: Int) { (self.what, self.total) = (what, max(1, total)) }

  func add(_ count: Int) {
    done += count
    let percent = min(100, Int(Double(done) / Double(total) * 100))
    guard isShown, percent != shown, .now - start > .milliseconds(300) else { return }
    shown = percent
    show("\(what) \(percent) %")
  }

  /// Removes the line.
  func finish() { if shown >= 0 { show("") } }

  private func show(_ text: String) {
    FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
  }
}

/// `value` as pretty JSON with sorted keys.
func json(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// "1.2 MB" and the like, in powers of 1024.
func bytes(_ count: Int) -> String {
  switch count {
  case ..<1024: "\(count) B"
  case ..<(1 << 20): String(format: "%.1f KB", Double(count) / 1024)
  case ..<(1 << 30): String(format: "%.1f MB", Double(count) / 1_048_576)
  default: String(format: "%.2f GB", Double(count) / 1_073_741_824)
  }
}
