// Element-wise functions of two tensors, with broadcasting.
import CZoo
import CZooKernels

/// Which function; raw values are those of `zoo_f32_binary_kind`.
package enum BinaryKind: Int32, Sendable {
  case add = 0
  case subtract = 1
  case multiply = 2
  case divide = 3
  case maximum = 4
  case minimum = 5
}

/// y = act(a op b), element by element.
///
/// - Shapes: `a` and `b` broadcast as NumPy does: aligned at the innermost axis, an extent of 1 stretches.
/// - In place: `y` may be `a` or `b` if that has the shape of `y`.
/// - Rows of all operands may have gaps.
package struct Binary: RunnableOperation {
  package static let code = 6
  package static let inputCounts = 2...2
  package var kind = BinaryKind.add
  package var activation = Activation()

  package init() {}
  package init(_ kind: BinaryKind) { self.kind = kind }

  package mutating func archive<A: Archive>(_ archive: inout A) {
    archive.field("kind", &kind)
    activation.archive(&archive)
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    let rank = max(inputs[0].extent.rank, inputs[1].extent.rank)
    let a = inputs[0].extent.expanded(to: rank)
    let b = inputs[1].extent.expanded(to: rank)
    var result = try Shape(rank: rank)
    for axis in 0..<rank {
      guard a[axis] == b[axis] || a[axis] == 1 || b[axis] == 1 else {
        throw .shape("extents that do not broadcast", expected: a[axis], got: b[axis])
      }
      try result.set(axis, to: max(a[axis], b[axis]))
    }
    return result
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireFloat()
    try node.requireLayout()
  }

  func run(_ node: Node) {
    let work = BinaryWork(
      operation: self, a: node.inputs[0], b: node.inputs[1], y: node.output,
      runtime: node.runtime)
    work.forEach(work.pieces, node.runtime) { BinaryWork.body($0).run($1) }
  }

  fileprivate func value(_ a: Float, _ b: Float) -> Float {
    switch kind {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .maximum: a > b ? a : b
    case .minimum: a < b ? a : b
    }
  }
}

private struct BinaryWork: ParallelWork {
  let operation: Binary
  let a: zoo_tensor
  let b: zoo_tensor
  let y: zoo_tensor
  let runtime: Runtime

  /// Whether all elements line up one by one, so that rows need not be told apart.
  private var isFlat: Bool {
    a.isDense && b.isDense && y.isDense && a.extent.elementCount == y.extent.elementCount
      && b.extent.elementCount == y.extent.elementCount
  }

  var pieces: Int {
    runtime.pieces(for: y.extent.elementCount, worth: 1 << 15, most: y.extent.elementCount)
  }

  func run(_ index: Int) {
    if isFlat {
      let part = piece(index, of: pieces, y.extent.elementCount)
      let start = part.lowerBound
      row(a.floats + start, 1, b.floats + start, 1, y.floats + start, part.count)
      return
    }
    let count = y.extent.last
    let aWalk = BroadcastRows(a, over: y.extent)
    let bWalk = BroadcastRows(b, over: y.extent)
    BroadcastRows.forEach(piece(index, of: pieces, y.extent.rowCount), aWalk, bWalk) {
      row(
        a.floats + $1, aWalk.step, b.floats + $2, bWalk.step, y.floats + $0 * y.rowStride, count)
    }
  }

  private func row(
    _ a: UnsafePointer<Float>, _ aStep: Int, _ b: UnsafePointer<Float>, _ bStep: Int,
    _ y: UnsafeMutablePointer<Float>, _ count: Int
  ) {
    let activation = operation.activation
    if let kernel = runtime.kernels.f32_binary {
      var params = zoo_f32_binary_params(
        kind: zoo_f32_binary_kind(rawValue: UInt32(operation.kind.rawValue)), a: a, b: b,
        a_step: aStep, b_step: bStep, y: y, lower: activation.lower, upper: activation.upper)
      kernel(count, &params)
    } else {
      for i in 0..<count {
        y[i] = clamp(
          operation.value(a[i * aStep], b[i * bStep]), activation.lower, activation.upper)
      }
    }
    if activation.needsPass { activation.apply(y, y, count: count, runtime) }
  }
}

/// Where the rows of a broadcast operand are, for each row of the output.
struct BroadcastRows {
  private let tensor: zoo_tensor
  private let shape: Shape
  private let output: Shape
  /// 1 if the operand has the output's innermost extent, 0 if it has one element there.
  let step: Int
  /// Rows of the output along the axis before the innermost one, and how far apart those of the operand are there.
  private let run: Int
  private let stride: Int

  init(_ tensor: zoo_tensor, over output: Shape) {
    self.tensor = tensor
    self.output = output
    shape = tensor.extent.expanded(to: output.rank)
    step = shape.last == 1 && output.last != 1 ? 0 : 1
    let axis = output.rank - 2
    run = axis < 0 ? 1 : output[axis]
    stride = axis < 0 || shape[axis] == 1 ? 0 : tensor.rowStride
  }

  /// Calls `body` for each of `rows` with where it is in both operands, without dividing for each.
  @inline(__always)
  static func forEach(
    _ rows: Range<Int>, _ a: BroadcastRows, _ b: BroadcastRows,
    _ body: (_ row: Int, _ a: Int, _ b: Int) -> Void
  ) {
    var row = rows.lowerBound
    while row < rows.upperBound {
      let end = min(rows.upperBound, (row / a.run + 1) * a.run)
      var (atA, atB) = (a.offset(row), b.offset(row))
      while row < end {
        body(row, atA, atB)
        atA += a.stride
        atB += b.stride
        row += 1
      }
    }
  }

  /// Elements from the start of the operand to the row for output row `row`.
  private func offset(_ row: Int) -> Int {
    var rest = row
    var index = 0
    var stride = 1
    var axis = output.rank - 2
    while axis >= 0 {
      let coordinate = rest % output[axis]
      rest /= output[axis]
      if shape[axis] != 1 { index += coordinate * stride }
      stride *= shape[axis]
      axis -= 1
    }
    return index * tensor.rowStride
  }
}

@c(zoo_binary_prepare)
func binaryPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Binary.self, node, error) }

@c(zoo_binary_run)
func binaryRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Binary.self, node) }
