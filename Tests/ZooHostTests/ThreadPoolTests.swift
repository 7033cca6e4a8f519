// The pool of Sources/CZooPlatform/thread_pool.c: every index once, whoever calls, however often.
import CZooPlatform
import Dispatch
import Foundation
import Synchronization
import Testing

/// How often each index was run. Pieces of one run touch different counts, so there is nothing to lock.
private final class Tally: @unchecked Sendable {
  let counts: UnsafeMutableBufferPointer<Int>

  init(_ count: Int) {
    counts = .allocate(capacity: count)
    counts.initialize(repeating: 0)
  }

  deinit { counts.deallocate() }

  var context: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(counts.baseAddress) }

  /// A piece of work: adds one to its index.
  static let addOne: zoo_platform_task = { context, index in
    context?.assumingMemoryBound(to: Int.self)[index] += 1
  }
}

/// A pool that is destroyed with its owner.
private final class Pool: @unchecked Sendable {
  let handle: OpaquePointer?

  init(_ threads: UInt32) { handle = zoo_platform_pool_create(threads) }

  deinit { zoo_platform_pool_destroy(handle) }

  func run(_ count: Int, _ context: UnsafeMutableRawPointer?, _ task: @escaping zoo_platform_task) {
    zoo_platform_pool_run(UnsafeMutableRawPointer(handle), count, task, context)
  }
}

#if os(Linux)
/// A thread that wants a CPU all the time.
private final class Hog: @unchecked Sendable {
  private let isWanted = Atomic(true)

  init() {
    Thread.detachNewThread { [self] in while isWanted.load(ordering: .relaxed) {} }
  }

  func stop() { isWanted.store(false, ordering: .relaxed) }
}
#endif

@Suite struct ThreadPoolTests {
  @Test(arguments: [1, 2, 3, 8] as [UInt32])
  func everyIndexRunsOnce(threads: UInt32) {
    let pool = Pool(threads)
    #expect(zoo_platform_pool_thread_count(pool.handle) == threads)
    for count in [0, 1, 2, 3, 7, 64, 1000] {
      let tally = Tally(1000)
      pool.run(count, tally.context, Tally.addOne)
      #expect(tally.counts.prefix(count).allSatisfy { $0 == 1 })
      #expect(tally.counts.dropFirst(count).allSatisfy { $0 == 0 })
    }
  }

  @Test(arguments: [2, 3, 8] as [UInt32])
  func manyShortRunsStayApart(threads: UInt32) {
    let pool = Pool(threads)
    let tally = Tally(16)
    for _ in 0..<10_000 { pool.run(16, tally.context, Tally.addOne) }
    #expect(tally.counts.allSatisfy { $0 == 10_000 })
  }

  @Test(arguments: [1, 2, 8] as [UInt32])
  func aPieceMayCallThePool(threads: UInt32) {
    final class Nest: @unchecked Sendable {
      let pool: Pool
      let tallies: [Tally]
      init(_ pool: Pool, _ count: Int) {
        self.pool = pool
        tallies = (0..<count).map { _ in Tally(50) }
      }
    }
    let nest = Nest(Pool(threads), 20)
    nest.pool.run(20, Unmanaged.passUnretained(nest).toOpaque()) { context, index in
      guard let context else { return }
      let nest = Unmanaged<Nest>.fromOpaque(context).takeUnretainedValue()
      nest.pool.run(50, nest.tallies[index].context, Tally.addOne)
    }
    for tally in nest.tallies { #expect(tally.counts.allSatisfy { $0 == 1 }) }
  }

  @Test func severalCallersShareOnePool() {
    let pool = Pool(4)
    let tallies = (0..<8).map { _ in Tally(33) }
    DispatchQueue.concurrentPerform(iterations: 8) { caller in
      for _ in 0..<2000 { pool.run(33, tallies[caller].context, Tally.addOne) }
    }
    for tally in tallies { #expect(tally.counts.allSatisfy { $0 == 2000 }) }
  }

  /// Partial sums belong to pieces, not to threads: so the total has the same bits for any number of them.
  @Test func sumsDoNotDependOnThreads() {
    func total(_ threads: UInt32) -> Float {
      let pool = Pool(threads)
      let parts = UnsafeMutablePointer<Float>.allocate(capacity: 64)
      defer { parts.deallocate() }
      pool.run(64, UnsafeMutableRawPointer(parts)) { context, index in
        var sum: Float = 0
        for i in 0..<1000 { sum += 1 / Float(index * 1000 + i + 1) }
        context?.assumingMemoryBound(to: Float.self)[index] = sum
      }
      return (0..<64).reduce(0) { $0 + parts[$1] }
    }
    let expected = total(1)
    for threads in [2, 3, 8] as [UInt32] { #expect(total(threads) == expected) }
  }

  #if os(Linux)
  /// Beside another busy thread one of the pool's loses its CPU in the middle of a piece sooner or later.
  @Test(.enabled(if: zoo_platform_cpu_count() > 1), .timeLimit(.minutes(1)))
  func whoLostItsCPUGetsThatOfTheOneWhoWaits() {
    let threads = zoo_platform_cpu_count()
    let pool = Pool(threads)
    let hog = Hog()
    defer { hog.stop() }
    var runs = 0
    let tally = Tally(Int(threads) * 2)
    while zoo_platform_pool_move_count(pool.handle) < 3 {
      pool.run(tally.counts.count, tally.context) { context, index in
        Tally.addOne(context, index)
        let start = zoo_platform_nanoseconds()
        while zoo_platform_nanoseconds() - start < 200_000 {}
      }
      runs += 1
    }
    #expect(tally.counts.allSatisfy { $0 == runs })
    #expect(zoo_platform_cpu_count() == threads)  // the caller may run where it might
  }
  #endif

  @Test func wrongCountsGiveNoPool() {
    #expect(zoo_platform_pool_create(0) == nil)
    #expect(zoo_platform_pool_create(UInt32(ZOO_PLATFORM_POOL_MAX) + 1) == nil)
    zoo_platform_pool_destroy(nil)
    let tally = Tally(5)
    zoo_platform_pool_run(nil, 5, Tally.addOne, tally.context)
    #expect(tally.counts.allSatisfy { $0 == 1 })
  }

  @Test func poolsThatNeverRanAreDestroyed() {
    for threads in 1...64 as ClosedRange<UInt32> { _ = Pool(threads) }
  }
}
