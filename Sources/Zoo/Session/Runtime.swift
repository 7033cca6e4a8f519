// What a session gives its operators: kernels and threads.
package import CZoo
package import CZooKernels

/// Memory of a session that makes some operators faster.
package struct Scratch {
  let base: UnsafeMutableRawPointer
  /// What all threads have together.
  let byteCount: Int
  /// What each thread may use at its own place: of the model alone, so that what runs there does not depend on how many they are.
  let shareByteCount: Int
  /// Whether rows are cut at places that depend on the number of threads: then only what gives the same bits wherever it is cut may
  /// be done here.
  var isForExactOnly = false

  package init(base: UnsafeMutableRawPointer, byteCount: Int, shareByteCount: Int) {
    self.base = base
    self.byteCount = byteCount
    self.shareByteCount = shareByteCount
  }

  /// The place of thread `index`.
  func share(_ index: Int) -> UnsafeMutableRawPointer { base + index * shareByteCount }

  /// What is left for thread `index` when each runs operators of its own.
  func alone(_ index: Int) -> Scratch {
    var scratch = Scratch(
      base: share(index), byteCount: shareByteCount, shareByteCount: shareByteCount)
    scratch.isForExactOnly = isForExactOnly
    return scratch
  }
}

/// The kernels chosen and who runs pieces of work; what C sees as `struct zoo_runtime`.
package struct Runtime {
  /// Where the kernels are: what runs carries a runtime along, and the table is large.
  let table: UnsafePointer<zoo_kernels>
  package var parallel: zoo_parallel?
  var scratch: Scratch?

  package init(
    table: UnsafePointer<zoo_kernels>, parallel: zoo_parallel?, scratch: Scratch? = nil
  ) {
    self.table = table
    self.parallel = parallel
    self.scratch = scratch
  }

  @inline(__always)
  package var kernels: zoo_kernels { table.pointee }

  /// This runtime with one thread.
  package var alone: Runtime { Runtime(table: table, parallel: nil) }

  /// Into how many pieces work is worth cutting; at least 1.
  package var threadCount: Int { max(1, Int(parallel?.thread_count ?? 1)) }

  /// Runs `task(context, i)` for every i in 0..<count and returns when all are done.
  func forEach(_ count: Int, _ context: UnsafeMutableRawPointer?, _ task: @escaping zoo_task) {
    if count > 1, let parallel, let run = parallel.run {
      run(parallel.context, count, task, context)
    } else {
      for index in 0..<count { task(context, index) }
    }
  }
}

/// Pieces of one operator's work, without closures so that nothing is allocated.
///
/// A conforming struct also writes `static let entry: zoo_task = { Self.body($0).run($1) }`-like glue with
/// its own name, because C function pointers cannot be generic.
protocol ParallelWork {
  func run(_ index: Int)
}

extension ParallelWork {
  /// Calls `run` for every index below `count`, through `entry`, on the session's threads.
  func forEach(_ count: Int, _ runtime: Runtime, _ entry: @escaping zoo_task) {
    if count == 1 { return run(0) }
    var work = self
    withUnsafeMutablePointer(to: &work) { pointer in
      runtime.forEach(count, UnsafeMutableRawPointer(pointer), entry)
    }
  }

  /// The work behind the context pointer of a task.
  static func body(_ context: UnsafeMutableRawPointer?) -> Self {
    context.unsafelyUnwrapped.assumingMemoryBound(to: Self.self).pointee
  }
}
