// Sessions that find out whether their threads make them faster.
import CZoo
import Foundation
import Testing
import ZooCompiler

/// What the threads and the clock of these tests share.
private final class Machine {
  var nanoseconds: UInt64 = 0
  var handedOver = 0
}

// A clock has no context. Tests of this suite run one after the other.
private nonisolated(unsafe) let machine = Machine()

@Suite(.serialized) struct ThreadChoiceRunTests {
  /// Work that is handed over takes 10 us more: a session with a clock soon stops doing that, one without never does.
  @Test(arguments: [
    ("resnet20-cifar10", true), ("mobilenet-cifar10", true), ("resnet20-cifar10", false),
  ])
  func slowThreadsAreLeftAndBitsStay(_ name: String, _ hasClock: Bool) throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("zoo/\(name)/\(name).zoo")
    let data = try Data(contentsOf: file)
    var parallel = zoo_parallel(context: nil, thread_count: 2) { _, pieces, task, work in
      machine.nanoseconds += 10_000
      machine.handedOver += 1
      for index in (0..<pieces).reversed() { task?(work, index) }
    }
    try withUnsafePointer(to: &parallel) { parallel in
      var options = zoo_options()
      options.parallel = parallel
      if hasClock {
        options.clock = {
          machine.nanoseconds += 5_000
          return machine.nanoseconds
        }
      }
      let runner = try Session(data, options)
      defer { runner.free() }
      runner.fill()
      let first = runner.run()
      #expect(first.contains { $0 != 0 })
      machine.handedOver = 0
      var shared = 0
      for _ in 0..<200 {
        runner.fill()
        let before = machine.handedOver
        #expect(runner.run() == first)
        shared += machine.handedOver > before ? 1 : 0
      }
      #expect(hasClock ? shared > 0 && shared < 120 : shared == 200, "\(shared)")
    }
  }
}

/// A session with scratch memory and no observer, through the C functions.
private struct Session {
  private let model, arena, scratch: UnsafeMutableRawPointer
  private let handle: OpaquePointer?

  init(_ data: Data, _ given: zoo_options) throws {
    func allocate(_ count: Int) -> UnsafeMutableRawPointer {
      .allocate(byteCount: max(1, count), alignment: 64)
    }
    let model = allocate(data.count)
    data.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: model, count: data.count).copyMemory(from: $0)
    }
    self.model = model
    var options = given
    options.struct_size = UInt32(MemoryLayout<zoo_options>.size)
    var (byteCount, scratchByteCount) = (0, 0)
    let sized = zoo_session_scratch_size(model, data.count, &options, &scratchByteCount, nil)
    #expect(sized == ZOO_OK)
    options.scratch_size = scratchByteCount
    #expect(zoo_session_arena_size(model, data.count, &options, &byteCount, nil) == ZOO_OK)
    scratch = allocate(options.scratch_size)
    if options.scratch_size > 0 { options.scratch = scratch }
    arena = allocate(byteCount)
    var session: OpaquePointer?
    #expect(
      zoo_session_init(model, data.count, arena, byteCount, &options, &session, nil) == ZOO_OK)
    handle = try #require(session)
  }

  func free() {
    model.deallocate()
    arena.deallocate()
    scratch.deallocate()
  }

  /// Writes the same input before each run, since its memory is reused.
  func fill() {
    guard let input = zoo_input(handle, 0)?.pointee else { return }
    let values = input.data.assumingMemoryBound(to: Float.self)
    for index in 0..<input.size / 4 { values[index] = Float(index % 251) / 125 - 1 }
  }

  func run() -> [UInt8] {
    #expect(zoo_run(handle, nil) == ZOO_OK)
    guard let output = zoo_output(handle, 0)?.pointee else { return [] }
    return Array(UnsafeRawBufferPointer(start: output.data, count: output.size))
  }
}
