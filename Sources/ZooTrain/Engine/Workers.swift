// Threads and kernels of a training run.
package import CZoo
package import CZooKernels
import CZooPlatform
package import CZooTrainKernels
package import Zoo
package import ZooCompiler

/// A thread pool with the kernels chosen for this CPU.
///
/// Work is cut at places that do not depend on the number of threads, so results do not either.
package final class Workers {
  package let threadCount: Int
  package let kernels: zoo_train_kernels
  /// Nil where the CPU multiplies no bf16.
  let bf16Kernels: zoo_train_bf16_kernels?
  package let isaName: String
  private let pool: OpaquePointer
  /// What operators of the runtime see.
  package let runtime: UnsafeMutablePointer<Runtime>
  private let parallel: zoo_parallel
  private let table: UnsafeMutablePointer<zoo_kernels>
  private var scratch: Buffer?
  private var scratchByteCounts = (share: 0, whole: 0)

  /// - Parameters:
  ///   - threads: 0 takes one for each CPU.
  ///   - adjust: changes the kernels that operators run, for tests.
  /// - Throws: `CompileError` if the CPU lacks `isa` or there is no memory for threads.
  package init(
    threads: Int, isa: zoo_isa = ZOO_ISA_AUTO, adjust: (inout zoo_kernels) -> Void = { _ in }
  ) throws(CompileError) {
    let count = threads > 0 ? threads : Int(zoo_platform_cpu_count())
    guard zoo_isa_available(isa) == 1 else {
      throw CompileError("this CPU lacks \(String(cString: zoo_isa_name(isa)))")
    }
    guard let pool = zoo_platform_pool_create(UInt32(clamping: count)) else {
      throw CompileError("cannot make a pool of \(count) threads")
    }
    let kind = isa == ZOO_ISA_AUTO ? zoo_kernels_best() : isa.rawValue
    table = .allocate(capacity: 1)
    table.initialize(to: zoo_kernels_for(kind))
    adjust(&table.pointee)
    self.pool = pool
    threadCount = count
    kernels = zoo_train_kernels_for(kind).pointee
    bf16Kernels = zoo_train_bf16_kernels_for(kind)?.pointee
    isaName = String(cString: table.pointee.isa_name)
    runtime = .allocate(capacity: 1)
    parallel = zoo_parallel(
      context: UnsafeMutableRawPointer(pool), thread_count: UInt32(count),
      run: zoo_platform_pool_run)
    runtime.initialize(to: Runtime(table: table, parallel: parallel))
  }

  deinit {
    runtime.deallocate()
    table.deallocate()
    zoo_platform_pool_destroy(pool)
  }

  /// Sees to it that operators have so many bytes of scratch memory, for each thread and for all together.
  func reserveScratch(share: Int, whole: Int = 0) {
    guard share > scratchByteCounts.share || whole > scratchByteCounts.whole else { return }
    let share = max(share, scratchByteCounts.share)
    let whole = max((whole + 63) / 64 * 64, scratchByteCounts.whole)
    let byteCount = threadCount * share + whole
    let buffer = Buffer(count: byteCount / MemoryLayout<Float>.stride)
    scratch = buffer
    scratchByteCounts = (share, whole)
    runtime.pointee = Runtime(
      table: table, parallel: parallel,
      scratch: Scratch(base: buffer.base, byteCount: byteCount, shareByteCount: share))
  }

  /// The same for a convolution.
  func reserveScratch(of operation: Conv2D, x: Shape, weights: zoo_type, y: Shape) {
    let needed = operation.scratchByteCounts(x: x, weights: weights, y: y, table.pointee)
    reserveScratch(share: needed.share, whole: needed.whole)
  }

  /// Calls `body(i)` for every i in 0..<count, on any threads, and returns when all are done.
  package func forEach(_ count: Int, _ body: (Int) -> Void) {
    guard count > 1, threadCount > 1 else {
      for index in 0..<count { body(index) }
      return
    }
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { pointer in
        zoo_platform_pool_run(
          UnsafeMutableRawPointer(pool), count,
          { context, index in
            context.unsafelyUnwrapped.assumingMemoryBound(to: ((Int) -> Void).self).pointee(index)
          }, UnsafeMutableRawPointer(mutating: pointer))
      }
    }
  }

  /// Calls `body` for pieces of 0..<total of at most `size`, or of one where that is less than one.
  package func forEachPiece(of total: Int, size: Int, _ body: (Range<Int>) -> Void) {
    let size = max(1, size)
    forEach((total + size - 1) / size) { index in
      body(index * size..<min(total, (index + 1) * size))
    }
  }
}
