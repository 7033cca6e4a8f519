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
      run(part.lowerBound, part.lowerBound, part.lowerBound, part.count, 1, nil, nil)
      return
    }
    let aWalk = BroadcastRows(a, over: y.extent)
    let bWalk = BroadcastRows(b, over: y.extent)
    BroadcastRows.forEachRun(piece(index, of: pieces, y.extent.rowCount), aWalk, bWalk) {
      run($0.lowerBound * y.rowStride, $1, $2, y.extent.last, $0.count, aWalk, bWalk)
    }
  }

  /// `rows` rows of `count` elements, the first of which are `toY`, `toA` and `toB` elements from the start.
  private func run(
    _ toY: Int, _ toA: Int, _ toB: Int, _ count: Int, _ rows: Int, _ aWalk: BroadcastRows?,
    _ bWalk: BroadcastRows?
  ) {
    var params = zoo_f32_binary_params()
    params.kind = zoo_f32_binary_kind(rawValue: UInt32(operation.kind.rawValue))
    (params.a_step, params.b_step) = (aWalk?.step ?? 1, bWalk?.step ?? 1)
    (params.lower, params.upper) = (operation.activation.lower, operation.activation.upper)
    params.rows = rows
    (params.a_stride, params.b_stride) = (aWalk?.stride ?? 0, bWalk?.stride ?? 0)
    params.y_stride = y.rowStride
    if let to = y.rounded {
      params.rounded_y = to + toY
      if let rounded = a.rounded {
        params.rounded_a = UnsafePointer(rounded + toA)
        params.b = UnsafePointer(b.floats + toB)
      } else if let rounded = b.rounded {
        params.rounded_a = UnsafePointer(rounded + toB)
        params.b = UnsafePointer(a.floats + toA)
        (params.a_step, params.b_step) = (params.b_step, params.a_step)
        (params.a_stride, params.b_stride) = (params.b_stride, params.a_stride)
      }
      runtime.kernels.bf16_binary?(count, &params)
      return
    }
    params.a = UnsafePointer(a.floats + toA)
    params.b = UnsafePointer(b.floats + toB)
    params.y = y.floats + toY
    if let kernel = runtime.kernels.f32_binary {
      kernel(count, &params)
    } else {
      runPortable(count, params)
    }
    guard operation.activation.needsPass else { return }
    for row in 0..<rows {
      let line = y.floats + toY + row * y.rowStride
      operation.activation.apply(line, line, count: count, runtime)
    }
  }

  private func runPortable(_ count: Int, _ params: zoo_f32_binary_params) {
    for row in 0..<params.rows {
      let (a, b) = (params.a + row * params.a_stride, params.b + row * params.b_stride)
      let y = params.y + row * params.y_stride
      for i in 0..<count {
        let value = operation.value(a[i * params.a_step], b[i * params.b_step])
        y[i] = clamp(value, params.lower, params.upper)
      }
    }
  }
}

#if arch(x86_64)
extension Binary {
  /// What can be bf16 of the operands of a prepared node: an image whose channels are multiplied by floats, as squeeze and excitation do.
  func roundedOperands(_ node: Node) -> RoundedOperands {
    let (a, b, y) = (node.inputs[0].extent, node.inputs[1].extent, node.output.extent)
    guard node.runtime.kernels.bf16_binary != nil, kind == .multiply, !activation.needsPass,
      a.elementCount != b.elementCount
    else { return RoundedOperands() }
    if a.elementCount == y.elementCount {
      return RoundedOperands(inputs: 1, output: true, linked: 1)
    }
    guard b.elementCount == y.elementCount else { return RoundedOperands() }
    return RoundedOperands(inputs: 2, output: true, linked: 2)
  }
}
#endif

/// Where the rows of a broadcast operand are, for each row of the output.
struct BroadcastRows {
  private let tensor: zoo_tensor
  private let shape: Shape
  private let output: Shape
  /// 1 if the operand has the output's innermost extent, 0 if it has one element there.
  let step: Int
  /// Neighbouring rows of the output for which those of the operand are `stride` elements apart: as many as the axes before the innermost
  /// one have that all stretch, or all do not.
  private let run: Int
  let stride: Int

  init(_ tensor: zoo_tensor, over output: Shape) {
    self.tensor = tensor
    self.output = output
    shape = tensor.extent.expanded(to: output.rank)
    step = shape.last == 1 && output.last != 1 ? 0 : 1
    var (run, stretches) = (1, false)
    var axis = output.rank - 2
    while axis >= 0 {
      if output[axis] != 1 {
        if run > 1, (shape[axis] == 1) != stretches { break }
        stretches = shape[axis] == 1
        run *= output[axis]
      }
      axis -= 1
    }
    self.run = run
    stride = stretches ? 0 : tensor.rowStride
  }

  /// Calls `body` for the runs of `rows` with where the first row of each is in both operands.
  @inline(__always)
  static func forEachRun(
    _ rows: Range<Int>, _ a: BroadcastRows, _ b: BroadcastRows,
    _ body: (_ rows: Range<Int>, _ a: Int, _ b: Int) -> Void
  ) {
    var row = rows.lowerBound
    while row < rows.upperBound {
      let (endA, endB) = ((row / a.run + 1) * a.run, (row / b.run + 1) * b.run)
      let end = min(rows.upperBound, min(endA, endB))
      body(row..<end, a.offset(row), b.offset(row))
      row = end
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
