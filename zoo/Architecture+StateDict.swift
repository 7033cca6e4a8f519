// A compiled network back as the PyTorch state dictionary it could have come from.
import CZoo
import Zoo
package import ZooCompiler

/// Remembers which parameters a description asks for.
private final class ParameterList: WeightSource {
  private(set) var parameters: [ParameterSpec] = []
  var isCounting: Bool { true }

  func values(_ parameter: ParameterSpec) -> [Float] {
    parameters.append(parameter)
    return []
  }
}

extension Architecture {
  /// The tensors of `compiled`, named and laid out so that `graph(_: file)` makes the same network of them again, bit for bit.
  ///
  /// A batch norm that went into the layer before it comes back as one that only adds: scale 1, mean 0, and the variance
  /// that makes the root 1.
  ///
  /// - Throws: `CompileError` if `compiled` is not this network.
  package func stateDict(of compiled: Graph) throws(CompileError) -> [NamedTensor] {
    let list = ParameterList()
    let described = try graph(list, classes: compiled.outputs.first.map { compiled[$0].shape.last })
    let constants = Dictionary(
      compiled.values.filter { $0.constant?.type == ZOO_F32 }.map { ($0.name, $0) },
      uniquingKeysWith: { $1 })
    let norms = Norms(described)

    func find(_ name: String, _ parameter: ParameterSpec) throws(CompileError) -> [Float] {
      guard let value = constants[name], let floats = value.constant?.floats,
        floats.count == parameter.count
      else {
        throw CompileError(
          "no weights for '\(parameter.name)': this is not the network '\(self.name)' as Zoo compiles it"
        )
      }
      return floats
    }
    /// The constant that a whole layer adds: its bias, or the shift of the norm that went into it.
    func shift(_ layer: String, _ parameter: ParameterSpec) throws(CompileError) -> [Float] {
      let folded = layer + ".weight.bias"
      return try find(constants[folded] == nil ? layer + ".bias" : folded, parameter)
    }

    var tensors: [NamedTensor] = []
    for parameter in list.parameters {
      let layer = String(
        parameter.name[..<(parameter.name.lastIndex(of: ".") ?? parameter.name.endIndex)])
      let isFolded = constants[layer + ".scale"] == nil
      let values: [Float]
      switch parameter.role {
      case .convolution, .depthwise, .dense: values = try find(parameter.name, parameter)
      case .bias:
        values =
          norms.after[layer].map { constants[$0 + ".scale"] == nil } == true
          ? [Float](repeating: 0, count: parameter.count) : try shift(layer, parameter)
      case .gamma:
        values =
          isFolded
          ? [Float](repeating: 1, count: parameter.count) : try find(layer + ".scale", parameter)
      case .beta:
        values =
          isFolded
          ? try shift(norms.layer[layer] ?? layer, parameter)
          : try find(layer + ".shift", parameter)
      case .mean: values = [Float](repeating: 0, count: parameter.count)
      case .variance:
        let variance = Float(1 - Double(norms.epsilon[layer] ?? 0))
        values = [Float](repeating: variance, count: parameter.count)
      }
      let layout = TorchLayout(parameter)
      tensors.append(
        NamedTensor(
          name: parameter.name, shape: layout.torchShape, floats: layout.torchOrder(values)))
    }
    return tensors
  }
}

/// The batch norms of a described network.
private struct Norms {
  /// The layer before a norm, and the norm after a layer.
  var layer: [String: String] = [:]
  var after: [String: String] = [:]
  var epsilon: [String: Float] = [:]

  init(_ graph: Graph) {
    let producers = graph.producers()
    for node in graph.nodes {
      guard let norm = node.operation as? TrainableBatchNorm else { continue }
      epsilon[node.name] = norm.epsilon
      guard let source = node.inputs[0].flatMap({ producers[$0] }) else { continue }
      layer[node.name] = graph.nodes[source].name
      after[graph.nodes[source].name] = node.name
    }
  }
}
