// Which chains of nodes run band by band, so that what lies between them is never there as a whole.
import Zoo

/// When to run chains of windows in bands of rows.
package enum BandPolicy: Sendable {
  /// Every node writes its whole output: for readers of what lies between.
  case off
  /// Where what lies between two nodes would leave the cache.
  case cache
  /// Wherever nodes allow it: for the smallest arena.
  case memory
}

/// Nodes `first...last` of a graph that run in bands.
package struct BandGroup: Sendable, Equatable {
  package var first: Int
  package var last: Int
  /// Rows of the last node's output in one band.
  package var rows: Int
  /// Threads that have room for rows of their own.
  package var workers: Int
}

/// The chains of a graph.
package struct Bands: Sendable {
  package private(set) var groups: [BandGroup] = []
  /// Bytes of each value inside a chain, for all workers.
  package private(set) var byteCounts: [ValueID: Int] = [:]

  /// Nodes of one chain at most; the runtime has room for as many.
  private static let mostNodes = 4
  /// Between two nodes, from this many bytes on, the cache is worth a chain.
  private static let largeValue = 768 << 10
  /// Weights of the nodes on both sides of a link, so that they stay in L2 from band to band.
  private static let mostWeights = 512 << 10
  /// Rows kept by one thread: as many as leave room for weights in L2.
  private static let keptBytes = 128 << 10

  package init(_ graph: Graph, _ policy: BandPolicy, workers: Int) {
    guard policy != .off else { return }
    let consumers = graph.consumers()
    let gains = graph.nodes.indices.map { index -> Int in
      guard index + 1 < graph.nodes.count, Bands.links(index, graph, consumers, policy) else {
        return 0
      }
      return Bands.size(graph.nodes[index].output, graph)
    }
    for (first, last) in Bands.chains(gains) {
      let last = Bands.sumIsBetterInPlace(first, last, graph) ? last - 1 : last
      if last > first { add(first, last, graph, workers, policy) }
    }
  }

  /// Chains with the most bytes inside: `gains[i]` is what a link from node i to the next one spares, 0 if there is none.
  private static func chains(_ gains: [Int]) -> [(first: Int, last: Int)] {
    // best[i]: for the nodes from i on, the bytes spared and the last node of the chain that begins at i.
    var best = [(bytes: Int, last: Int)](repeating: (0, 0), count: gains.count + 1)
    for first in gains.indices.reversed() {
      best[first] = (best[first + 1].bytes, first)
      var inside = 0
      for last in first + 1..<max(first + 1, min(gains.count, first + mostNodes)) {
        guard gains[last - 1] > 0 else { break }
        inside += gains[last - 1]
        if inside + best[last + 1].bytes > best[first].bytes {
          best[first] = (inside + best[last + 1].bytes, last)
        }
      }
    }
    var result: [(first: Int, last: Int)] = []
    var first = 0
    while first < gains.count {
      result.append((first, best[first].last))
      first = best[first].last + 1
    }
    return result
  }

  private static func size(_ id: ValueID, _ graph: Graph) -> Int {
    graph[id].shape.elementCount * graph[id].type.byteWidth
  }

  /// The chain that node `step` belongs to, if any.
  package func group(_ step: Int) -> BandGroup? {
    groups.first { $0.first <= step && step <= $0.last }
  }

  /// Whether the last node adds to its result what the first one reads, and it is better that the sum takes that value's place,
  /// which it cannot inside a chain: the chain reads rows of it again.
  private static func sumIsBetterInPlace(_ first: Int, _ last: Int, _ graph: Graph) -> Bool {
    let node = graph.nodes[last]
    let x = graph.nodes[first].inputs[0]
    let takesPlace = inPlaceOperands(node.operation).contains { position in
      position < node.inputs.count && node.inputs[position] == x
    }
    guard last > first, takesPlace else { return false }
    return size(graph.nodes[last - 1].output, graph) <= size(node.output, graph)
  }

  /// Whether node `index` and the next one can be neighbours in a chain, and should.
  private static func links(
    _ index: Int, _ graph: Graph, _ consumers: [ValueID: [Int]], _ policy: BandPolicy
  ) -> Bool {
    let (node, next) = (graph.nodes[index], graph.nodes[index + 1])
    let value = node.output
    guard next.inputs.first == value, consumers[value]?.count == 1,
      next.inputs.filter({ $0 == value }).count == 1, !graph.outputs.contains(value),
      canBand(node, graph), canBand(next, graph)
    else { return false }
    guard policy == .cache else { return true }
    return size(value, graph) >= largeValue
      && weightBytes(node, graph) + weightBytes(next, graph) <= mostWeights
  }

  private static func weightBytes(_ node: GraphNode, _ graph: Graph) -> Int {
    node.inputs.compactMap { $0.flatMap { graph[$0].constant?.byteCount } }.reduce(0, +)
  }

  /// Whether the runtime can run `node` in bands: a window over an image that every output row touches.
  private static func canBand(_ node: GraphNode, _ graph: Graph) -> Bool {
    guard let window = window(node.operation), let x = node.inputs[0], graph[x].constant == nil
    else { return false }
    let output = graph[node.output].shape
    let isWhole = node.inputs.dropFirst().allSatisfy { id in
      id.map { graph[$0].constant != nil || graph[$0].shape == output } ?? true
    }
    return output.rank == 4 && isWhole && node.inputs.count < 8
      && stage(window, graph[x].shape, output).isSound
  }

  private static func stage(_ window: Window, _ input: Shape, _ output: Shape) -> BandStage {
    BandStage(axis: window.vertical(input[1]), outputHeight: output[1])
  }

  private mutating func add(
    _ first: Int, _ last: Int, _ graph: Graph, _ workers: Int, _ policy: BandPolicy
  ) {
    let height = graph[graph.nodes[last].output].shape[1]
    // More rows: fewer passes over the weights, but more to keep.
    var rows = 1
    if policy == .cache {
      while rows < height, kept(first, last, rows + 1, graph).reduce(0, +) <= Bands.keptBytes {
        rows += 1
      }
    }
    let bytes = kept(first, last, rows, graph)
    let whole = (first..<last).reduce(0) { $0 + Bands.size(graph.nodes[$1].output, graph) }
    guard bytes.reduce(0, +) < whole else { return }
    let room = min(workers, (height + rows - 1) / rows)
    groups.append(BandGroup(first: first, last: last, rows: rows, workers: room))
    for (offset, count) in bytes.enumerated() {
      byteCounts[graph.nodes[first + offset].output] = count * room
    }
  }

  /// Bytes that one thread keeps after each node of a chain but the last.
  private func kept(_ first: Int, _ last: Int, _ rows: Int, _ graph: Graph) -> [Int] {
    var result: [Int] = []
    var rows = min(rows, graph[graph.nodes[last].output].shape[1])
    for index in (first..<last).reversed() {
      let next = graph.nodes[index + 1]
      guard let window = Bands.window(next.operation) else { continue }
      let value = graph[graph.nodes[index].output]
      rows = Bands.stage(window, value.shape, graph[next.output].shape).inputRowCount(rows)
      result.insert(rows * value.shape[2] * value.shape[3] * value.type.byteWidth, at: 0)
    }
    return result
  }

  private static func window(_ operation: any Operation) -> Window? {
    switch operation {
    case let op as Conv2D: op.window
    case let op as DepthwiseConv2D: op.window
    case let op as Pool: op.window
    case let op as IntegerConv2D: op.window
    case let op as IntegerDepthwiseConv2D: op.window
    case let op as IntegerPool: op.window
    default: nil
    }
  }
}
