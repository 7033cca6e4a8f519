// Transposes move towards the outputs and cancel, so that a network from an NCHW format runs in NHWC throughout.
import Zoo

/// Rewrites f(transpose(x)) as transpose(f'(x)) for every f that has such an f', and cancels pairs.
///
/// Importers of NCHW formats put a transpose before and after each layer that wants NHWC. What this pass leaves
/// are transposes at the inputs and outputs of the model, and around operations that truly mix axes.
package enum MoveTransposes: Pass {
  package static let name = "transpose motion"

  package static func run(_ graph: inout Graph) throws(CompileError) -> Bool {
    var changed = false
    // One rewrite may enable the next one down the line; node order makes one sweep go far.
    var index = 0
    while index < graph.nodes.count {
      if try merge(index, &graph) {
        changed = true
      } else if try flatten(index, &graph) {
        changed = true
      } else if try sink(index, &graph) {
        changed = true
      }
      index += 1
    }
    return changed
  }

  /// The permutation of the transpose that produces `id`, with its input.
  private static func transposed(
    _ id: ValueID?, _ graph: Graph
  ) -> (source: ValueID, permutation: [Int])? {
    guard let id, let node = graph.nodes.first(where: { $0.output == id }),
      let transpose = node.operation as? Transpose, let source = node.inputs[0]
    else { return nil }
    return (source, (0..<graph[id].shape.rank).map { transpose.permutation[$0] })
  }

  /// transpose(transpose(x)) becomes one transpose, or nothing.
  private static func merge(_ index: Int, _ graph: inout Graph) throws(CompileError) -> Bool {
    let node = graph.nodes[index]
    guard let outer = node.operation as? Transpose,
      let inner = transposed(node.inputs[0], graph)
    else { return false }
    var permutation = Transpose()
    for axis in inner.permutation.indices {
      permutation.permutation[axis] = inner.permutation[outer.permutation[axis]]
    }
    graph.nodes[index].operation = permutation
    graph.nodes[index].inputs = [inner.source]
    return true
  }

  /// dense(reshape(transpose(x))) reads x as it lies: the rows of the weights are reordered instead.
  private static func flatten(_ index: Int, _ graph: inout Graph) throws(CompileError) -> Bool {
    let node = graph.nodes[index]
    guard node.operation is Dense, let flat = node.inputs[0], let weights = node.inputs[1],
      let w = graph.floats(weights),
      let reshape = graph.nodes.first(where: { $0.output == flat }),
      reshape.operation is Reshape, let before = transposed(reshape.inputs[0], graph),
      let middle = reshape.inputs[0]
    else { return false }
    // The reshape must keep axis 0 and flatten the rest, and the transpose must keep axis 0.
    let shape = graph[middle].shape
    let flatShape = graph[flat].shape
    guard flatShape.rank == 2, flatShape[0] == shape[0], before.permutation.first == 0 else {
      return false
    }
    let source = graph[before.source].shape
    let rank = shape.rank
    var order = [Int](repeating: 0, count: flatShape[1])  // row in x's order -> row of the weights
    for row in order.indices {
      var rest = row
      var coordinates = [Int](repeating: 0, count: rank)
      for axis in (1..<rank).reversed() {
        coordinates[axis] = rest % source[axis]
        rest /= source[axis]
      }
      var target = 0
      for axis in 1..<rank { target = target * shape[axis] + coordinates[before.permutation[axis]] }
      order[row] = target
    }
    let columns = graph[weights].shape[1]
    var reordered = [Float](repeating: 0, count: w.count)
    for (row, from) in order.enumerated() {
      reordered.replaceSubrange(
        row * columns..<(row + 1) * columns, with: w[from * columns..<(from + 1) * columns])
    }
    let newWeights = graph.addConstant(graph[weights].name, graph[weights].shape, reordered)
    let position = index
    let direct = try graph.add(
      Reshape(flatShape), [before.source], name: reshape.name + ".nhwc")
    graph.nodes.insert(graph.nodes.removeLast(), at: position)
    graph.nodes[position + 1].inputs[0] = direct
    graph.nodes[position + 1].inputs[1] = newWeights
    return true
  }

  /// f(transpose(x), ...) becomes transpose(f'(x, ...)).
  private static func sink(_ index: Int, _ graph: inout Graph) throws(CompileError) -> Bool {
    let node = graph.nodes[index]
    let rank = graph[node.output].shape.rank
    let found = node.inputs.compactMap { transposed($0, graph) }
    guard let permutation = found.first?.permutation, permutation.count == rank,
      let operation = permuted(node.operation, permutation, graph, node)
    else { return false }
    var inputs: [ValueID?] = []
    var additions: [GraphNode] = []
    for input in node.inputs {
      guard let input else {
        inputs.append(nil)
        continue
      }
      if let (source, other) = transposed(input, graph), other == permutation {
        inputs.append(source)
      } else if graph[input].constant != nil || found.count * 2 > node.inputs.count
        || graph[input].shape.elementCount < graph[node.output].shape.elementCount
      {
        // Constants, small broadcast operands, and the odd input of a node whose inputs mostly come
        // transposed, get the inverse.
        guard let value = try inverse(input, permutation, &graph, &additions) else { return false }
        inputs.append(value)
      } else {
        return false
      }
    }
    let shape = graph[node.output].shape
    let moved = graph.addValue(
      Value(
        name: graph[node.output].name, type: graph[node.output].type,
        shape: try Shape(inverse(of: permutation).map { shape[$0] })))
    var back = Transpose()
    for axis in 0..<rank { back.permutation[axis] = permutation[axis] }
    graph.nodes[index] = GraphNode(
      name: node.name, operation: operation, inputs: inputs, output: moved)
    graph.nodes.insert(
      GraphNode(
        name: node.name + ".layout", operation: back, inputs: [moved], output: node.output),
      at: index + 1)
    graph.nodes.insert(contentsOf: additions, at: index)
    return true
  }

  private static func inverse(of permutation: [Int]) -> [Int] {
    var result = [Int](repeating: 0, count: permutation.count)
    for (axis, source) in permutation.enumerated() { result[source] = axis }
    return result
  }

  /// `input` as the operation sees it before the transpose: reshaped to full rank and transposed back.
  private static func inverse(
    _ input: ValueID, _ permutation: [Int], _ graph: inout Graph, _ additions: inout [GraphNode]
  ) throws(CompileError) -> ValueID? {
    let rank = permutation.count
    var current = input
    let own = graph[input].shape
    guard own.rank <= rank else { return nil }
    if own.elementCount == 1 && own.rank == 0 { return input }
    func append(_ operation: any Operation, _ name: String) throws(CompileError) {
      current = try graph.add(operation, [current], name: name)
      additions.append(graph.nodes.removeLast())
    }
    if own.rank < rank {
      try append(Reshape(own.expanded(to: rank)), graph[input].name + ".ranked")
    }
    var transpose = Transpose()
    for (axis, source) in inverse(of: permutation).enumerated() {
      transpose.permutation[axis] = source
    }
    try append(transpose, graph[input].name + ".layout")
    return current
  }

  /// The operation that does before the transpose what `operation` does after it, or nil.
  private static func permuted(
    _ operation: any Operation, _ permutation: [Int], _ graph: Graph, _ node: GraphNode
  ) -> (any Operation)? {
    func mapped(_ axes: Axes) -> Axes {
      var result = axes
      for (axis, source) in permutation.enumerated() { result[source] = axes[axis] }
      return result
    }
    switch operation {
    case is Unary, is Binary: return operation
    case var op as Concat:
      op.axis = Int32(permutation[Int(op.axis)])
      return op
    case var op as Softmax:
      op.axis = Int32(permutation[Int(op.axis)])
      return op
    case var op as Pad:
      op.before = mapped(op.before)
      op.after = mapped(op.after)
      return op
    case var op as Slice:
      op.start = mapped(op.start)
      op.step = mapped(op.step)
      op.count = mapped(op.count)
      return op
    case var op as Mean:
      var axes: Int32 = 0
      for (axis, source) in permutation.enumerated() where op.axes & (1 << Int32(axis)) != 0 {
        axes |= 1 << Int32(source)
      }
      op.axes = axes
      return op
    default: return nil
    }
  }
}
