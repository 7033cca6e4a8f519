// Making a session: find the kernels, the operators, and let each operator check its node.
import CZoo
import CZooKernels

/// Operators a session may use: the first list wins.
struct OperatorTables {
  let custom: UnsafePointer<UnsafePointer<zoo_operator>?>?
  let customCount: Int
  let builtIn: UnsafePointer<UnsafePointer<zoo_operator>?>?
  let builtInCount: Int

  /// The operator with this code or, for code 0, this name.
  func find(_ code: Int, _ name: UnsafePointer<CChar>) -> UnsafePointer<zoo_operator>? {
    search(custom, customCount, code, name) ?? search(builtIn, builtInCount, code, name)
  }

  private func search(
    _ table: UnsafePointer<UnsafePointer<zoo_operator>?>?, _ count: Int, _ code: Int,
    _ name: UnsafePointer<CChar>
  ) -> UnsafePointer<zoo_operator>? {
    guard let table else { return nil }
    for index in 0..<count {
      guard let entry = table[index], Int(entry.pointee.code) == code else { continue }
      if code != 0 { return entry }
      if let own = entry.pointee.name, equal(own, name) { return entry }
    }
    return nil
  }
}

/// Whether two zero-terminated strings are equal.
func equal(_ a: UnsafePointer<CChar>, _ b: UnsafePointer<CChar>) -> Bool {
  var index = 0
  while a[index] == b[index] {
    if a[index] == 0 { return true }
    index += 1
  }
  return false
}

/// The options of a session, or the defaults where the caller gave none.
///
/// Only `struct_size` bytes are read, so that programs built with an older header keep working.
struct SessionOptions {
  let value: zoo_options

  init(_ options: UnsafePointer<zoo_options>?) throws(ZooError) {
    var copy = zoo_options()
    if let options {
      let given = Int(options.pointee.struct_size)
      guard given >= 12, given <= MemoryLayout<zoo_options>.size else {
        throw ZooError(
          ZOO_INVALID_ARGUMENT, "struct_size of the options",
          expected: MemoryLayout<zoo_options>.size, got: given)
      }
      withUnsafeMutableBytes(of: &copy) { target in
        target.copyMemory(from: UnsafeRawBufferPointer(start: options, count: given))
      }
      guard copy.flags & ~UInt32(ZOO_SKIP_WEIGHT_CHECKSUM) == 0 else {
        throw ZooError(ZOO_INVALID_ARGUMENT, "unknown flags", got: Int(copy.flags))
      }
    }
    value = copy
  }

  var verification: ModelReader.Verification {
    value.flags & UInt32(ZOO_SKIP_WEIGHT_CHECKSUM) != 0 ? .structureOnly : .everything
  }

  /// Bytes of scratch memory that a session on `model` can make use of: by each of its threads, and by all together.
  func scratchByteCounts(_ model: ModelReader) throws(ZooError) -> (share: Int, whole: Int) {
    #if arch(x86_64)
    let kernels = try kernels()
    var (share, whole) = (0, 0)
    for index in 0..<model.nodeCount {
      let record = model.node(index)
      let node = Conv2D.scratchByteCounts(record, model, kernels)
      share = max(share, node.share)
      share = max(share, IntegerConv2D<Int8>.scratchByteCount(record, model, kernels))
      share = max(share, workspaceByteCount(ofOperator: record.code, kernels))
      whole = max(whole, node.whole)
    }
    let threads = max(1, Int(value.parallel?.pointee.thread_count ?? 1))
    guard let shares = share.times(threads) else {
      throw ZooError(ZOO_INVALID_ARGUMENT, "scratch memory for this many threads", got: threads)
    }
    // Only a matrix unit's kernel needs both at once.
    guard kernels.bf16_igemm.workspace > 0 else { return (share, max(whole, shares)) }
    let (sum, overflows) = shares.addingReportingOverflow(whole)
    guard !overflows else {
      throw ZooError(ZOO_INVALID_ARGUMENT, "scratch memory for this many threads", got: threads)
    }
    return (share, sum)
    #else
    return (0, 0)
    #endif
  }

  /// The caller's scratch memory. With less than all that is of use, what runs would depend on the number of threads.
  func scratch(_ model: ModelReader) throws(ZooError) -> Scratch? {
    guard let base = value.scratch else { return nil }
    guard UInt(bitPattern: base) % UInt(ModelFormat.minimumAlignment) == 0 else {
      throw ZooError(
        ZOO_MISALIGNED, "scratch memory must start at a multiple of",
        expected: ModelFormat.minimumAlignment)
    }
    let needed = try scratchByteCounts(model)
    guard value.scratch_size >= needed.whole else {
      throw ZooError(
        ZOO_ARENA_TOO_SMALL, "bytes of scratch memory", expected: needed.whole,
        got: value.scratch_size)
    }
    return Scratch(base: base, byteCount: value.scratch_size, shareByteCount: needed.share)
  }

  /// The kernels asked for, or the best of this CPU.
  func kernels() throws(ZooError) -> zoo_kernels {
    let isa = value.isa == ZOO_ISA_AUTO ? zoo_kernels_best() : value.isa.rawValue
    guard zoo_kernels_supported(isa) else {
      throw ZooError(
        ZOO_ISA_UNAVAILABLE, "instruction set not available here, zoo_isa", got: Int(isa))
    }
    return zoo_kernels_for(isa)
  }
}

extension SessionState {
  /// Builds a session for `model` at its place in `arena` and returns that place.
  static func make(
    _ model: ModelReader, arena: UnsafeMutableRawPointer, byteCount: Int,
    options: SessionOptions, operators: OperatorTables
  ) throws(ZooError) -> UnsafeMutablePointer<SessionState> {
    guard UInt(bitPattern: arena) % UInt(ModelFormat.minimumAlignment) == 0 else {
      throw ZooError(
        ZOO_MISALIGNED, "arena must start at a multiple of", expected: ModelFormat.minimumAlignment)
    }
    let layout = SessionLayout(model)
    guard byteCount >= layout.byteCount else {
      throw ZooError(
        ZOO_ARENA_TOO_SMALL, "bytes of arena", expected: layout.byteCount, got: byteCount)
    }
    let kernels = (arena + layout.kernels).bindMemory(to: zoo_kernels.self, capacity: 1)
    kernels.initialize(to: try options.kernels())
    let runtime = Runtime(
      table: kernels, parallel: options.value.parallel?.pointee,
      scratch: try options.scratch(model))
    let state = (arena + layout.state).bindMemory(to: SessionState.self, capacity: 1)
    state.initialize(
      to: SessionState(
        model: model, arena: arena, runtime: runtime, layout: layout,
        observer: options.value.observer, observerContext: options.value.observer_context,
        clock: options.value.clock, owner: nil))
    for index in 0..<model.inputs.count {
      state.pointee.inputs[index] = model.tensor(model.word(model.inputs, index), arena: arena)
    }
    for index in 0..<model.outputs.count {
      state.pointee.outputs[index] = model.tensor(model.word(model.outputs, index), arena: arena)
    }
    for index in 0..<model.nodeCount { try state.pointee.prepareNode(index, operators) }
    try state.pointee.checkBands()
    #if arch(x86_64)
    _ = RoundedTensors(
      state.pointee, (arena + layout.roundedTensors).assumingMemoryBound(to: UInt32.self))
    #endif
    state.pointee.keepOperands()
    return state
  }

  private func prepareNode(_ index: Int, _ tables: OperatorTables) throws(ZooError) {
    let record = model.node(index)
    guard let entry = tables.find(record.code, record.customName),
      let prepare = entry.pointee.prepare,
      entry.pointee.run != nil
    else {
      throw ZooError(
        ZOO_UNSUPPORTED_OPERATOR, "operator not in the table, code", got: record.code,
        node: UInt32(index))
    }
    operators[index] = entry
    var failure = zoo_error()
    let status = withNode(index, prepares: true) { prepare($0, &failure) }
    guard status == ZOO_OK else { throw .reported(failure, status: status, node: UInt32(index)) }
  }
}
