// Any function of one byte: a table with 256 answers.
import CZoo
import CZooKernels

/// y = table[x as an unsigned byte], element by element.
///
/// - Shapes: `x` i8 or u8, any; `table` i8 [256]; `y` i8, the shape of `x`.
/// - Sigmoid, tanh, leaky ReLU, hard-swish and changes of scale are tables: the compiler computes each answer in double
///   precision and rounds it once.
/// - In place: `y` may be `x`. Rows may have gaps.
package struct Lookup: RunnableOperation {
  package static let code = 23
  package static let inputCounts = 2...2

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {}

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    guard inputs[1].extent.elementCount == 256 else {
      throw .shape("answers of a table", expected: 256, got: inputs[1].extent.elementCount)
    }
    return inputs[0].extent
  }

  func check(_ node: Node) throws(ZooError) {
    guard node.inputs[0].type == ZOO_I8 || node.inputs[0].type == ZOO_U8,
      node.output.type == ZOO_I8
    else { throw .type("a table takes bytes and gives i8") }
    try node.requireLayout()
    try node.requireDense(1, ZOO_I8, count: 256)
  }

  func run(_ node: Node) {
    let work = LookupWork(
      x: node.inputs[0], table: node.inputs[1].bytes, y: node.output, runtime: node.runtime)
    work.forEach(work.pieces, node.runtime) { LookupWork.body($0).run($1) }
  }
}

private struct LookupWork: ParallelWork {
  let x: zoo_tensor
  let table: UnsafePointer<Int8>
  let y: zoo_tensor
  let runtime: Runtime

  var pieces: Int {
    runtime.pieces(for: y.extent.elementCount, worth: 1 << 17, most: y.extent.elementCount)
  }

  func run(_ index: Int) {
    if x.isDense && y.isDense {
      let part = piece(index, of: pieces, y.extent.elementCount)
      row(x.bytes + part.lowerBound, y.bytes + part.lowerBound, part.count)
    } else {
      for index in piece(index, of: pieces, y.extent.rowCount) {
        row(x.bytes + index * x.rowStride, y.bytes + index * y.rowStride, y.extent.last)
      }
    }
  }

  private func row(_ x: UnsafePointer<Int8>, _ y: UnsafeMutablePointer<Int8>, _ count: Int) {
    if let kernel = runtime.kernels.i8_lookup {
      kernel(count, table, x, y)
    } else {
      for i in 0..<count { y[i] = table[Int(UInt8(bitPattern: x[i]))] }
    }
  }
}

@c(zoo_lookup_prepare)
func lookupPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Lookup.self, node, error) }

@c(zoo_lookup_run)
func lookupRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Lookup.self, node) }
