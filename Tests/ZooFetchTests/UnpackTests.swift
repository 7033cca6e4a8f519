// Archives are unpacked whole or not at all.
import Foundation
import Testing
import ZooFetch

struct UnpackTests {
  private let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("zoo-unpack-\(UUID().uuidString)")

  private func archive() throws -> String {
    let inside = folder.appendingPathComponent("cifar-10-batches-bin")
    try FileManager.default.createDirectory(at: inside, withIntermediateDirectories: true)
    try Data("records".utf8).write(to: inside.appendingPathComponent("test_batch.bin"))
    let tar = Process()
    tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    tar.arguments = [
      "tar", "-czf", folder.path + "/a.tar.gz", "-C", folder.path, inside.lastPathComponent,
    ]
    try tar.run()
    tar.waitUntilExit()
    return folder.path + "/a.tar.gz"
  }

  @Test func anArchiveLosesItsOutermostFolder() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try unpack(try archive(), to: folder.path + "/data")
    let data = FileManager.default.contents(atPath: folder.path + "/data/test_batch.bin")
    #expect(data == Data("records".utf8))
  }

  @Test func aDamagedArchiveLeavesNothing() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = try archive()
    let whole = try #require(FileManager.default.contents(atPath: path))
    try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: path))
    #expect(throws: FetchError.self) { try unpack(path, to: folder.path + "/data") }
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(left == ["a.tar.gz", "cifar-10-batches-bin"])
  }
}
