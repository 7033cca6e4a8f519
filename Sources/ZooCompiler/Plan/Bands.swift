// Chains of nodes that run band by band, so that what lies between them is never there as a whole.
import Zoo

/// When to run chains of windows in bands of rows.
package enum BandPolicy: Sendable {
  /// Every node writes its whole output: for readers of what lies between.
  case off
  /// Where what lies between two nodes would leave the cache, and in two bands where a pooling makes the arena smaller.
  case cache
  /// Wherever it makes the arena smaller.
  case memory
}

/// Nodes `first...last` of a graph that run in bands.
package struct BandGroup: Sendable, Equatable {
  package var first: Int
  package var last: Int
  /// Rows of the last node's output in one band.
  package var rows: Int
  /// Threads that have room for rows of their own.
  package var workers: Int = 1
  /// Bytes that the chain's input lies behind its output if the output takes the place of rows that were read; nil if they lie apart.
  package var lead: Int?
}

/// The chains of a graph.
package struct Bands: Sendable {
  package private(set) var groups: [BandGroup] = []
  /// Bytes of each value inside a chain, for all workers.
  package private(set) var byteCounts: [ValueID: Int] = [:]

  /// Nodes of one chain at most; the runtime has room for as many.
  static let mostNodes = 4

  package init(_ graph: Graph, _ groups: [BandGroup] = []) {
    for group in groups { add(group, graph) }
  }

  /// The chain that node `step` belongs to, if any.
  package func group(_ step: Int) -> BandGroup? {
    groups.first { $0.first <= step && step <= $0.last }
  }

  mutating func add(_ group: BandGroup, _ graph: Graph) {
    groups.append(group)
    for (offset, count) in group.kept(graph).enumerated() {
      byteCounts[graph.nodes[group.first + offset].output] = count * group.workers
    }
  }
}

extension BandGroup {
  /// Bytes that one thread keeps after each node of the chain but the last.
  func kept(_ graph: Graph) -> [Int] {
    var result: [Int] = []
    var rows = min(rows, height(graph))
    for index in (first..<last).reversed() {
      let value = graph[graph.nodes[index].output]
      rows = stage(index + 1, graph)?.inputRowCount(rows) ?? rows
      result.insert(rows * value.lineByteCount, at: 0)
    }
    return result
  }

  /// Rows of the last node's output.
  func height(_ graph: Graph) -> Int { graph[graph.nodes[last].output].shape[1] }

  /// Bytes of what lies between the chain's nodes.
  func whole(_ graph: Graph) -> Int {
    (first..<last).reduce(0) { $0 + graph[graph.nodes[$1].output].byteCount }
  }

  /// How far the input must lie behind the output so that rows of the output, as bands write them, fall on rows of the input that
  /// no later band reads.
  func leastLead(_ graph: Graph) -> Int? {
    guard let x = graph.nodes[first].inputs[0], let front = stage(first, graph) else { return nil }
    let output = graph[graph.nodes[last].output]
    var lead = 0
    var done = 0
    while done < height(graph) {
      done = min(height(graph), done + rows)
      // The first stage has made what these rows need; it goes on behind that.
      var made = 0..<done
      for index in (first + 1...last).reversed() {
        guard let stage = stage(index, graph) else { return nil }
        made = 0..<stage.inputRows(made).upperBound
      }
      guard done < height(graph), made.upperBound < front.outputHeight else { break }
      let next = front.inputRows(made.upperBound..<made.upperBound + 1).lowerBound
      lead = max(lead, done * output.lineByteCount - next * graph[x].lineByteCount)
    }
    return (lead + ModelFormat.alignment - 1) / ModelFormat.alignment * ModelFormat.alignment
  }

  private func stage(_ index: Int, _ graph: Graph) -> BandStage? { graph.nodes[index].stage(graph) }
}

extension GraphNode {
  /// How output rows follow from input rows, for the operations that the runtime can run in bands.
  func stage(_ graph: Graph) -> BandStage? {
    guard let window, let x = inputs[0] else { return nil }
    return BandStage(
      axis: window.vertical(graph[x].shape[1]), outputHeight: graph[output].shape[1])
  }

  /// Whether the runtime can run the node in bands: a window over an image that every output row touches.
  func canBand(_ graph: Graph) -> Bool {
    guard let x = inputs[0], graph[x].constant == nil, graph[output].shape.rank == 4,
      let stage = stage(graph)
    else { return false }
    let isWhole = inputs.dropFirst().allSatisfy { id in
      id.map { graph[$0].constant != nil || graph[$0].shape == graph[output].shape } ?? true
    }
    return isWhole && inputs.count < 8 && stage.isSound
  }

  private var window: Window? {
    switch operation {
    case let op as Conv2D: op.window
    case let op as DepthwiseConv2D: op.window
    case let op as Pool: op.window
    case let op as any IntegerOperation: op.slidingWindow
    default: nil
    }
  }
}

extension Value {
  /// Bytes of all elements.
  var byteCount: Int { shape.elementCount * type.byteWidth }

  /// Bytes of one line of an image.
  var lineByteCount: Int { shape[2] * shape[3] * type.byteWidth }
}
