// This tool once more, in a process of its own.
import ArgumentParser
import Foundation

/// Runs zoo-tool with other arguments, in the same group of processes, which Ctrl-C ends together, and waits for it. What it
/// prints goes where this process prints. If it fails, it has said why, and this process ends as it did.
func runSelf(_ arguments: [String]) throws {
  let path = Bundle.main.executablePath ?? CommandLine.arguments[0]
  var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
  defer { words.forEach { free($0) } }
  var child: pid_t = 0
  let failure = posix_spawn(&child, path, nil, nil, &words, environ)
  guard failure == 0 else {
    throw ToolError("cannot start \(path): \(String(cString: strerror(failure)))")
  }
  var status: Int32 = 0
  while waitpid(child, &status, 0) < 0 {
    guard errno == EINTR else { throw ToolError("cannot wait for \(path)") }
  }
  if status & 0x7f != 0 { throw ExitCode(128 + (status & 0x7f)) }
  if status != 0 { throw ExitCode(status >> 8 & 0xff) }
}
