// Files, memory, clock and counters of Sources/CZooPlatform.
import CZooPlatform
import Foundation
import Testing

/// A folder that is removed with its owner.
private final class Folder {
  let url = FileManager.default.temporaryDirectory.appendingPathComponent(
    "zoo-\(UUID().uuidString)")

  init() throws {
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }
}

@Suite struct PlatformTests {
  private func map(_ url: URL) -> (zoo_platform_file_status, [UInt8]) {
    var bytes: UnsafeRawPointer?
    var size = 0
    let status = zoo_platform_file_map(url.path, &bytes, &size)
    defer { zoo_platform_file_unmap(bytes, size) }
    return (status, Array(UnsafeRawBufferPointer(start: bytes, count: size)))
  }

  @Test(arguments: [1, 4095, 4096, 4097, 100_000])
  func aMappingHoldsTheFile(count: Int) throws {
    let folder = try Folder()
    let file = folder.url.appendingPathComponent("file")
    let content = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    try Data(content).write(to: file)
    let (status, bytes) = map(file)
    #expect(status == ZOO_PLATFORM_FILE_OK && bytes == content)
  }

  @Test func whatIsNoFileIsRefused() throws {
    let folder = try Folder()
    let file = folder.url.appendingPathComponent("file")
    #expect(map(file).0 == ZOO_PLATFORM_FILE_NOT_FOUND)
    #expect(map(folder.url).0 == ZOO_PLATFORM_FILE_DIRECTORY)
    try Data().write(to: file)
    #expect(map(file).0 == ZOO_PLATFORM_FILE_EMPTY)
    #expect(map(file.appendingPathComponent("below")).0 == ZOO_PLATFORM_FILE_NOT_FOUND)
    let pipe = folder.url.appendingPathComponent("pipe")
    #expect(mkfifo(pipe.path, 0o600) == 0)
    #expect(map(pipe).0 == ZOO_PLATFORM_FILE_NOT_REGULAR)
    #expect(map(URL(fileURLWithPath: "/dev/null")).0 == ZOO_PLATFORM_FILE_NOT_REGULAR)
    let long = folder.url.appendingPathComponent(String(repeating: "n", count: 300))
    #expect(map(long).0 == ZOO_PLATFORM_FILE_NOT_FOUND)
  }

  /// From 2 MB on, memory starts at a large page.
  @Test(arguments: [1, 64, 65, 10_000, 2 << 20, 5_000_000])
  func memoryIsAlignedAndZero(count: Int) throws {
    let memory = try #require(zoo_platform_allocate(count))
    defer { zoo_platform_free(memory) }
    let alignment = count < 2 << 20 ? Int(ZOO_PLATFORM_ALIGNMENT) : 2 << 20
    #expect(UInt(bitPattern: memory) % UInt(alignment) == 0)
    let bytes = UnsafeMutableRawBufferPointer(start: memory, count: count)
    #expect(bytes.allSatisfy { $0 == 0 })
    bytes.initializeMemory(as: UInt8.self, repeating: 0xff)  // the next one must not see these
  }

  /// What was freed is given out again as zeros, also below the size from which the system gives fresh pages.
  @Test func memoryOfBeforeIsZeroAgain() throws {
    for _ in 0..<4 { try memoryIsAlignedAndZero(count: 10_000) }
  }

  @Test func impossibleSizesGiveNoMemory() {
    #expect(zoo_platform_allocate(0) == nil)
    #expect(zoo_platform_allocate(Int.max) == nil)
    #expect(zoo_platform_allocate(-1) == nil)  // SIZE_MAX
    zoo_platform_free(nil)
  }

  @Test func theMachineAnswers() {
    let start = zoo_platform_nanoseconds()
    #expect(zoo_platform_nanoseconds() >= start)
    #expect(zoo_platform_cpu_count() >= 1)
    #expect(zoo_platform_peak_memory() > 1 << 20)
    var counter: UInt32 = 1
    #expect(zoo_platform_atomic_add(&counter, 2) == 3)
    #expect(zoo_platform_atomic_add(&counter, -3) == 0)
  }
}
