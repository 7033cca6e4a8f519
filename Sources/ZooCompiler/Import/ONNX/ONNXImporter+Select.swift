// Operators of ONNX that choose or rearrange elements, out of the runtime's own.
import Zoo

extension ONNXImporter {
  static let selectHandlers: [String: Handler] = [
    "ArgMax": { importer, node throws(CompileError) in try importer.argument(node, .max) },
    "ArgMin": { importer, node throws(CompileError) in try importer.argument(node, .min) },
    "GatherElements": { importer, node throws(CompileError) in try importer.gatherElements(node) },
    "DepthToSpace": { importer, node throws(CompileError) in try importer.depthToSpace(node) },
    "SpaceToDepth": { importer, node throws(CompileError) in try importer.spaceToDepth(node) },
    "Expand": { importer, node throws(CompileError) in try importer.expand(node) },
    "ReduceMax": { importer, node throws(CompileError) in try importer.reduceExtreme(node, .max) },
    "ReduceMin": { importer, node throws(CompileError) in try importer.reduceExtreme(node, .min) },
  ]

  /// The position of the extreme along an axis; the first of equals, or the last. Defined for finite elements.
  ///
  /// Where x is the extreme m, x - m is 0; anything else leaves the range of a hard sigmoid after two factors of
  /// 2^127. Those marks times falling (or rising) weights have their maximum at the position looked for.
  private mutating func argument(
    _ node: ONNXNode, _ kind: PoolKind
  ) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    let shape = graph[x].shape
    let axis = try axis(node.int("axis", 0), shape.rank)
    let columns = try asColumns(x, axis..<axis + 1, node)
    let count = shape[axis]
    let extreme = try graph.add(GlobalPool(kind), [columns], name: node.name + ".extreme")
    let operands = kind == .max ? [columns, extreme] : [extreme, columns]
    var marks = try graph.add(Binary(.subtract), operands, name: node.name + ".below")
    let large = graph.addConstant(node.name + ".large", Shape(), [0x1p127])
    for step in 0..<2 {
      marks = try graph.add(Binary(.multiply), [marks, large], name: "\(node.name).far\(step)")
    }
    marks = try graph.add(
      Unary(Activation(.hardSigmoid, alpha: 1, beta: 1)), [marks], name: node.name + ".marks")
    let isLast = node.int("select_last_index", 0) != 0
    let weights = graph.addConstant(
      node.name + ".weights", try Shape([1, count, 1, 1]),
      (0..<count).map { Float(isLast ? $0 + 1 : count - $0) })
    marks = try graph.add(Binary(.multiply), [marks, weights], name: node.name + ".weighted")
    let best = try graph.add(GlobalPool(.max), [marks], name: node.name + ".best")
    let end = graph.addConstant(node.name + ".end", Shape(), [Float(isLast ? 1 : count)])
    let position = try graph.add(
      Binary(.subtract), isLast ? [best, end] : [end, best], name: node.name + ".position")
    return [
      .tensor(try reduced(position, shape, axis..<axis + 1, keeps: node.int("keepdims", 1), node))
    ]
  }

  /// ReduceMax and ReduceMin over neighbouring axes.
  private mutating func reduceExtreme(
    _ node: ONNXNode, _ kind: PoolKind
  ) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    let shape = graph[x].shape
    var axes = try (try ints(node, "axes", 1) ?? []).map { value throws(CompileError) in
      try axis(value, shape.rank)
    }.sorted()
    if axes.isEmpty {
      if node.int("noop_with_empty_axes", 0) != 0 { return [.tensor(x)] }
      axes = Array(0..<shape.rank)
    }
    guard let first = axes.first, axes == Array(first..<first + axes.count) else {
      throw CompileError("axes \(axes) are not neighbours")
    }
    let range = first..<first + axes.count
    let pooled = try graph.add(
      GlobalPool(kind), [try asColumns(x, range, node)], name: node.name + ".pooled")
    return [.tensor(try reduced(pooled, shape, range, keeps: node.int("keepdims", 1), node))]
  }

  /// `x` as an image [outer, extent of `axes`, 1, inner], so that pooling reduces `axes`.
  private mutating func asColumns(
    _ x: ValueID, _ axes: Range<Int>, _ node: ONNXNode
  ) throws(CompileError) -> ValueID {
    let extents = graph[x].shape.extents
    func product(_ part: ArraySlice<Int>) -> Int { part.reduce(1, *) }
    let image = try Shape([
      product(extents[..<axes.lowerBound]), product(extents[axes]), 1,
      product(extents[axes.upperBound...]),
    ])
    return try graph.add(Reshape(image), [x], name: node.name + ".columns")
  }

  /// A reduction's result in the shape ONNX gives it.
  private mutating func reduced(
    _ id: ValueID, _ shape: Shape, _ axes: Range<Int>, keeps: Int, _ node: ONNXNode
  ) throws(CompileError) -> ValueID {
    var extents = shape.extents
    extents.replaceSubrange(axes, with: keeps != 0 ? axes.map { _ in 1 } : [])
    return try graph.add(Reshape(try Shape(extents)), [id], name: node.name)
  }

  /// GatherElements with known indices: runs of equal distance are slices, joined.
  private mutating func gatherElements(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    guard case .ints(let indices, let extents)? = optional(node, 1), !indices.isEmpty else {
      throw CompileError("indices must be known when the model is converted")
    }
    let x = try tensor(node, 0)
    let shape = graph[x].shape
    let axis = try axis(node.int("axis", 0), shape.rank)
    guard extents.count == shape.rank,
      extents.indices.allSatisfy({ $0 == axis || extents[$0] <= shape[$0] })
    else { throw CompileError("indices \(extents) for data \(describe(shape))") }
    var positions: [Int] = []
    for (flat, index) in indices.enumerated() {
      var (rest, offset, stride) = (flat, 0, 1)
      for other in (0..<shape.rank).reversed() {
        let coordinate = other == axis ? try self.axis(index, shape[axis]) : rest % extents[other]
        rest /= extents[other]
        offset += coordinate * stride
        stride *= shape[other]
      }
      positions.append(offset)
    }
    return [.tensor(try picked(x, positions, try Shape(extents), node))]
  }

  /// The elements of `x` at `positions`, row-major, as a tensor of `shape`.
  private mutating func picked(
    _ x: ValueID, _ positions: [Int], _ shape: Shape, _ node: ONNXNode
  ) throws(CompileError) -> ValueID {
    let line = try graph.add(
      Reshape(try Shape([graph[x].shape.elementCount])), [x], name: node.name + ".line")
    var parts: [ValueID] = []
    var index = 0
    while index < positions.count {
      let step = index + 1 < positions.count ? positions[index + 1] - positions[index] : 0
      var end = index + 1
      while step != 0, end < positions.count, positions[end] - positions[end - 1] == step {
        end += 1
      }
      var slice = Slice()
      slice.start[0] = positions[index]
      slice.step[0] = step == 0 ? 1 : step
      slice.count[0] = end - index
      parts.append(try graph.add(slice, [line], name: "\(node.name).\(parts.count)"))
      guard parts.count <= 256 else { throw CompileError("indices in more than 256 runs") }
      index = end
    }
    let joined =
      parts.count == 1
      ? parts[0] : try graph.add(Concat(axis: 0), parts, name: node.name + ".joined")
    return try graph.add(Reshape(shape), [joined], name: node.name)
  }

  private mutating func depthToSpace(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    let shape = graph[x].shape
    let block = node.int("blocksize", 0)
    guard shape.rank == 4, block > 0, block < 1 << 12, shape[1] % (block * block) == 0 else {
      throw CompileError("blocks of \(block) for an input of \(describe(shape))")
    }
    let depth = shape[1] / (block * block)
    let isColumnRowDepth = node.string("mode", "DCR") == "CRD"
    let split =
      isColumnRowDepth
      ? [shape[0], depth, block, block, shape[2], shape[3]]
      : [shape[0], block, block, depth, shape[2], shape[3]]
    return try rearranged(
      x, as: split, isColumnRowDepth ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2],
      to: [shape[0], depth, shape[2] * block, shape[3] * block], node)
  }

  private mutating func spaceToDepth(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    let shape = graph[x].shape
    let block = node.int("blocksize", 0)
    guard shape.rank == 4, block > 0, shape[2] % block == 0, shape[3] % block == 0 else {
      throw CompileError("blocks of \(block) for an input of \(describe(shape))")
    }
    let (height, width) = (shape[2] / block, shape[3] / block)
    return try rearranged(
      x, as: [shape[0], shape[1], height, block, width, block], [0, 3, 5, 1, 2, 4],
      to: [shape[0], shape[1] * block * block, height, width], node)
  }

  private mutating func rearranged(
    _ x: ValueID, as split: [Int], _ permutation: [Int], to extents: [Int], _ node: ONNXNode
  ) throws(CompileError) -> [ONNXValue] {
    let blocks = try graph.add(Reshape(try Shape(split)), [x], name: node.name + ".blocks")
    let moved = try graph.add(transpose(permutation), [blocks], name: node.name + ".moved")
    return [.tensor(try graph.add(Reshape(try Shape(extents)), [moved], name: node.name))]
  }

  /// Expand: known integers are repeated now, a tensor by a product with ones.
  private mutating func expand(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    guard let extents = try ints(node, 1) else { throw CompileError("no shape given") }
    if case .ints(let values, _)? = optional(node, 0), values.count == 1, extents.count <= 1 {
      let count = max(1, extents.first ?? 1)
      guard count <= 1 << 16 else { throw CompileError("shape \(extents)") }
      return [
        .ints([Int](repeating: values[0], count: count), shape: extents.isEmpty ? [] : [count])
      ]
    }
    let x = try tensor(node, 0)
    let shape = try Shape(extents)
    guard let count = shape.checkedElementCount, count < 1 << 24 else {
      throw CompileError("shape \(extents)")
    }
    let ones = graph.addConstant(node.name + ".ones", shape, [Float](repeating: 1, count: count))
    return [.tensor(try graph.add(Binary(.multiply), [x, ones], name: node.name))]
  }
}
