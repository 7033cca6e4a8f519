// Small edits that passes are made of.
import CZoo
import Zoo

extension Graph {
  /// Node indices that read each value.
  package func consumers() -> [ValueID: [Int]] {
    var result: [ValueID: [Int]] = [:]
    for (index, node) in nodes.enumerated() {
      for input in Set(node.inputs.compactMap { $0 }) { result[input, default: []].append(index) }
    }
    return result
  }

  /// The node that produces each value.
  package func producers() -> [ValueID: Int] {
    Dictionary(uniqueKeysWithValues: nodes.enumerated().map { ($1.output, $0) })
  }

  /// Makes every reader of `old`, and the model's outputs, read `new` instead.
  package mutating func replace(_ old: ValueID, with new: ValueID) {
    for index in nodes.indices {
      for position in nodes[index].inputs.indices where nodes[index].inputs[position] == old {
        nodes[index].inputs[position] = new
      }
    }
    for index in outputs.indices where outputs[index] == old { outputs[index] = new }
  }

  /// Floats of a constant f32 value, else nil.
  package func floats(_ id: ValueID?) -> [Float]? {
    guard let id, let constant = self[id].constant, constant.type == ZOO_F32 else { return nil }
    return constant.floats
  }

  /// Puts nodes into an order in which each runs after those it needs, keeping the present order where free.
  package mutating func sortNodes() throws(CompileError) {
    var ready = Set(values.indices.filter { values[$0].constant != nil })
    for input in inputs { ready.insert(input.index) }
    var rest = nodes
    var sorted: [GraphNode] = []
    while !rest.isEmpty {
      var later: [GraphNode] = []
      for node in rest {
        if node.inputs.allSatisfy({ $0.map { ready.contains($0.index) } ?? true }) {
          ready.insert(node.output.index)
          sorted.append(node)
        } else {
          later.append(node)
        }
      }
      guard later.count < rest.count else {
        throw CompileError(
          "node '\(later[0].name)' needs a value that nothing produces, or the graph has a cycle")
      }
      rest = later
    }
    nodes = sorted
  }
}
