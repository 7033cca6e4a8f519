// From a float graph whose values say how they are quantised to one that runs in integers: what is asked for.
import CZoo
import Zoo

/// What becomes integers.
package struct IntegerLoweringOptions {
  /// Names of nodes that stay in float.
  package var floatNodes: Set<String> = []
  /// Names of nodes whose activations get 16 bits; those without such a form stay in float.
  package var wideNodes: Set<String> = []
  /// The scales of 16 bits that values may have.
  package var wide: [ValueID: Quantization] = [:]
  /// Whether outputs of the model become f32, whatever makes them.
  package var hasFloatOutputs = true

  package init() {}
}

/// Rewrites every node whose operands and result have a quantisation (`Value.quantization`, of values of f32) into its
/// integer form; values change form where they must, and rows of one form share it.
///
/// Weights may have a quantisation of their own (symmetric, per channel); without one it is made from their largest magnitudes.
///
/// - Throws: `CompileError` naming the layer whose weights cannot become integers.
package func lowerToIntegers(
  _ graph: Graph, _ options: IntegerLoweringOptions = IntegerLoweringOptions()
) throws(CompileError) -> Graph {
  var lowering = IntegerLowering(graph, options)
  return try lowering.run()
}

extension Graph {
  /// Whether any value says how it is quantised.
  package var isQuantized: Bool { values.contains { $0.quantization != nil && $0.type == ZOO_F32 } }

  /// Makes this a network of floats and nothing else.
  package mutating func forgetQuantization() {
    for index in values.indices where values[index].type == ZOO_F32 {
      values[index].quantization = nil
    }
  }

  /// Gives values that are the same numbers as their neighbours, but for order and shape, the neighbours' quantisation.
  mutating func spreadQuantization() {
    let moves = nodes.filter { node in
      node.operation is Reshape || node.operation is Transpose || node.operation is Slice
    }
    for node in moves {
      guard let input = node.inputs[0], self[node.output].quantization == nil else { continue }
      self[node.output].quantization = self[input].quantization
    }
    for node in moves.reversed() {
      guard let input = node.inputs[0], self[input].quantization == nil else { continue }
      self[input].quantization = self[node.output].quantization
    }
  }
}

/// Whether the results of a node are some of its operands, in another place.
func movesNumbers(_ node: GraphNode) -> Bool {
  switch node.operation {
  case is Reshape, is Transpose, is Slice, is Concat, is Pad: true
  case let pool as Pool: pool.kind != .average && pool.activation.kind == .none
  default: false
  }
}
