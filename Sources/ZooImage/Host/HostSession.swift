// Sessions that own their memory, threads and use of a model.
import CZoo
import CZooPlatform
import Zoo

/// What a session of the host tier owns, kept in front of its arena in one block:
/// [HostSession, padded to 64 bytes][arena, padded likewise][scratch memory].
struct HostSession {
  let model: UnsafeMutablePointer<ModelFile>
  /// Threads of this session alone; nil if it has none or they are the caller's.
  let ownPool: OpaquePointer?
  /// Where the session's options point; nothing runs through it if its `run` is nil.
  var parallel: zoo_parallel
  /// Largest image to decode, in pixels; 0 for the default.
  let maximumPixels: UInt64

  /// The record of a session, or nil for one in the caller's arena.
  static func of(
    _ state: UnsafeMutablePointer<SessionState>
  ) -> UnsafeMutablePointer<HostSession>? {
    state.pointee.owner?.assumingMemoryBound(to: HostSession.self)
  }

  /// Makes a session on `model`, which gets one more use.
  static func open(
    _ model: UnsafeMutablePointer<ModelFile>, _ options: HostOptions
  ) throws(HostError) -> OpaquePointer {
    var core = options.core
    let verifies = core.flags & UInt32(ZOO_SKIP_WEIGHT_CHECKSUM) == 0 && !model.isVerified
    // The size of the arena depends on the structure alone: do not read all weights for it.
    core.flags = UInt32(ZOO_SKIP_WEIGHT_CHECKSUM)
    let file = model.pointee
    var arenaByteCount = 0
    try check { zoo_session_arena_size(file.bytes, file.byteCount, &core, &arenaByteCount, $0) }
    core.scratch_size = try scratchByteCount(file, options)

    func padded(_ count: Int) -> Int {
      let alignment = Int(ZOO_PLATFORM_ALIGNMENT)
      return (count + alignment - 1) / alignment * alignment
    }
    let headByteCount = padded(MemoryLayout<HostSession>.size)
    let scratchOffset = headByteCount + padded(arenaByteCount)
    let (byteCount, overflow) = scratchOffset.addingReportingOverflow(core.scratch_size)
    guard !overflow, let block = zoo_platform_allocate(byteCount) else {
      throw HostError(ZOO_OUT_OF_MEMORY, "no memory for the arena, bytes", got: arenaByteCount)
    }
    if core.scratch_size > 0 { core.scratch = block + scratchOffset }
    var pool: OpaquePointer?
    do throws(HostError) {
      pool = try options.makePool()
      let record = block.bindMemory(to: HostSession.self, capacity: 1)
      record.initialize(
        to: HostSession(
          model: model, ownPool: pool, parallel: zoo_parallel(pool: pool ?? options.sharedPool),
          maximumPixels: options.maximumPixels))
      if verifies { core.flags = 0 }
      var session: OpaquePointer?
      try withUnsafePointer(to: &record.pointee.parallel) { parallel throws(HostError) in
        core.parallel = parallel.pointee.run == nil ? nil : parallel
        try check {
          zoo_session_init(
            file.bytes, file.byteCount, block + headByteCount, arenaByteCount, &core, &session, $0)
        }
      }
      guard let session, let state = state(session) else {
        throw HostError(ZOO_INVALID_ARGUMENT, "no session was made")
      }
      if verifies { model.markVerified() }
      state.pointee.owner = block
      model.retain()
      return session
    } catch {
      zoo_platform_pool_destroy(pool)
      zoo_platform_free(block)
      throw error
    }
  }

  /// Bytes of scratch memory that the threads of a session can make use of.
  private static func scratchByteCount(_ file: ModelFile, _ options: HostOptions) throws(HostError)
    -> Int
  {
    var core = options.core
    core.flags = UInt32(ZOO_SKIP_WEIGHT_CHECKSUM)
    var threads = zoo_parallel()
    threads.thread_count = options.threadCount
    var byteCount = 0
    try withUnsafePointer(to: &threads) { threads throws(HostError) in
      core.parallel = threads
      try check { zoo_session_scratch_size(file.bytes, file.byteCount, &core, &byteCount, $0) }
    }
    return byteCount
  }

  /// Frees what a session owns; one in the caller's arena owns nothing.
  static func close(_ session: OpaquePointer?) {
    guard let state = state(session), let record = HostSession.of(state) else { return }
    zoo_platform_pool_destroy(record.pointee.ownPool)
    record.pointee.model.release()
    zoo_platform_free(record)
  }
}
