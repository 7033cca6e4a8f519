// What must hold of a plan: checked by the compiler before a model is written, and by tests on random graphs.
import Zoo

extension MemoryPlan {
  /// Throws unless buffers alive together are disjoint, views stay inside their buffers, and every value that is read
  /// still holds what was written.
  package func check(_ graph: Graph) throws(CompileError) {
    let buffers = placement.buffers
    for a in buffers.indices {
      guard packing.offsets[a] >= 0, packing.offsets[a] + buffers[a].byteCount <= byteCount else {
        throw CompileError("plan: buffer \(a) leaves the arena")
      }
      for b in 0..<a {
        let (start, other) = (packing.offsets[a], packing.offsets[b])
        let together = buffers[a].isTogether(with: buffers[b])
        let apart =
          start + buffers[a].room(before: b) <= other || other + buffers[b].room(before: a) <= start
        guard !together || apart else {
          throw CompileError("plan: buffers \(a) and \(b) overlap")
        }
      }
    }
    try checkContents(graph)
  }

  /// Replays the plan byte by byte: every write marks its bytes with the value's name, every read must find it.
  private func checkContents(_ graph: Graph) throws(CompileError) {
    var owner: [Int32] = Array(repeating: -1, count: byteCount)
    func rows(_ id: ValueID) throws(CompileError) -> (
      start: Int, count: Int, step: Int, length: Int
    ) {
      guard let place = placement.places[id], let start = offset(id) else {
        throw CompileError("plan: value '\(graph[id].name)' has no place")
      }
      let shape = graph[id].shape
      let width = graph[id].type.byteWidth
      if let kept = bands.byteCounts[id] {
        guard kept <= placement.buffers[place.buffer].byteCount - place.byteOffset else {
          throw CompileError("plan: rows of '\(graph[id].name)' leave their buffer")
        }
        return (start, 1, kept, kept)
      }
      let end = (shape.rowCount - 1) * place.rowStride * width + shape.last * width
      guard place.rowStride >= shape.last, place.byteOffset >= 0,
        place.byteOffset + end <= placement.buffers[place.buffer].byteCount
      else { throw CompileError("plan: value '\(graph[id].name)' leaves its buffer") }
      return (start, shape.rowCount, place.rowStride * width, shape.last * width)
    }
    func write(_ id: ValueID, as label: Int) throws(CompileError) {
      let area = try rows(id)
      for row in 0..<area.count {
        for byte in 0..<area.length { owner[area.start + row * area.step + byte] = Int32(label) }
      }
    }
    func read(_ id: ValueID, as label: Int, by name: String) throws(CompileError) {
      let area = try rows(id)
      for row in 0..<area.count {
        for byte in 0..<area.length
        where owner[area.start + row * area.step + byte] != Int32(label) {
          throw CompileError("plan: '\(graph[id].name)' is overwritten before '\(name)' reads it")
        }
      }
    }
    // Values that alias (reshapes, parts of concatenations) are the same content under another name: a part that is
    // already in place and a reshape in place write nothing.
    var label: [ValueID: Int] = [:]
    for input in graph.inputs {
      label[input] = input.index
      try write(input, as: input.index)
    }
    for (step, node) in graph.nodes.enumerated() {
      if let group = bands.group(step), step == group.first {
        try checkChain(
          group, graph, &label, write: { id, name throws(CompileError) in try write(id, as: name) },
          read: { id, name, node throws(CompileError) in try read(id, as: name, by: node) })
      }
      guard bands.group(step) == nil else { continue }
      for input in node.inputs.compactMap({ $0 }) where graph[input].constant == nil {
        guard let known = label[input] else { throw CompileError("plan: unknown value") }
        try read(input, as: known, by: node.name)
      }
      label[node.output] = node.output.index
      try write(node.output, as: node.output.index)
      if node.operation is Reshape, let input = node.inputs[0],
        offset(input) == offset(node.output)
      {
        // Both names stay readable.
        label[input] = node.output.index
        for (id, old) in label where old == input.index { label[id] = node.output.index }
      }
      if node.operation is Concat { relabelParts(of: node, graph, &label) }
    }
    for output in graph.outputs {
      guard let known = label[output] else { throw CompileError("plan: unknown output") }
      try read(output, as: known, by: "the caller")
    }
  }

  /// The nodes of a chain run as one: what they read must outlast what they write, but for an operand that the last one's
  /// output takes the place of.
  private func checkChain(
    _ group: BandGroup, _ graph: Graph, _ label: inout [ValueID: Int],
    write: (ValueID, Int) throws(CompileError) -> Void,
    read: (ValueID, Int, String) throws(CompileError) -> Void
  ) throws(CompileError) {
    let nodes = graph.nodes[group.first...group.last]
    let links = nodes.dropLast().map(\.output)
    guard let last = nodes.last else { return }
    let inputs = nodes.flatMap { $0.inputs.compactMap { $0 } }.filter {
      graph[$0].constant == nil && !links.contains($0)
    }
    func readAll(_ isRead: (ValueID) -> Bool) throws(CompileError) {
      for input in inputs where isRead(input) {
        guard let known = label[input] else { throw CompileError("plan: unknown value") }
        try read(input, known, last.name)
      }
    }
    try readAll { _ in true }
    for id in links + [last.output] {
      label[id] = id.index
      try write(id, id.index)
    }
    for id in links { try read(id, id.index, last.name) }
    let x = nodes.first?.inputs[0]
    if let lead = group.leastLead(graph), let start = x.flatMap({ offset($0) }),
      let end = offset(last.output), group.lead != nil, start - end >= lead
    {
      // Every row of the input has been read when one of the output falls on it.
      try readAll { offset($0) != offset(last.output) && $0 != x }
    } else {
      try readAll { offset($0) != offset(last.output) || $0 == x }
    }
  }

  /// Parts placed inside a concatenation now carry its label, and may still be read by others.
  private func relabelParts(
    of node: GraphNode, _ graph: Graph, _ label: inout [ValueID: Int]
  ) {
    guard let whole = placement.places[node.output] else { return }
    for (id, place) in placement.places where place.buffer == whole.buffer && label[id] != nil {
      guard let start = offset(id), let base = offset(node.output) else { continue }
      let shape = graph[node.output].shape
      let width = graph[node.output].type.byteWidth
      let end = base + ((shape.rowCount - 1) * whole.rowStride + shape.last) * width
      // Rows of the concatenation may lie inside those of an outer one: the columns must be its own.
      let column = (start - base) % max(1, whole.rowStride * width)
      if start >= base && start < end && column < shape.last * width && isPart(id, of: node, graph)
      {
        label[id] = node.output.index
      }
    }
  }

  private func isPart(_ id: ValueID, of node: GraphNode, _ graph: Graph) -> Bool {
    node.inputs.contains { input in
      guard let input else { return false }
      if input == id { return true }
      guard let producer = graph.nodes.first(where: { $0.output == input }),
        producer.operation is Concat || producer.operation is Reshape
      else { return false }
      return isPart(id, of: producer, graph)
    }
  }
}
