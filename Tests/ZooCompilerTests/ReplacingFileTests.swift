// Files that appear whole or not at all.
import Foundation
import Testing
import ZooCompiler

struct ReplacingFileTests {
  private let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
  }

  private func content(_ name: String) -> String? {
    FileManager.default.contents(atPath: "\(folder)/\(name)").map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  private func write(_ text: String, to name: String, commits: Bool) throws {
    let file = try ReplacingFile("\(folder)/\(name)")
    try file.write(Array(text.utf8))
    if commits { try file.commit() }
  }

  @Test func theOldVersionStaysUntilTheNewOneIsWhole() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write("first", to: "a", commits: false)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    try write("first", to: "a", commits: true)
    try write("second", to: "a", commits: false)
    #expect(content("a") == "first")
    try write("third", to: "a", commits: true)
    #expect(content("a") == "third")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["a"])
  }

  @Test func linksStayAndNothingElseIsReplaced() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let files = FileManager.default
    try files.createSymbolicLink(atPath: "\(folder)/link", withDestinationPath: "a")
    try files.createSymbolicLink(atPath: "\(folder)/null", withDestinationPath: "/dev/null")
    try write("first", to: "a", commits: true)
    try write("second", to: "link", commits: true)
    try write("third", to: "null", commits: true)
    #expect(content("a") == "second")
    #expect(try files.destinationOfSymbolicLink(atPath: "\(folder)/link") == "a")
    #expect(try files.destinationOfSymbolicLink(atPath: "\(folder)/null") == "/dev/null")
    #expect(throws: CompileError.self) { try ReplacingFile(folder) }
    #expect(throws: CompileError.self) { try ReplacingFile("\(folder)/missing/a") }
  }
}
