// Which layers of two models compute the same thing.
import Zoo
import ZooCompiler

/// Two nodes, one of each model, by index.
struct LayerPair {
  let a: Int
  let b: Int
}

/// Pairs the nodes of two graphs: by name where most names agree, as between a network and its quantised form; else the
/// longest sequence of nodes with the same operator and output shape, in the order of both.
func pairedLayers(_ a: Graph, _ b: Graph) -> [LayerPair] {
  let named = pairedByName(a, b)
  return 2 * named.count >= min(a.nodes.count, b.nodes.count) ? named : pairedInOrder(a, b)
}

private func pairedByName(_ a: Graph, _ b: Graph) -> [LayerPair] {
  let places = Dictionary(b.nodes.enumerated().map { ($1.name, $0) }) { first, _ in first }
  return a.nodes.enumerated().compactMap { index, node in
    guard let other = places[node.name],
      a[node.output].shape == b[b.nodes[other].output].shape
    else { return nil }
    return LayerPair(a: index, b: other)
  }
}

/// The longest common subsequence, by the table of lengths of all pairs of tails.
private func pairedInOrder(_ a: Graph, _ b: Graph) -> [LayerPair] {
  struct Kind: Equatable {
    let name: String
    let shape: Shape
  }
  func kinds(_ graph: Graph) -> [Kind] {
    graph.nodes.map { Kind(name: operationName($0.operation), shape: graph[$0.output].shape) }
  }
  let (left, right) = (kinds(a), kinds(b))
  var lengths = Array(repeating: [Int](repeating: 0, count: right.count + 1), count: left.count + 1)
  for i in left.indices.reversed() {
    for j in right.indices.reversed() {
      lengths[i][j] =
        left[i] == right[j]
        ? lengths[i + 1][j + 1] + 1 : max(lengths[i + 1][j], lengths[i][j + 1])
    }
  }
  var pairs: [LayerPair] = []
  var (i, j) = (0, 0)
  while i < left.count, j < right.count {
    if left[i] == right[j] {
      pairs.append(LayerPair(a: i, b: j))
      (i, j) = (i + 1, j + 1)
    } else if lengths[i + 1][j] >= lengths[i][j + 1] {
      i += 1
    } else {
      j += 1
    }
  }
  return pairs
}
