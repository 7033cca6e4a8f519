// Surrounding a tensor with more of itself or with a constant.
import CZoo

/// What the added elements are.
package enum PadMode: Int32, Sendable {
  case constant = 0
  /// The border element repeated.
  case edge = 1
  /// Mirrored without repeating the border.
  case reflect = 2
}

/// y = x with `before[k]` and `after[k]` elements added along axis k.
///
/// - f32, or i8 or i16 with `value` as one of its integers; counts are not negative; `reflect` needs counts below the extent.
package struct Pad: RunnableOperation {
  package static let code = 9
  package static let inputCounts = 1...1
  package var mode = PadMode.constant
  package var value: Float = 0
  package var before = Axes(repeating: 0)
  package var after = Axes(repeating: 0)

  package init() {}

  package mutating func archive<A: Archive>(_ archive: inout A) {
    archive.field("mode", &mode)
    archive.field("value", &value)
    before.archive(&archive, "before")
    after.archive(&archive, "after")
  }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    let x = inputs[0].extent
    var result = try Shape(rank: x.rank)
    for axis in 0..<x.rank {
      let limit = mode == .reflect ? x[axis] - 1 : 1 << 24
      guard before[axis] >= 0, after[axis] >= 0, before[axis] <= limit, after[axis] <= limit else {
        throw .attribute("padding", expected: limit, got: max(before[axis], after[axis]))
      }
      try result.set(axis, to: x[axis] + before[axis] + after[axis])
    }
    return result
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireLayout()
    let type = node.output.type
    guard type == node.inputs[0].type, type == ZOO_F32 || type == ZOO_I8 || type == ZOO_I16 else {
      throw .type("padding takes f32, i8 or i16")
    }
    guard type != ZOO_I8 || (value >= -128 && value <= 127) else {
      throw .attribute("value of padding in i8")
    }
    guard type != ZOO_I16 || (value >= -32768 && value <= 32767) else {
      throw .attribute("value of padding in i16")
    }
  }

  func run(_ node: Node) {
    let y = node.output
    let x = node.inputs[0]
    switch y.type {
    case ZOO_I8: fill(y.bytes, Int8(value), x.bytes, node)
    case ZOO_I16: fill(y.integers(Int16.self), Int16(value), x.integers(Int16.self), node)
    default: fill(y.floats, value, x.floats, node)
    }
  }

  private func fill<Element>(
    _ output: UnsafeMutablePointer<Element>, _ value: Element,
    _ input: UnsafeMutablePointer<Element>, _ node: Node
  ) {
    let x = node.inputs[0]
    let y = node.output
    let shape = y.extent
    let strides = Axes.strides(of: x)
    var coordinates = Axes(repeating: 0)
    for row in 0..<shape.rowCount {
      var rest = row
      var axis = shape.rank - 2
      while axis >= 0 {
        coordinates[axis] = rest % shape[axis]
        rest /= shape[axis]
        axis -= 1
      }
      fillRow(output + row * y.rowStride, value, coordinates, input, x.extent, strides, shape.rank)
    }
  }

  /// One innermost vector of the output; `coordinates` of all outer axes are set.
  private func fillRow<Element>(
    _ y: UnsafeMutablePointer<Element>, _ value: Element, _ coordinates: Axes,
    _ x: UnsafeMutablePointer<Element>, _ extent: Shape, _ strides: Axes, _ rank: Int
  ) {
    var offset = 0
    var isInside = true
    for axis in 0..<max(rank - 1, 0) {
      if let source = index(coordinates[axis] - before[axis], extent[axis]) {
        offset += source * strides[axis]
      } else {
        isInside = false
      }
    }
    let count = rank == 0 ? 1 : extent.last + before[rank - 1] + after[rank - 1]
    for k in 0..<count {
      let position = rank == 0 ? 0 : index(k - before[rank - 1], extent.last)
      if isInside, let position { y[k] = x[offset + position] } else { y[k] = value }
    }
  }

  /// Which element of an axis position `index` shows, or nil for the constant.
  private func index(_ index: Int, _ extent: Int) -> Int? {
    if index >= 0 && index < extent { return index }
    switch mode {
    case .constant: return nil
    case .edge: return index < 0 ? 0 : extent - 1
    case .reflect: return index < 0 ? -index : 2 * (extent - 1) - index
    }
  }
}

@c(zoo_pad_prepare)
func padPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(Pad.self, node, error) }

@c(zoo_pad_run)
func padRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(Pad.self, node) }
