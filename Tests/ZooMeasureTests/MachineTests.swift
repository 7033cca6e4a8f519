// What is measured of the machine makes sense, and what is said about kernels is so.
import CZooKernels
import CZooMeasure
import Testing
import ZooMeasure

struct MachineTests {
  static let instructionSets = (UInt32(ZOO_KERNELS_SCALAR)...zoo_kernels_best()).filter {
    zoo_kernels_supported($0)
  }

  @Test(arguments: instructionSets)
  func loopsSayWhatTheyDid(_ isa: UInt32) {
    let loops = zoo_measure_loops_for(isa).pointee
    for loop in [loops.f32, loops.i8] {
      let once = loop?(1) ?? 0
      #expect(once > 0)
      #expect(loop?(7) == 7 * once)
      #expect(loop?(0) == 0)
    }
  }

  /// Every byte is read: changing any one of them changes the sum.
  @Test(arguments: instructionSets)
  func readingReadsEverything(_ isa: UInt32) {
    let loops = zoo_measure_loops_for(isa).pointee
    let count = 2 * Int(ZOO_MEASURE_READ_STEP)
    var bytes = [UInt8](repeating: 0, count: count)
    // Only the first lanes of a vector are in the result.
    let first = loops.read?(bytes, count, 1)
    for block in stride(from: 0, to: count, by: 64) {
      bytes[block] = 1
      #expect(loops.read?(bytes, count, 1) != first, "byte \(block)")
      bytes[block] = 0
    }
  }

  @Test func peaksAreMeasuredOnceAndAboveZero() {
    let machine = Machine(isa: zoo_kernels_best(), threads: 2)
    for arithmetic in [Arithmetic.f32, .int8] {
      let peak = machine.peak(arithmetic)
      #expect(peak > 1e6 && peak.isFinite)
      #expect(machine.peak(arithmetic) == peak)
    }
    #expect(machine.bandwidth(byteCount: 100_000) == machine.bandwidth(byteCount: 65_536))
    #expect(machine.bandwidth(byteCount: 0) > 0)
    #expect(Machine(isa: zoo_kernels_best(), threads: 1_000_000).threads <= 65_536)
    #expect(Machine(isa: zoo_kernels_best(), threads: -1).threads == 1)
  }

  @Test func theNearerRoofIsTheOneThatTakesLonger() {
    let machine = Machine(isa: zoo_kernels_best(), threads: 1)
    let second = machine.peak(.f32)
    let computing = Roof(operations: second, arithmetic: .f32, byteCount: 1024, machine)
    #expect(computing.limit == .compute)
    #expect(computing.seconds == 1)
    let moving = Roof(operations: 0, arithmetic: .f32, byteCount: 1 << 20, machine)
    #expect(moving.limit == .memory)
    #expect(moving.seconds == Double(1 << 20) / machine.bandwidth(byteCount: 1 << 20))
  }
}

struct MicrokernelTests {
  /// The list's "best last" is what sessions get, for every family of the table.
  @Test(arguments: MachineTests.instructionSets)
  func selectedIsWhatSessionsRun(_ isa: UInt32) {
    let table = zoo_kernels_for(isa)
    let functions: [(String, UnsafeRawPointer?)] = [
      ("f32_igemm", address(table.f32_igemm.run)), ("f16w_igemm", address(table.f16w_igemm.run)),
      ("bf16w_igemm", address(table.bf16w_igemm.run)),
      ("bf16_igemm", address(table.bf16_igemm.run)), ("bf16_pack", address(table.bf16_pack)),
      ("i8w_igemm", address(table.i8w_igemm.run)),
      ("f32_lines", address(table.f32_lines)), ("f32_winograd", address(table.f32_winograd)),
      ("bf16_winograd", address(table.bf16_winograd)),
      ("bf16_dwconv", address(table.bf16_dwconv)), ("bf16_pool", address(table.bf16_pool)),
      ("f32_dwconv", address(table.f32_dwconv)), ("f32_dwplane", address(table.f32_dwplane)),
      ("bf16_dwplane", address(table.bf16_dwplane)), ("bf16_binary", address(table.bf16_binary)),
      ("f32_pool", address(table.f32_pool)), ("f32_binary", address(table.f32_binary)),
      ("f32_unary", address(table.f32_unary)), ("i8_igemm", address(table.i8_igemm.run)),
      ("i8_lines", address(table.i8_lines)),
      ("i8_winograd", address(table.i8_winograd)), ("i8_dwplane", address(table.i8_dwplane)),
      ("i8_dwconv", address(table.i8_dwconv)), ("i8_pool", address(table.i8_pool)),
      ("i8_binary", address(table.i8_binary)), ("i8_quantize", address(table.i8_quantize)),
      ("i16_igemm", address(table.i16_igemm.run)), ("i16_dwconv", address(table.i16_dwconv)),
      ("i16_pool", address(table.i16_pool)), ("i16_binary", address(table.i16_binary)),
      ("i16_quantize", address(table.i16_quantize)), ("i8_lookup", address(table.i8_lookup)),
    ]
    for (family, expected) in functions {
      let selected = Microkernel.selected(family: family, isa: isa)
      #expect(
        selected.map { unsafeBitCast($0.function, to: UnsafeRawPointer.self) } == expected,
        "\(family) of \(Microkernel.name(ofISA: isa))")
    }
    #expect(Set(Microkernel.all.map(\.family)).isSubset(of: functions.map(\.0)))
  }

  private func address<Function>(_ function: Function?) -> UnsafeRawPointer? {
    function.map { unsafeBitCast($0, to: UnsafeRawPointer.self) }
  }
}
