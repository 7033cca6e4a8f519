// How often a dense layer calls its kernel: each call begins to read from memory anew.
import CZoo
import CZooKernels
import TestSupport
import Testing
import Zoo
import ZooCompiler

/// Columns of each call of `record`.
nonisolated(unsafe) private var columnsOfCalls: [Int] = []

/// Multiplies nothing.
private let record: zoo_f32_igemm_ukernel = { _, columns, _ in columnsOfCalls.append(columns) }

struct DenseCallTests {
  /// One image: all columns at once, although their weights fit no cache, so that the kernel reads as many streams as it can. Many rows: some
  /// columns at a time, whose weights stay near while the rows pass by.
  @Test func oneRowTakesAllColumnsAtOnce() throws {
    #expect(try calls(rows: 1) == [512])
    #expect(try calls(rows: 6) == [512])
    let many = try calls(rows: 60)
    #expect(many.allSatisfy { $0 < 512 } && many.reduce(0, +) % 512 == 0 && !many.isEmpty)
  }

  private func calls(rows: Int) throws -> [Int] {
    let (depth, columns) = (2000, 512)
    var kernels = zoo_kernels_for(UInt32(ZOO_KERNELS_SCALAR))
    kernels.f32_igemm = zoo_f32_igemm_kernel(run: record, mr: 6, nr: 16, workspace: 0)
    let table = UnsafeMutablePointer<zoo_kernels>.allocate(capacity: 1)
    defer { table.deallocate() }
    table.initialize(to: kernels)
    var runtime = Runtime(table: table, parallel: nil, scratch: nil)
    var writer = AttributeWriter()
    var operation = Dense()
    operation.archive(&writer)
    var (x, w) = (
      [Float](repeating: 0, count: rows * depth), [Float](repeating: 0, count: depth * columns)
    )
    var y = [Float](repeating: 0, count: rows * columns)
    columnsOfCalls = []
    try x.withUnsafeMutableBytes { x in
      try w.withUnsafeMutableBytes { w in
        try y.withUnsafeMutableBytes { y in
          var inputs = [
            operand(ZOO_F32, try Shape([rows, depth]), x),
            operand(ZOO_F32, try Shape([depth, columns]), w),
          ]
          inputs[1].layout = ZOO_LAYOUT_PANELS16
          var output = operand(ZOO_F32, try Shape([rows, columns]), y)
          try call(Dense.code, writer.bytes, &inputs, &output, &runtime)
        }
      }
    }
    return columnsOfCalls
  }
}
