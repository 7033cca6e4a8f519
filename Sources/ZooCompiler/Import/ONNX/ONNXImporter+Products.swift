// Matrix products of ONNX.
import Zoo

extension ONNXImporter {
  static let productHandlers: [String: Handler] = [
    "Gemm": { importer, node throws(CompileError) in try importer.gemm(node) },
    "MatMul": { importer, node throws(CompileError) in try importer.matmul(node) },
  ]

  /// Gemm: alpha A' B' + beta C with constant B.
  private mutating func gemm(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    var a = try tensor(node, 0)
    let b = try tensor(node, 1)
    guard var w = graph.floats(b) else { throw CompileError("B must be constant") }
    var shape = graph[b].shape.extents
    guard shape.count == 2, graph[a].shape.rank == 2 else {
      throw CompileError("A and B must be matrices")
    }
    if node.int("transA", 0) != 0 {
      a = try graph.add(transpose([1, 0]), [a], name: node.name + ".transposed")
    }
    if node.int("transB", 0) != 0 {
      w = transposed(w, rows: shape[0], columns: shape[1])
      shape.swapAt(0, 1)
    }
    let alpha = node.float("alpha", 1)
    let beta = node.float("beta", 1)
    if alpha != 1 { w = w.map { $0 * alpha } }
    let weights = graph.addConstant(node.name + ".weights", try Shape(shape), w)
    var bias: ValueID?
    var addend: ValueID?
    if optional(node, 2) != nil {
      let c = try tensor(node, 2)
      if let floats = graph.floats(c),
        graph[c].shape.elementCount == 1
          || graph[c].shape.elementCount == shape[1] && graph[c].shape.last == shape[1]
      {
        let values = floats.count == 1 ? [Float](repeating: floats[0], count: shape[1]) : floats
        bias = graph.addConstant(
          node.name + ".bias", try Shape([shape[1]]), values.map { $0 * beta })
      } else {
        addend = c
      }
    }
    var result = try graph.add(Dense(), [a, weights, bias], name: node.name)
    if var added = addend {
      if beta != 1 {
        let factor = graph.addConstant(node.name + ".beta", Shape(), [beta])
        added = try graph.add(Binary(.multiply), [added, factor], name: node.name + ".scaled")
      }
      result = try graph.add(Binary(.add), [result, added], name: node.name + ".added")
    }
    return [.tensor(result)]
  }

  /// MatMul with a constant right factor; a stack of matrices is multiplied one by one.
  private mutating func matmul(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    var a = try tensor(node, 0)
    let b = try tensor(node, 1)
    guard let w = graph.floats(b) else { throw CompileError("the right factor must be constant") }
    var (left, right) = (graph[a].shape.extents, graph[b].shape.extents)
    guard let depth = left.last, !right.isEmpty else { throw CompileError("a scalar factor") }
    let isRow = left.count == 1
    let isColumn = right.count == 1
    if isRow { left = [1, depth] }
    if isColumn { right = [right[0], 1] }
    let matrix = Array(right.suffix(2))
    let stack = right.dropLast(2)
    let result: ValueID
    if stack.allSatisfy({ $0 == 1 }) {
      let weights = graph.addConstant(node.name + ".weights", try Shape(matrix), w)
      while stack.count > left.count - 2 { left.insert(1, at: 0) }
      if left.count != graph[a].shape.rank {
        a = try graph.add(Reshape(try Shape(left)), [a], name: node.name + ".stack")
      }
      result = try graph.add(Dense(), [a, weights], name: node.name)
    } else {
      result = try stackedProduct(a, left, w, right, node)
    }
    var extents = graph[result].shape.extents
    guard isRow || isColumn else { return [.tensor(result)] }
    if isRow { extents.remove(at: extents.count - 2) }
    if isColumn { extents.removeLast() }
    return [
      .tensor(try graph.add(Reshape(try Shape(extents)), [result], name: node.name + ".line"))
    ]
  }

  /// a [..., m, k] times a constant [..., k, n], outer axes broadcast.
  private mutating func stackedProduct(
    _ a: ValueID, _ left: [Int], _ w: [Float], _ right: [Int], _ node: ONNXNode
  ) throws(CompileError) -> ValueID {
    let rank = max(left.count, right.count)
    let (x, y) = (
      [Int](repeating: 1, count: rank - left.count) + left,
      [Int](repeating: 1, count: rank - right.count) + right
    )
    let outer = (0..<rank - 2).map { max(x[$0], y[$0]) }
    guard
      (0..<rank - 2).allSatisfy({
        [1, outer[$0]].contains(x[$0]) && [1, outer[$0]].contains(y[$0])
      }),
      x[rank - 1] == y[rank - 2]
    else { throw CompileError("factors \(left) and \(right) do not fit") }
    let count = outer.reduce(1, *)
    guard count <= 64 else { throw CompileError("a stack of \(count) products") }
    let (rows, depth, columns) = (x[rank - 2], x[rank - 1], y[rank - 1])
    let matrices = try graph.add(
      Reshape(try Shape([x.dropLast(2).reduce(1, *), rows, depth])), [a],
      name: node.name + ".matrices")
    var products: [ValueID] = []
    for index in 0..<count {
      // The position of this product among the matrices of each factor.
      var (rest, i, j, iStep, jStep) = (index, 0, 0, 1, 1)
      for axis in (0..<rank - 2).reversed() {
        let coordinate = rest % outer[axis]
        rest /= outer[axis]
        if x[axis] > 1 { i += coordinate * iStep }
        if y[axis] > 1 { j += coordinate * jStep }
        iStep *= x[axis]
        jStep *= y[axis]
      }
      var slice = Slice()
      (slice.start[0], slice.count[1], slice.count[2]) = (i, rows, depth)
      let factor = try graph.add(slice, [matrices], name: "\(node.name).left\(index)")
      let size = depth * columns
      let weights = graph.addConstant(
        "\(node.name).weights\(index)", try Shape([depth, columns]),
        Array(w[j * size..<(j + 1) * size]))
      products.append(try graph.add(Dense(), [factor, weights], name: "\(node.name).\(index)"))
    }
    let joined = try graph.add(Concat(axis: 0), products, name: node.name + ".joined")
    return try graph.add(Reshape(try Shape(outer + [rows, columns])), [joined], name: node.name)
  }
}

/// A row-major matrix, transposed.
func transposed(_ matrix: [Float], rows: Int, columns: Int) -> [Float] {
  var result = [Float](repeating: 0, count: matrix.count)
  for row in 0..<rows {
    for column in 0..<columns { result[column * rows + row] = matrix[row * columns + column] }
  }
  return result
}
