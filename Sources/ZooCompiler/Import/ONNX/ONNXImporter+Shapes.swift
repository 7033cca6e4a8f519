// Operators of ONNX that move elements, and the integer arithmetic on shapes around them.
import Zoo

extension ONNXImporter {
  static let shapeHandlers: [String: Handler] = [
    "Identity": { importer, node throws(CompileError) in [try importer.value(node, 0)] },
    "Dropout": { importer, node throws(CompileError) in try importer.dropout(node) },
    "Cast": { importer, node throws(CompileError) in try importer.cast(node) },
    "Constant": { importer, node throws(CompileError) in try importer.constant(node) },
    "ConstantOfShape": { importer, node throws(CompileError) in
      try importer.constantOfShape(node)
    },
    "Shape": { importer, node throws(CompileError) in try importer.shape(node) },
    "Gather": { importer, node throws(CompileError) in try importer.gather(node) },
    "Reshape": { importer, node throws(CompileError) in try importer.reshape(node) },
    "Flatten": { importer, node throws(CompileError) in try importer.flatten(node) },
    "Squeeze": { importer, node throws(CompileError) in try importer.squeeze(node) },
    "Unsqueeze": { importer, node throws(CompileError) in try importer.unsqueeze(node) },
    "Transpose": { importer, node throws(CompileError) in try importer.transposition(node) },
    "Concat": { importer, node throws(CompileError) in try importer.concat(node) },
    "Slice": { importer, node throws(CompileError) in try importer.slice(node) },
    "Split": { importer, node throws(CompileError) in try importer.split(node) },
    "Pad": { importer, node throws(CompileError) in try importer.pad(node) },
  ]

  private func value(_ node: ONNXNode, _ position: Int) throws(CompileError) -> ONNXValue {
    guard let value = optional(node, position) else {
      throw CompileError("input \(position) is missing")
    }
    return value
  }

  /// Dropout keeps everything: its mask is all ones.
  private func dropout(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    guard node.proto.output.count > 1 else { return [try value(node, 0)] }
    let extents = try inputShape(node)
    let ones = [Int](repeating: 1, count: extents.reduce(1, *))
    return [try value(node, 0), .ints(ones, shape: extents)]
  }

  /// Casts among floats, and among integers, change nothing here.
  private mutating func cast(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    guard let type = ONNXElementType(rawValue: Int32(truncatingIfNeeded: node.int("to", 0))) else {
      throw CompileError("element type \(node.int("to", 0))")
    }
    switch try value(node, 0) {
    case .ints where type.isFloat: return [.tensor(try tensor(node, 0))]
    case .tensor(let id) where !type.isFloat && !holdsIntegers(id):
      guard let floats = graph.floats(id) else { throw CompileError("cast of a tensor to \(type)") }
      let ints = try floats.map { value throws(CompileError) in
        guard let int = Int(exactly: value.rounded(.towardZero)) else {
          throw CompileError("cast of \(value) to \(type)")
        }
        return type == .bool ? min(1, abs(int)) : int
      }
      return [.ints(ints, shape: graph[id].shape.extents)]
    case let known: return [known]
    }
  }

  private mutating func constant(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    if let proto = node.tensor("value") {
      var tensor = try ONNXTensor(proto, folder: folder)
      if tensor.name.isEmpty { tensor.name = node.name }
      return [try constant(tensor)]
    }
    if let floats = node.floats("value_floats"), !floats.isEmpty {
      return [.tensor(graph.addConstant(node.name, try Shape([floats.count]), floats))]
    }
    if let ints = node.ints("value_ints"), !ints.isEmpty {
      return [.ints(ints, shape: [ints.count])]
    }
    if node.has("value_int") { return [.ints([node.int("value_int", 0)], shape: [])] }
    if node.has("value_float") {
      return [.tensor(graph.addConstant(node.name, Shape(), [node.float("value_float", 0)]))]
    }
    throw CompileError("constant without a supported value")
  }

  private mutating func constantOfShape(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let extents = try ints(node, 0) ?? []
    let shape = try Shape(extents)
    guard let count = shape.checkedElementCount, count < 1 << 24 else {
      throw CompileError("shape \(extents)")
    }
    let fill = try node.tensor("value").map { proto throws(CompileError) in
      try ONNXTensor(proto, folder: folder)
    }
    if case .ints(let values)? = fill?.elements {
      return [.ints([Int](repeating: values.first ?? 0, count: count), shape: extents)]
    }
    let value = fill?.floats.first ?? 0
    return [
      .tensor(graph.addConstant(node.name, shape, [Float](repeating: value, count: count)))
    ]
  }

  private func shape(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let extents = try inputShape(node)
    func bound(_ name: String, _ fallback: Int) -> Int {
      let value = node.int(name, fallback)
      return min(max(value < 0 ? value + extents.count : value, 0), extents.count)
    }
    let (start, end) = (bound("start", 0), bound("end", extents.count))
    let part = start < end ? Array(extents[start..<end]) : []
    return [.ints(part, shape: [part.count])]
  }

  /// Gather from known integers, or of single positions of a tensor, which is a slice.
  private mutating func gather(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    guard case .ints(let indices, let indexShape)? = optional(node, 1), !indices.isEmpty else {
      throw CompileError("indices must be known when the model is converted")
    }
    if case .ints(let values, let shape)? = optional(node, 0) {
      guard shape.count <= 1 else { throw CompileError("gather from a table of integers") }
      let picked = try indices.map { index throws(CompileError) in
        values[try self.axis(index, values.count)]
      }
      return [.ints(picked, shape: indexShape)]
    }
    let x = try tensor(node, 0)
    let shape = graph[x].shape
    let axis = try axis(node.int("axis", 0), shape.rank)
    guard indices.count <= 64 else { throw CompileError("gather of \(indices.count) positions") }
    var parts: [ValueID] = []
    for index in indices {
      let position = try self.axis(index, shape[axis])
      parts.append(try cut(x, axis, position..<position + 1, name: "\(node.name).\(position)"))
    }
    let joined =
      parts.count == 1
      ? parts[0] : try graph.add(Concat(axis: axis), parts, name: node.name + ".joined")
    var extents = shape.extents
    extents.replaceSubrange(axis...axis, with: indexShape)
    return [.tensor(try graph.add(Reshape(try Shape(extents)), [joined], name: node.name))]
  }

  /// The positions `range` along one axis.
  private mutating func cut(
    _ x: ValueID, _ axis: Int, _ range: Range<Int>, name: String
  ) throws(CompileError) -> ValueID {
    var operation = Slice()
    for other in 0..<graph[x].shape.rank { operation.count[other] = graph[x].shape[other] }
    operation.start[axis] = range.lowerBound
    operation.count[axis] = range.count
    return try graph.add(operation, [x], name: name)
  }

  private mutating func reshaped(
    _ node: ONNXNode, _ extents: [Int]
  ) throws(CompileError) -> [ONNXValue] {
    if case .ints(let values, _)? = optional(node, 0) { return [.ints(values, shape: extents)] }
    let x = try tensor(node, 0)
    return [.tensor(try graph.add(Reshape(try Shape(extents)), [x], name: node.name))]
  }

  private func inputShape(_ node: ONNXNode) throws(CompileError) -> [Int] {
    switch try value(node, 0) {
    case .tensor(let id): return graph[id].shape.extents
    case .ints(_, let shape): return shape
    case .unknown: throw CompileError("unknown input")
    }
  }

  private mutating func reshape(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let old = try inputShape(node)
    guard var extents = try ints(node, "shape", 1) else {
      throw CompileError("no shape given")
    }
    for (axis, extent) in extents.enumerated() where extent == 0 && node.int("allowzero", 0) == 0 {
      guard axis < old.count else { throw CompileError("shape \(extents) copies a missing axis") }
      extents[axis] = old[axis]
    }
    let total = old.reduce(1, *)
    if let open = extents.firstIndex(of: -1) {
      let known = extents.filter { $0 != -1 }.reduce(1, &*)
      guard known > 0, total % known == 0 else {
        throw CompileError("shape \(extents) does not fit \(total) elements")
      }
      extents[open] = total / known
    }
    // Networks exported with a batch of one often write that one down; follow the actual batch.
    if options.batch > 1, extents.count > 1, extents[0] == 1, old.first == options.batch,
      extents.reduce(1, &*) * options.batch == total
    {
      extents[0] = options.batch
    }
    return try reshaped(node, extents)
  }

  private mutating func flatten(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let old = try inputShape(node)
    let given = node.int("axis", 1)
    let axis = given < 0 ? given + old.count : given
    guard axis >= 0 && axis <= old.count else { throw CompileError("axis \(given)") }
    return try reshaped(node, [old[..<axis].reduce(1, *), old[axis...].reduce(1, *)])
  }

  private mutating func squeeze(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let old = try inputShape(node)
    let given = try ints(node, "axes", 1)
    let axes = try given?.map { value throws(CompileError) in try axis(value, old.count) }
    let dropped = axes ?? old.indices.filter { old[$0] == 1 }
    guard dropped.allSatisfy({ old[$0] == 1 }) else { throw CompileError("axes \(dropped)") }
    return try reshaped(node, old.indices.filter { !dropped.contains($0) }.map { old[$0] })
  }

  private mutating func unsqueeze(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let old = try inputShape(node)
    guard let given = try ints(node, "axes", 1) else { throw CompileError("no axes") }
    let rank = old.count + given.count
    let axes = Set(try given.map { value throws(CompileError) in try axis(value, rank) })
    guard axes.count == given.count else { throw CompileError("axes \(given)") }
    var rest = old[...]
    return try reshaped(node, (0..<rank).map { axes.contains($0) ? 1 : rest.removeFirst() })
  }

  private mutating func transposition(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    let rank = graph[x].shape.rank
    let permutation = node.ints("perm") ?? Array((0..<rank).reversed())
    guard permutation.sorted() == Array(0..<rank) else {
      throw CompileError("permutation \(permutation)")
    }
    return [.tensor(try graph.add(transpose(permutation), [x], name: node.name))]
  }

  private mutating func concat(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let inputs = node.proto.input.indices.map { optional(node, $0) }
    var integers: [Int] = []
    var areIntegers = true
    for case let value? in inputs {
      if case .ints(let values, let shape) = value, shape.count <= 1 {
        integers += values
      } else {
        areIntegers = false
      }
    }
    if areIntegers { return [.ints(integers, shape: [integers.count])] }
    var parts: [ValueID] = []
    for position in inputs.indices { parts.append(try tensor(node, position)) }
    guard let first = parts.first else { throw CompileError("nothing to join") }
    let axis = try axis(node.int("axis", 1), graph[first].shape.rank)
    return [.tensor(try graph.add(Concat(axis: axis), parts, name: node.name))]
  }

  private mutating func slice(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let old = try inputShape(node)
    guard let starts = try ints(node, "starts", 1),
      let ends = try ints(node, "ends", 2), starts.count == ends.count
    else { throw CompileError("starts and ends must be known when the model is converted") }
    let axes = try (try ints(node, "axes", 3) ?? Array(starts.indices)).map {
      value throws(CompileError) in try axis(value, old.count)
    }
    let steps = try ints(node, 4) ?? [Int](repeating: 1, count: starts.count)
    guard axes.count == starts.count, steps.count == starts.count, !steps.contains(0) else {
      throw CompileError("starts, ends, axes and steps differ in length")
    }
    var operation = Slice()
    for axis in old.indices { operation.count[axis] = old[axis] }
    for (index, axis) in axes.enumerated() {
      let extent = old[axis]
      let step = min(max(steps[index], -extent), extent)
      // Bounds beyond the ends are clamped; negative ones count from the end.
      func bound(_ value: Int, _ range: ClosedRange<Int>) -> Int {
        let wrapped = value < 0 ? max(value, -extent - 1) + extent : min(value, extent)
        return min(max(wrapped, range.lowerBound), range.upperBound)
      }
      let start = bound(starts[index], step > 0 ? 0...extent : 0...max(extent - 1, 0))
      let end =
        step > 0 || ends[index] >= -extent
        ? bound(ends[index], step > 0 ? 0...extent : -1...max(extent - 1, 0)) : -1
      let distance = step > 0 ? end - start : start - end
      let count = distance <= 0 ? 0 : (distance + abs(step) - 1) / abs(step)
      guard count > 0 else {
        throw CompileError("a tensor without elements: nothing is left of axis \(axis)")
      }
      operation.start[axis] = start
      operation.step[axis] = step
      operation.count[axis] = count
    }
    if case .ints(let values, _)? = optional(node, 0) {
      guard old.count == 1 else { throw CompileError("slice of a table of integers") }
      let picked = (0..<operation.count[0]).map {
        values[operation.start[0] + $0 * operation.step[0]]
      }
      return [.ints(picked, shape: [picked.count])]
    }
    return [.tensor(try graph.add(operation, [try tensor(node, 0)], name: node.name))]
  }

  private mutating func split(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    let shape = graph[x].shape
    let axis = try axis(node.int("axis", 0), shape.rank)
    let count = node.proto.output.count
    let size = (shape[axis] + count - 1) / max(count, 1)
    let sizes =
      try ints(node, "split", 1) ?? (0..<count).map { min(size, shape[axis] - $0 * size) }
    guard sizes.count == count, sizes.allSatisfy({ $0 > 0 }), sizes.reduce(0, +) == shape[axis]
    else { throw CompileError("parts \(sizes) of an axis of \(shape[axis])") }
    var start = 0
    var results: [ONNXValue] = []
    for (index, size) in sizes.enumerated() {
      results.append(
        .tensor(try cut(x, axis, start..<start + size, name: "\(node.name).\(index)")))
      start += size
    }
    return results
  }

  private mutating func pad(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    let rank = graph[x].shape.rank
    guard let pads = try ints(node, "pads", 1) else {
      throw CompileError("pads must be known when the model is converted")
    }
    let axes = try (try ints(node, 3) ?? Array(0..<rank)).map { value throws(CompileError) in
      try axis(value, rank)
    }
    guard pads.count == axes.count * 2 else { throw CompileError("\(pads.count) pads") }
    var operation = Pad()
    switch node.string("mode", "constant") {
    case "constant": operation.mode = .constant
    case "edge": operation.mode = .edge
    case "reflect": operation.mode = .reflect
    case let other: throw CompileError("mode \(other)")
    }
    operation.value = try constantFloats(node, 2)?.first ?? node.float("value", 0)
    for (index, axis) in axes.enumerated() {
      operation.before[axis] = pads[index]
      operation.after[axis] = pads[index + axes.count]
    }
    guard pads.allSatisfy({ $0 >= 0 && $0 < 1 << 24 }) else {
      throw CompileError("negative pads are not supported")
    }
    return [.tensor(try graph.add(operation, [x], name: node.name))]
  }
}
