// Element-wise functions of two integer tensors, with broadcasting.
import CZoo
import CZooKernels

/// y = requantize(ma (a - zero a) op mb (b - zero b)); a product is ma ((a - zero a) (b - zero b))
///
/// - Shapes: `a`, `b` and `y` i8 or i16, all the same, broadcast as in `Binary`. No division.
/// - ma = scale(a) / scale(y) and mb = scale(b) / scale(y); for a product ma = scale(a) scale(b) / scale(y).
/// - In place: `y` may be `a` or `b` if that has the shape of `y`. Rows of all operands may have gaps.
/// - Rounding: each product and the sum in single precision, then `Requantization`.
package struct IntegerBinary<Element: IntegerElement>: RunnableOperation {
  package static var code: Int { Element.isWide ? 31 : 22 }
  package static var inputCounts: ClosedRange<Int> { 2...2 }
  package var kind = BinaryKind.add
  package var bounds = IntegerBounds(Element.self)
  package var multiplierA: Float = 1
  package var multiplierB: Float = 1

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    archive.field("kind", &kind)
    bounds.archive(&archive)
    archive.field("multiplier a", &multiplierA)
    archive.field("multiplier b", &multiplierB)
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    try Binary(kind).outputShape(inputs)
  }

  func check(_ node: Node) throws(ZooError) {
    try bounds.check(Element.self)
    guard kind != .divide else { throw .attribute("division in integers") }
    try node.requireInteger(0, Element.self)
    try node.requireInteger(1, Element.self)
    try node.requireIntegerOutput(Element.self)
  }

  func run(_ node: Node) {
    let work = IntegerBinaryWork<Element>(
      operation: self, a: node.inputs[0], b: node.inputs[1], y: node.output,
      requantization: bounds.requantization(for: node.output), runtime: node.runtime)
    work.forEach(
      work.pieces, node.runtime,
      Element.isWide
        ? { IntegerBinaryWork<Int16>.body($0).run($1) }
        : { IntegerBinaryWork<Int8>.body($0).run($1) })
  }

  /// The value before rounding; `a` and `b` are differences to the zero points.
  fileprivate func value(_ a: Int32, _ b: Int32) -> Float {
    if kind == .multiply { return Float(Int(a &* b)) * multiplierA }
    let x = Float(Int(a)) * multiplierA
    let y = Float(Int(b)) * multiplierB
    switch kind {
    case .add: return x + y
    case .subtract: return x - y
    case .maximum: return x > y ? x : y
    default: return x < y ? x : y
    }
  }
}

private struct IntegerBinaryWork<Element: IntegerElement>: ParallelWork {
  let operation: IntegerBinary<Element>
  let a: zoo_tensor
  let b: zoo_tensor
  let y: zoo_tensor
  let requantization: Requantization
  let runtime: Runtime

  /// Whether all elements line up one by one, so that rows need not be told apart.
  private var isFlat: Bool {
    a.isDense && b.isDense && y.isDense && a.extent.elementCount == y.extent.elementCount
      && b.extent.elementCount == y.extent.elementCount
  }

  var pieces: Int {
    runtime.pieces(for: y.extent.elementCount, worth: 1 << 17, most: y.extent.elementCount)
  }

  func run(_ index: Int) {
    let a = self.a.integers(Element.self)
    let b = self.b.integers(Element.self)
    let y = self.y.integers(Element.self)
    if isFlat {
      let part = piece(index, of: pieces, self.y.extent.elementCount)
      let start = part.lowerBound
      return apply(
        Run(a: a + start, b: b + start, y: y + start, rows: 1, count: part.count), nil, nil)
    }
    let extent = self.y.extent
    let aWalk = BroadcastRows(self.a, over: extent)
    let bWalk = BroadcastRows(self.b, over: extent)
    BroadcastRows.forEachRun(piece(index, of: pieces, extent.rowCount), aWalk, bWalk) {
      let to = y + $0.lowerBound * self.y.rowStride
      apply(
        Run(a: a + $1, b: b + $2, y: to, rows: $0.count, count: extent.last), aWalk, bWalk)
    }
  }

  /// Rows of `count` elements, from these on.
  private struct Run {
    let a: UnsafePointer<Element>
    let b: UnsafePointer<Element>
    let y: UnsafeMutablePointer<Element>
    let rows: Int
    let count: Int
  }

  /// - Parameters aWalk, bWalk: absent where elements line up one by one.
  private func apply(_ run: Run, _ aWalk: BroadcastRows?, _ bWalk: BroadcastRows?) {
    let (za, zb) = (self.a.zeroPoint, self.b.zeroPoint)
    let (aStep, bStep) = (aWalk?.step ?? 1, bWalk?.step ?? 1)
    let (aStride, bStride) = (aWalk?.stride ?? 0, bWalk?.stride ?? 0)
    if let kernel = Element.binary(runtime.kernels) {
      var params = zoo_integer_binary_params(
        kind: zoo_f32_binary_kind(rawValue: UInt32(operation.kind.rawValue)), a: run.a, b: run.b,
        a_step: aStep, b_step: bStep, a_zero_point: za, b_zero_point: zb,
        a_multiplier: operation.multiplierA, b_multiplier: operation.multiplierB, y: run.y,
        y_zero_point: requantization.zeroPoint, lower: requantization.lower,
        upper: requantization.upper, rows: run.rows, a_stride: aStride, b_stride: bStride,
        y_stride: self.y.rowStride)
      return kernel(run.count, &params)
    }
    for row in 0..<run.rows {
      let (a, b) = (run.a + row * aStride, run.b + row * bStride)
      let y = run.y + row * self.y.rowStride
      for i in 0..<run.count {
        y[i] = requantization(
          operation.value(Int32(a[i * aStep]) &- za, Int32(b[i * bStep]) &- zb))
      }
    }
  }
}

@c(zoo_binary_i8_prepare)
func integerBinaryPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(IntegerBinary<Int8>.self, node, error) }

@c(zoo_binary_i8_run)
func integerBinaryRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(IntegerBinary<Int8>.self, node) }

@c(zoo_binary_i16_prepare)
func wideBinaryPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(IntegerBinary<Int16>.self, node, error) }

@c(zoo_binary_i16_run)
func wideBinaryRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(IntegerBinary<Int16>.self, node) }
