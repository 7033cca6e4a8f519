// Options of the host tier, checked, and the threads they ask for.
import CZoo
import CZooImage
import CZooPlatform
import Zoo

/// A copy of the caller's `zoo_host_options`, or the defaults.
///
/// Only `struct_size` bytes are read, so that programs built with an older header keep working.
struct HostOptions {
  private let value: zoo_host_options

  init(_ options: UnsafePointer<zoo_host_options>?) throws(HostError) {
    var copy = zoo_host_options()
    if let options {
      let given = Int(options.pointee.struct_size)
      let known = MemoryLayout<zoo_host_options>.size
      // struct_size, flags, isa and threads have been there from the first.
      guard given >= 16, given <= known else {
        throw HostError(
          ZOO_INVALID_ARGUMENT, "struct_size of the host options", expected: known, got: given)
      }
      withUnsafeMutableBytes(of: &copy) { target in
        target.copyMemory(from: UnsafeRawBufferPointer(start: options, count: given))
      }
    }
    guard copy.flags & ~UInt32(ZOO_SKIP_WEIGHT_CHECKSUM) == 0 else {
      throw HostError(ZOO_INVALID_ARGUMENT, "unknown flags", got: Int(copy.flags))
    }
    try HostOptions.checkThreads(copy.threads)
    value = copy
  }

  /// Refuses a number of threads that no pool can have.
  static func checkThreads(_ threads: UInt32) throws(HostError) {
    guard threads <= UInt32(ZOO_PLATFORM_POOL_MAX) else {
      throw HostError(
        ZOO_INVALID_ARGUMENT, "threads, at most", expected: Int(ZOO_PLATFORM_POOL_MAX),
        got: Int(threads))
    }
  }

  /// The number of threads that 0 stands for, or the number itself.
  static func resolve(threads: UInt32) -> UInt32 {
    threads == 0 ? min(zoo_platform_cpu_count(), UInt32(ZOO_PLATFORM_POOL_MAX)) : threads
  }

  /// The part the runtime understands, without threads.
  var core: zoo_options {
    var core = zoo_options()
    core.struct_size = UInt32(MemoryLayout<zoo_options>.size)
    core.flags = value.flags
    core.isa = value.isa
    core.operators = value.operators
    core.operator_count = value.operator_count
    core.observer = value.observer
    core.observer_context = value.observer_context
    core.clock = zoo_platform_nanoseconds
    return core
  }

  var maximumPixels: UInt64 { value.maximum_pixels }

  /// The caller's pool, if there is one.
  var sharedPool: OpaquePointer? { value.pool }

  /// Threads that a session will have.
  var threadCount: UInt32 {
    sharedPool.map { zoo_platform_pool_thread_count($0) }
      ?? HostOptions.resolve(threads: value.threads)
  }

  /// A pool for one session: nil if the caller has one, or one thread is enough.
  func makePool() throws(HostError) -> OpaquePointer? {
    let threads = HostOptions.resolve(threads: value.threads)
    guard sharedPool == nil, threads > 1 else { return nil }
    guard let pool = zoo_platform_pool_create(threads) else {
      throw HostError(ZOO_OUT_OF_MEMORY, "no memory for threads", got: Int(threads))
    }
    return pool
  }
}

extension zoo_parallel {
  /// `pool` as the runtime wants it; nil gives one thread, whose `run` is nil.
  init(pool: OpaquePointer?) {
    self.init()
    thread_count = zoo_platform_pool_thread_count(pool)
    guard pool != nil else { return }
    context = UnsafeMutableRawPointer(pool)
    run = zoo_platform_pool_run
  }
}
