// What the machine can do at best, measured: the roof that operators and kernels are held against.
import CZooMeasure
import CZooPlatform

/// What products are of.
package enum Arithmetic: String, Sendable, Encodable {
  case f32
  case int8
}

/// The peaks of this machine for one instruction set and a number of threads; each is measured when first asked for.
///
/// A measurement is the best of many short bursts, so that whatever else runs on the machine hardly shows.
package final class Machine {
  /// The instruction set, as `zoo_kernels` counts.
  package let isa: UInt32
  /// Threads that work at once: those asked for, but no more than there are CPUs.
  package let threads: Int
  private let loops: zoo_measure_loops
  private let pool: OpaquePointer?
  private var operationsPerSecond: [Arithmetic: Double] = [:]
  private var bytesPerSecond: [Int: Double] = [:]

  /// - Parameters:
  ///   - isa: one that this CPU has.
  ///   - threads: at least 1.
  package init(isa: UInt32, threads: Int) {
    self.isa = isa
    self.threads = max(1, min(threads, Int(zoo_platform_cpu_count())))
    loops = zoo_measure_loops_for(isa).pointee
    pool = self.threads > 1 ? zoo_platform_pool_create(UInt32(self.threads)) : nil
  }

  deinit { zoo_platform_pool_destroy(pool) }

  /// Operations per second of multiply-adds in registers; a multiply-add is two.
  ///
  /// The sum of what each thread reached while the others worked too: on a busy machine all of them are rarely left alone at
  /// the same moment.
  package func peak(_ arithmetic: Arithmetic) -> Double {
    if let known = operationsPerSecond[arithmetic] { return known }
    let loop: (UInt64) -> UInt64 = arithmetic == .f32 ? loops.f32 : loops.i8
    // About 1 ms, from a first guess; waking a thread takes some 0.05 ms.
    var rounds: UInt64 = 1000
    while seconds({ _ = loop(rounds) }) < 0.5e-3 { rounds *= 2 }
    let best = UnsafeMutablePointer<Double>.allocate(capacity: threads)
    best.initialize(repeating: 0, count: threads)
    defer { best.deallocate() }
    let work = Burst { [rounds] thread in
      var operations: UInt64 = 0
      let time = seconds { operations = loop(rounds) }
      best[thread] = max(best[thread], Double(operations) / time)
    }
    for _ in 0..<24 { forEachThread(work) }
    let sum = (0..<threads).reduce(0) { $0 + best[$1] }
    operationsPerSecond[arithmetic] = sum
    return sum
  }

  /// The sizes that `bandwidth` tells apart: from what a first cache holds to what none does.
  package static let sizes = [16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20]

  /// Bytes per second of reading the same `byteCount` bytes again and again, each thread a part of them: what the nearest
  /// cache that holds them gives. The count is rounded down to one of `sizes`, so this is no less than can be had.
  package func bandwidth(byteCount: Int) -> Double {
    let size = Machine.sizes.last { $0 <= byteCount } ?? Machine.sizes[0]
    if let known = bytesPerSecond[size] { return known }
    let step = Int(ZOO_MEASURE_READ_STEP)
    let part = max(step, size / threads / step * step)
    guard let memory = zoo_platform_allocate(part * threads) else { return .infinity }
    defer { zoo_platform_free(memory) }
    let rounds = UInt64(max(1, (8 << 20) / part))
    let start = UInt(bitPattern: memory)
    let work = Burst { [loops] thread in
      guard let from = UnsafeRawPointer(bitPattern: start + UInt(thread * part)) else { return }
      _ = loops.read(from, part, rounds)
    }
    var best = 0.0
    for _ in 0..<12 {
      let time = seconds { forEachThread(work) }
      best = max(best, Double(part * threads) * Double(rounds) / time)
    }
    bytesPerSecond[size] = best
    return best
  }

  /// Calls `work.run(i)` for each thread i at once.
  private func forEachThread(_ work: Burst) {
    guard let pool else { return work.run(0) }
    let context = Unmanaged.passUnretained(work).toOpaque()
    zoo_platform_pool_run(
      UnsafeMutableRawPointer(pool), threads,
      { context, index in
        guard let context else { return }
        Unmanaged<Burst>.fromOpaque(context).takeUnretainedValue().run(index)
      }, context)
  }
}

/// What each thread does in one measurement; a class so that C can carry it.
private final class Burst {
  let run: (_ thread: Int) -> Void
  init(_ run: @escaping (_ thread: Int) -> Void) { self.run = run }
}

/// How long `body` takes, in seconds.
package func seconds(_ body: () -> Void) -> Double {
  let start = zoo_platform_nanoseconds()
  body()
  return max(1e-9, Double(zoo_platform_nanoseconds() - start) * 1e-9)
}
