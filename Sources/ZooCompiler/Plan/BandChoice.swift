// Which chains of a graph run in bands: for the cache, for one pooling, or for the smallest arena.
import CZoo
import Zoo

/// What can be known of a graph's nodes before chains are chosen.
struct BandChoice {
  private let graph: Graph
  private let consumers: [ValueID: [Int]]
  /// Steps at which each value in the arena is alive, and its bytes.
  private let lives: [(steps: ClosedRange<Int>, bytes: Int, producer: Int)]

  /// Between two nodes, from this many bytes on, the cache is worth a chain. (Zen 5, with 2 MB instead of 768 KB: MobileNet v2 5 % faster in f32 and
  /// 12 % in bf16, SqueezeNet and GoogLeNet 3 to 5 %.)
  private static let largeValue = 2048 << 10
  /// Weights of the nodes on both sides of a link, so that they stay in L2 from band to band.
  private static let mostWeights = 512 << 10
  /// Rows kept by one thread, which leave room for weights in any L2.
  static let keptBytes = 128 << 10
  /// More rows, for fewer passes over the weights: with light weights as much of an L2 of 1 MB. (Zen 5: MobileNet v2 is 6 % faster.)
  static let mostKeptBytes = 512 << 10

  init(_ graph: Graph) {
    self.graph = graph
    let consumers = graph.consumers()
    self.consumers = consumers
    let producers = graph.producers()
    lives = graph.values.indices.compactMap { index in
      let id = ValueID(index: index)
      let born = producers[id] ?? -1
      guard graph[id].constant == nil else { return nil }
      let last = graph.outputs.contains(id) ? graph.nodes.count : consumers[id]?.max() ?? born
      return (born...max(born, last), graph[id].byteCount, born)
    }
  }

  // MARK: For the cache

  /// Chains where what lies between two nodes would leave the cache, with room for `workers` threads. A thread keeps rows of `keptBytes`
  /// bytes, less what the weights of the chain weigh, but `BandChoice.keptBytes` always.
  func forCache(workers: Int, keptBytes: Int = BandChoice.keptBytes) -> [BandGroup] {
    let gains = graph.nodes.indices.map { index -> Int in
      guard links(index), !cutsTiles(index) else { return 0 }
      let (node, next) = (graph.nodes[index], graph.nodes[index + 1])
      let isRounded = multipliesRounded(node) || multipliesRounded(next)
      let bytes = graph[node.output].byteCount / (isRounded ? 2 : 1)
      let weights = weightBytes(node) + weightBytes(next)
      return bytes >= BandChoice.largeValue && weights <= BandChoice.mostWeights ? bytes : 0
    }
    return chains(gains).compactMap { first, last in
      let last = sumIsBetterInPlace(first, last) ? last - 1 : last
      guard last > first else { return nil }
      var group = BandGroup(first: first, last: last, rows: 1)
      let height = group.height(graph)
      if let tiled = (max(first, last - 1)...last).first(where: isTransformed) {
        // Bands of whole tiles; all threads share each, since tiles must not depend on the number of threads.
        group.rows = min(height, tiled == last ? 2 * Winograd.tile : Winograd.tile)
      } else {
        fill(&group, keptBytes) { _ in true }
        group.workers = min(workers, (height + group.rows - 1) / group.rows)
      }
      return bytesKept(group) < group.whole(graph) ? group : nil
    }
  }

  /// Whether sessions keep in bf16 what this node reads or gives, where they can (`RoundedTensors`).
  private func multipliesRounded(_ node: GraphNode) -> Bool {
    node.inputs.count > 1 && node.inputs[1].map { graph[$0].type == ZOO_BF16 } ?? false
  }

  /// Chains with the most bytes inside: `gains[i]` is what a link from node i to the next one spares, 0 if there is none.
  private func chains(_ gains: [Int]) -> [(first: Int, last: Int)] {
    // best[i]: for the nodes from i on, the bytes spared and the last node of the chain that begins at i.
    var best = [(bytes: Int, last: Int)](repeating: (0, 0), count: gains.count + 1)
    for first in gains.indices.reversed() {
      best[first] = (best[first + 1].bytes, first)
      var inside = 0
      for last in first + 1..<max(first + 1, min(gains.count, first + Bands.mostNodes)) {
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

  /// Whether the last node adds to its result what the first one reads, and it is better that the sum takes that value's place,
  /// which it cannot inside a chain: the chain reads rows of it again.
  private func sumIsBetterInPlace(_ first: Int, _ last: Int) -> Bool {
    guard last > first, let x = graph.nodes[first].inputs[0] else { return false }
    let node = graph.nodes[last]
    let takesPlace = inPlaceOperands(node.operation).contains { position in
      position < node.inputs.count && node.inputs[position] == x
    }
    let before = graph.nodes[last - 1].output
    return takesPlace && graph[before].byteCount <= graph[node.output].byteCount
  }

  // MARK: For one pooling

  /// The pooling that reads node `step`, or the one that `step` is, with what it pools, in two bands: the arena needs half of what
  /// lies between, for one more pass over the weights. Bands of a transformed convolution have whole tiles.
  func halves(at step: Int, _ bands: Bands) -> BandGroup? {
    for first in [step, step - 1] where first >= 0 && links(first) && !cutsTiles(first) {
      let next = graph.nodes[first + 1].operation
      guard next is Pool || next is IntegerPool<Int8> || next is IntegerPool<Int16>,
        bands.group(first) == nil, bands.group(first + 1) == nil
      else { continue }
      var group = BandGroup(first: first, last: first + 1, rows: 1)
      let unit = isTransformed(first) ? Winograd.tile : 1
      group.rows = (group.height(graph) + 2 * unit - 1) / (2 * unit) * unit
      if bytesKept(group) < group.whole(graph) { return group }
    }
    return nil
  }

  // MARK: For the smallest arena

  /// The chains with the least peak of bytes alive: as few of them as keep it, and as many rows.
  func smallest() -> [BandGroup] {
    let count = graph.nodes.count
    let options = (0..<count).map { self.options(from: $0) }
    // least[i]: the least peak that the nodes from i on can have.
    var least = [Int](repeating: 0, count: count + 1)
    for first in (0..<count).reversed() {
      least[first] =
        options[first].map { max(peak($0), least[$0.last + 1]) }.min() ?? least[first + 1]
    }
    // best[i]: the fewest links of the nodes from i on under that peak, and the chain that begins at i.
    var best = [(links: Int, group: BandGroup?)](repeating: (0, nil), count: count + 1)
    for first in (0..<count).reversed() {
      for option in options[first] where peak(option) <= least[0] {
        let links = best[option.last + 1].links + option.last - first
        if best[first].group == nil || links < best[first].links { best[first] = (links, option) }
      }
    }
    var result: [BandGroup] = []
    var first = 0
    while first < count, var group = best[first].group {
      if group.last > group.first {
        fill(&group, BandChoice.keptBytes) { peak($0) <= least[0] }
        result.append(group)
      }
      first = group.last + 1
    }
    return result
  }

  /// Node `first` alone, and the chains that begin with it, the output over the input where nobody else needs that.
  private func options(from first: Int) -> [BandGroup] {
    var result = [BandGroup(first: first, last: first, rows: 1)]
    var last = first + 1
    while last < min(graph.nodes.count, first + Bands.mostNodes), links(last - 1) {
      var group = BandGroup(first: first, last: last, rows: 1)
      result.append(group)
      if inputDies(group), let lead = group.leastLead(graph) {
        group.lead = lead
        result.append(group)
      }
      last += 1
    }
    return result
  }

  /// Whether the first node's input is for this chain only, and one image: with more, the output of one would fall on the next.
  private func inputDies(_ group: BandGroup) -> Bool {
    guard let x = graph.nodes[group.first].inputs[0], !graph.outputs.contains(x),
      graph[x].shape[0] == 1
    else { return false }
    return consumers[x] == [group.first]
  }

  /// Bytes alive while `group` runs.
  private func peak(_ group: BandGroup) -> Int {
    let steps = group.first...group.last
    var bytes = bytesKept(group)
    for life in lives where life.steps.overlaps(steps) && !steps.contains(life.producer) {
      bytes += life.bytes
    }
    let node = graph.nodes[group.last]
    let output = graph[node.output].byteCount
    if let lead = group.lead, let x = graph.nodes[group.first].inputs[0] {
      let input = graph[x].byteCount
      return bytes - input + max(lead + input, output)
    }
    // A concatenation's parts are mostly there already.
    return takesPlace(group, node) || node.operation is Concat ? bytes : bytes + output
  }

  /// Whether the output of `node`, the last of `group`, takes the place of an operand that dies with it.
  private func takesPlace(_ group: BandGroup, _ node: GraphNode) -> Bool {
    if node.operation is Reshape { return true }
    return inPlaceOperands(node.operation).contains { position in
      guard position < node.inputs.count, let id = node.inputs[position], graph[id].constant == nil
      else { return false }
      let isChainInput = group.last > group.first && id == graph.nodes[group.first].inputs[0]
      return graph[id].shape == graph[node.output].shape && consumers[id]?.max() == group.last
        && !graph.outputs.contains(id) && !isChainInput
    }
  }

  // MARK: Nodes and links

  private func isTransformed(_ index: Int) -> Bool {
    ZooCompiler.isTransformed(graph.nodes[index], graph)
  }

  /// Whether bands would cut the tiles of a transformed convolution if node `index` and the next one were in a chain: it can only
  /// be a chain's last node, or the last but one before a pooling that reads every row once.
  private func cutsTiles(_ index: Int) -> Bool {
    if isTransformed(index) { return !readsRowsOnce(graph.nodes[index + 1]) }
    return index > 0 && isTransformed(index - 1) && links(index - 1)
  }

  private func readsRowsOnce(_ node: GraphNode) -> Bool {
    guard let pool = node.operation as? Pool else { return false }
    return pool.window.kernelHeight == pool.window.strideHeight && pool.window.padTop == 0
      && pool.window.dilationHeight == 1
  }

  /// Whether node `index` and the next one can be neighbours in a chain.
  private func links(_ index: Int) -> Bool {
    guard index + 1 < graph.nodes.count else { return false }
    let (node, next) = (graph.nodes[index], graph.nodes[index + 1])
    let value = node.output
    return next.inputs.first == value && consumers[value]?.count == 1
      && next.inputs.filter { $0 == value }.count == 1 && !graph.outputs.contains(value)
      && node.canBand(graph) && next.canBand(graph)
  }

  private func weightBytes(_ node: GraphNode) -> Int {
    node.inputs.compactMap { $0.flatMap { graph[$0].constant?.byteCount } }.reduce(0, +)
  }

  private func bytesKept(_ group: BandGroup) -> Int { group.kept(graph).reduce(0, +) }

  /// Gives a chain more rows, for fewer passes over the weights, while they stay in the cache and `fits` holds.
  private func fill(
    _ group: inout BandGroup, _ keptBytes: Int, while fits: (BandGroup) -> Bool
  ) {
    let weights = (group.first...group.last).map { weightBytes(graph.nodes[$0]) }.reduce(0, +)
    let most = max(BandChoice.keptBytes, keptBytes - weights)
    while group.rows < group.height(graph) {
      var larger = group
      larger.rows += 1
      if group.lead != nil { larger.lead = larger.leastLead(graph) }
      guard bytesKept(larger) <= most, fits(larger) else { return }
      group = larger
    }
  }
}

/// Whether `node` runs by Winograd's transforms where there are kernels and memory for them.
package func isTransformed(_ node: GraphNode, _ graph: Graph) -> Bool {
  guard let operation = node.operation as? Conv2D, let x = node.inputs[0],
    let weights = node.inputs[1]
  else { return false }
  return Winograd(
    operation, x: graph[x].shape, weights: graph[weights].type, y: graph[node.output].shape) != nil
}
