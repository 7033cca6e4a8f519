// Which tensors share memory: aliases, in-place results and concatenations without copies.
import Zoo

/// Where a value lives: a buffer, an offset inside it, and the distance of its rows.
package struct Place: Sendable {
  package var buffer: Int
  package var byteOffset: Int
  /// Elements from one innermost vector to the next.
  package var rowStride: Int
}

/// A block of memory with a lifetime: steps `first` to `last`, both included.
package struct Buffer: Sendable {
  /// Another buffer that this one may lie on although both are alive, if that one begins at least `lead` bytes behind it.
  package struct Overlap: Sendable {
    package var buffer: Int
    package var lead: Int
  }

  package var byteCount: Int
  package var first: Int
  package var last: Int
  package var over: Overlap?

  /// Bytes from this buffer's start to where buffer `other` may begin, if that lies behind.
  func room(before other: Int) -> Int {
    guard let over, over.buffer == other else { return byteCount }
    return min(byteCount, over.lead)
  }

  func isTogether(with other: Buffer) -> Bool { first <= other.last && other.first <= last }
}

/// Buffers for all values of a graph that are not constant.
///
/// Step i is node i; inputs are alive from step -1, outputs to step nodes.count. Rules, in this order:
/// 1. A value that only goes into a concatenation along the innermost axis (or one with nothing outside it) is written
///    straight into the concatenation's buffer.
/// 2. A reshape shares the memory of its input.
/// 3. An operation that may work in place takes over an input's buffer when nobody needs it any more.
/// 4. A chain in bands that has a lead writes over rows of its input that it has read.
/// Nodes that run in bands are one step: what they read or write lives while any of them runs, and what lies between them is as large
/// as the rows that are kept.
/// A buffer never holds both a model input and a model output, so that writing the next input leaves the last output alone.
package struct Placement {
  package private(set) var places: [ValueID: Place] = [:]
  package private(set) var buffers: [Buffer] = []
  private let graph: Graph
  private let consumers: [ValueID: [Int]]
  private let producers: [ValueID: Int]
  private let bands: Bands

  package init(_ graph: Graph, _ bands: Bands, aliasesConcatenations: Bool = true) {
    self.graph = graph
    self.bands = bands
    consumers = graph.consumers()
    producers = graph.producers()
    if aliasesConcatenations {
      for node in graph.nodes.reversed() where node.operation is Concat { placeParts(of: node) }
    }
    for input in graph.inputs { placeAlone(input, step: -1) }
    for (step, node) in graph.nodes.enumerated() { place(node, step: step) }
    // A value nobody reads still occupies memory while it is written.
    for (id, place) in places { extend(place.buffer, for: id) }
    dropEmpty()
  }

  private func byteCount(_ id: ValueID) -> Int {
    bands.byteCounts[id] ?? graph[id].shape.elementCount * graph[id].type.byteWidth
  }

  private mutating func placeAlone(_ id: ValueID, step: Int) {
    buffers.append(Buffer(byteCount: byteCount(id), first: step, last: step))
    places[id] = Place(
      buffer: buffers.count - 1, byteOffset: 0, rowStride: graph[id].shape.last)
    extend(buffers.count - 1, for: id)
  }

  /// Widens a buffer's lifetime to all uses of `id`.
  private mutating func extend(_ buffer: Int, for id: ValueID) {
    var born = producers[id] ?? -1
    var last = consumers[id]?.max() ?? born
    if let group = bands.group(born) {
      born = group.first
      last = max(last, group.last)
    }
    if let group = bands.group(last) { last = group.last }
    if graph.outputs.contains(id) { last = graph.nodes.count }
    buffers[buffer].first = min(buffers[buffer].first, born)
    buffers[buffer].last = max(buffers[buffer].last, last)
  }

  private mutating func place(_ node: GraphNode, step: Int) {
    if let place = places[node.output] { return extend(place.buffer, for: node.output) }
    if node.operation is Reshape, let input = node.inputs[0], let place = places[input],
      place.rowStride == graph[input].shape.last, mayShare(place.buffer, node.output)
    {
      places[node.output] = Place(
        buffer: place.buffer, byteOffset: place.byteOffset,
        rowStride: graph[node.output].shape.last)
      return extend(place.buffer, for: node.output)
    }
    for position in inPlaceOperands(node.operation) where position < node.inputs.count {
      guard let input = node.inputs[position], let place = places[input],
        graph[input].shape == graph[node.output].shape,
        graph[input].type == graph[node.output].type,
        place.byteOffset == 0, byteCount(input) == buffers[place.buffer].byteCount,
        place.rowStride == graph[input].shape.last,
        node.inputs.filter({ $0.flatMap { places[$0]?.buffer } == place.buffer }).count == 1,
        lastUse(ofBuffer: place.buffer) == step, !isChainInput(place.buffer, step),
        mayShare(place.buffer, node.output)
      else { continue }
      places[node.output] = place
      return extend(place.buffer, for: node.output)
    }
    let over = chainInput(node, step)
    placeAlone(node.output, step: step)
    buffers[buffers.count - 1].over = over
  }

  /// Rule 4: the buffer that the chain of `node`, its last one, reads and nobody needs any more, and the chain's lead.
  private func chainInput(_ node: GraphNode, _ step: Int) -> Buffer.Overlap? {
    guard let group = bands.group(step), group.last == step, let lead = group.lead,
      let input = graph.nodes[group.first].inputs[0], let place = places[input],
      place.byteOffset == 0, place.rowStride == graph[input].shape.last,
      lastUse(ofBuffer: place.buffer) == step, mayShare(place.buffer, node.output)
    else { return nil }
    return Buffer.Overlap(buffer: place.buffer, lead: lead)
  }

  /// Whether the first node of the chain of node `step` reads `buffer`: its rows are read again after others were written.
  private func isChainInput(_ buffer: Int, _ step: Int) -> Bool {
    guard let group = bands.group(step), let x = graph.nodes[group.first].inputs[0] else {
      return false
    }
    return places[x]?.buffer == buffer
  }

  /// The last step that reads any value in `buffer` that exists so far.
  private func lastUse(ofBuffer buffer: Int) -> Int { buffers[buffer].last }

  private func mayShare(_ buffer: Int, _ id: ValueID) -> Bool {
    guard graph.outputs.contains(id) else { return true }
    return !places.contains { $0.value.buffer == buffer && graph.inputs.contains($0.key) }
  }

  /// Rule 1: gives the parts of a concatenation places inside its output.
  private mutating func placeParts(of node: GraphNode) {
    guard let concat = node.operation as? Concat else { return }
    let shape = graph[node.output].shape
    let axis = Int(concat.axis)
    let isInnermost = axis == shape.rank - 1
    guard isInnermost || (0..<axis).allSatisfy({ shape[$0] == 1 }) else { return }
    let width = graph[node.output].type.byteWidth
    let inner = (axis + 1..<max(shape.rank, axis + 1)).reduce(1) { $0 * shape[$1] }
    var eligible: [(id: ValueID, offset: Int)] = []
    var offset = 0
    for input in node.inputs.compactMap({ $0 }) {
      if isEligible(input, in: node) { eligible.append((input, offset)) }
      offset += graph[input].shape[axis] * inner * width
    }
    guard !eligible.isEmpty else { return }
    if places[node.output] == nil {
      buffers.append(
        Buffer(byteCount: byteCount(node.output), first: Int.max, last: Int.min))
      places[node.output] = Place(
        buffer: buffers.count - 1, byteOffset: 0, rowStride: shape.last)
      extend(buffers.count - 1, for: node.output)
    }
    guard let whole = places[node.output] else { return }
    for (id, offset) in eligible {
      // A middle-axis part of a view with gaps keeps the view's rows; an innermost part widens them.
      places[id] = Place(
        buffer: whole.buffer, byteOffset: whole.byteOffset + offset,
        rowStride: isInnermost || whole.rowStride != shape.last
          ? whole.rowStride : graph[id].shape.last)
      extend(whole.buffer, for: id)
    }
  }

  private func isEligible(_ id: ValueID, in concat: GraphNode) -> Bool {
    guard graph[id].constant == nil, places[id] == nil, let producer = producers[id],
      !graph.outputs.contains(id), concat.inputs.filter({ $0 == id }).count == 1,
      supportsGaps(graph.nodes[producer].operation)
    else { return false }
    return (consumers[id] ?? []).allSatisfy { supportsGaps(graph.nodes[$0].operation) }
  }

  /// Renumbers buffers so that only those in use remain.
  private mutating func dropEmpty() {
    var used: [Int: Int] = [:]
    var kept: [Buffer] = []
    for id in places.keys.sorted(by: { $0.index < $1.index }) {
      guard let place = places[id] else { continue }
      if used[place.buffer] == nil {
        used[place.buffer] = kept.count
        kept.append(buffers[place.buffer])
      }
      places[id]?.buffer = used[place.buffer] ?? 0
    }
    for index in kept.indices {
      if let over = kept[index].over { kept[index].over?.buffer = used[over.buffer] ?? index }
    }
    buffers = kept
  }
}
