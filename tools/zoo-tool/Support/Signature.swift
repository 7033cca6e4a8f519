// Where a page comes from.
import ArgumentParser
import Foundation

/// The command that runs, as a shell would take it.
func commandLine() -> String {
  let safe = CharacterSet.alphanumerics.union(CharacterSet(charactersIn: "-_./=,:@%+"))
  return (["zoo-tool"] + CommandLine.arguments.dropFirst()).map { word in
    !word.isEmpty && word.unicodeScalars.allSatisfy { safe.contains($0) && $0.isASCII }
      ? word : "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }.joined(separator: " ")
}

/// "zoo-tool 0.1.0, 2026-07-01 12:34 UTC".
func signature() -> String {
  let formatter = DateFormatter()
  formatter.locale = Locale(identifier: "en_US_POSIX")
  formatter.timeZone = TimeZone(identifier: "UTC")
  formatter.dateFormat = "yyyy-MM-dd HH:mm"
  return "zoo-tool \(ZooTool.configuration.version), \(formatter.string(from: Date())) UTC"
}
