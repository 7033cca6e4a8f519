// All parameters of a network in one block, so that an optimiser is one pass.
package import Zoo
package import ZooCompiler

/// Parameters, their gradients and the running statistics of a network.
package final class ParameterStore {
  /// One parameter's place.
  package struct Entry {
    package let name: String
    package let id: ValueID
    package let shape: Shape
    package let offset: Int
    /// Weights of layers decay; biases and batch norm's parameters do not.
    package let decays: Bool
  }

  package let parameters: [Entry]
  package let statistics: [Entry]
  package let weights: Buffer
  package let gradients: Buffer
  package let running: Buffer

  /// Constants that `graph`'s layers learn, in the order of the graph; those of `frozen` nodes are left out.
  package init(_ graph: Graph, frozen: Set<ValueID> = []) throws(CompileError) {
    var seen = Set<ValueID>()
    var parameters: [Entry] = []
    var statistics: [Entry] = []
    var size = (parameters: 0, statistics: 0)
    for node in graph.nodes {
      for (position, input) in node.inputs.enumerated() {
        guard let input, graph[input].constant != nil, seen.insert(input).inserted else {
          continue
        }
        let isStatistic = node.operation is TrainableBatchNorm && position >= 3
        let decays = position == 1 && !(node.operation is TrainableBatchNorm)
        guard !frozen.contains(input) || isStatistic else { continue }
        let entry = Entry(
          name: graph[input].name, id: input, shape: graph[input].shape,
          offset: isStatistic ? size.statistics : size.parameters, decays: decays)
        let length = (entry.shape.elementCount + 15) / 16 * 16
        if isStatistic {
          statistics.append(entry)
          size.statistics += length
        } else {
          parameters.append(entry)
          size.parameters += length
        }
      }
    }
    self.parameters = parameters
    self.statistics = statistics
    weights = Buffer(count: size.parameters)
    gradients = Buffer(count: size.parameters)
    running = Buffer(count: size.statistics)
    for entry in parameters + statistics {
      guard let floats = graph.floats(entry.id), floats.count == entry.shape.elementCount else {
        throw CompileError("parameter '\(entry.name)' is not f32")
      }
    }
    for entry in parameters { place(graph, entry, weights) }
    for entry in statistics { place(graph, entry, running) }
  }

  private func place(_ graph: Graph, _ entry: Entry, _ block: Buffer) {
    guard let floats = graph.floats(entry.id) else { return }
    (block.base + entry.offset).update(from: floats, count: floats.count)
  }

  /// How many numbers are learned.
  package var parameterCount: Int { parameters.reduce(0) { $0 + $1.shape.elementCount } }

  func variable(_ entry: Entry, isStatistic: Bool) -> Variable {
    let block = isStatistic ? running : weights
    return Variable(
      name: entry.name, shape: entry.shape, value: block.base + entry.offset,
      gradient: isStatistic ? nil : gradients.base + entry.offset, owners: [block, gradients])
  }

  /// Writes the present values (or others laid out alike) into the constants of `graph`.
  package func store(into graph: inout Graph, weights other: Buffer? = nil) {
    for (entries, block) in [(parameters, other ?? weights), (statistics, running)] {
      for entry in entries {
        let floats = Array(
          UnsafeBufferPointer(start: block.base + entry.offset, count: entry.shape.elementCount))
        graph[entry.id].constant = Constant(floats)
      }
    }
  }
}
