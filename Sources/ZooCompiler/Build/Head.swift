// Heads of networks as text: "globalpool,dropout:0.2,dense:128:relu,dense:N".
package import Zoo

/// The layers that turn features into classes.
package struct Head: Sendable, Equatable {
  package enum Layer: Sendable, Equatable {
    case flatten
    case globalPool
    case dropout(Float)
    /// Outputs (nil: one for each class) and the activation after it.
    case dense(Int?, ActivationKind)
  }

  package let layers: [Layer]
  /// As it was written.
  package let text: String

  private static let activations: [String: ActivationKind] = [
    "relu": .clamp, "tanh": .tanh, "sigmoid": .sigmoid, "hardswish": .hardSwish,
  ]

  /// - Throws: `CompileError` naming the word that is not understood.
  package init(_ text: String) throws(CompileError) {
    self.text = text
    var layers: [Layer] = []
    for word in text.split(separator: ",") {
      let parts = word.split(separator: ":").map {
        $0.trimmingPrefix { $0 == " " }.lowercased()
      }
      switch (parts.first, parts.count) {
      case ("flatten", 1): layers.append(.flatten)
      case ("globalpool", 1): layers.append(.globalPool)
      case ("dropout", 2):
        guard let rate = Float(parts[1]), rate >= 0, rate < 1 else {
          throw CompileError("head: '\(word)' wants a rate in 0..<1")
        }
        layers.append(.dropout(rate))
      case ("dense", 2...3):
        let count = Int(parts[1])
        guard parts[1] == "n" || (count ?? 0) > 0 else {
          throw CompileError("head: '\(word)' wants a number of outputs, or N for the classes")
        }
        var activation = ActivationKind.none
        if parts.count == 3 {
          guard let known = Head.activations[parts[2]] else {
            throw CompileError(
              "head: no activation '\(parts[2])'; there are "
                + Head.activations.keys.sorted().joined(separator: ", "))
          }
          activation = known
        }
        layers.append(.dense(count, activation))
      default:
        throw CompileError(
          "head: '\(word)' is none of flatten, globalpool, dropout:RATE, dense:COUNT[:ACTIVATION]")
      }
    }
    guard case .dense(_, let last)? = layers.last else {
      throw CompileError("head: the last layer must be dense:N")
    }
    guard last == .none || last == .sigmoid else {
      throw CompileError("head: after the last layer comes softmax, or sigmoid, or nothing")
    }
    self.layers = layers
  }

  /// Adds the layers to `builder` after `features`; softmax closes unless the last layer has a sigmoid.
  package func build(
    _ builder: inout NetworkBuilder, _ features: ValueID, classes: Int
  ) throws(CompileError) -> ValueID {
    var x = features
    var count = 0
    for layer in layers {
      switch layer {
      case .flatten: x = try builder.flatten(x)
      case .globalPool:
        if builder.shape(x).rank == 4 { x = try builder.globalPool(.average, x, "head.globalpool") }
      case .dropout(let rate): x = try builder.dropout(x, rate)
      case .dense(let outputs, let activation):
        if builder.shape(x).rank != 2 { x = try builder.flatten(x) }
        count += 1
        x = try builder.dense(
          "head.dense\(count)", x, outputs ?? classes,
          initializer: activation == .clamp ? .heNormal : .glorotUniform)
        guard activation != .none else { continue }
        x = try builder.activation(
          x, activation == .clamp ? .relu : Activation(activation), "head.dense\(count).activation")
      }
    }
    guard builder.shape(x).last == classes || builder.shape(x).last == 1 && classes == 2 else {
      throw CompileError(
        "head: \(builder.shape(x).last) outputs for \(classes) classes; write dense:N")
    }
    if case .dense(_, .sigmoid)? = layers.last { return x }
    return try builder.softmax(x)
  }
}

extension Graph {
  /// This network up to the features that its classifier reads: without the last layer that has weights and all
  /// after it, or up to and with the node called `cut`.
  package func base(cut: String? = nil) throws(CompileError) -> (graph: Graph, features: ValueID) {
    var result = self
    if let cut {
      guard let index = nodes.firstIndex(where: { $0.name == cut }) else {
        throw CompileError(
          "no layer '\(cut)'; the last ones are "
            + nodes.suffix(8).map { "'\($0.name)'" }.joined(separator: ", "))
      }
      result.nodes = Array(nodes[...index])
    } else {
      guard
        let index = nodes.lastIndex(where: { $0.operation is Conv2D || $0.operation is Dense }),
        index > 0
      else { throw CompileError("the model has no layer with weights to replace") }
      result.nodes = Array(nodes[..<index])
      guard let features = nodes[index].inputs[0] else {
        throw CompileError("the last layer of the model has no input")
      }
      result.outputs = [features]
      _ = try RemoveDeadCode.run(&result)
      return (result, features)
    }
    guard let last = result.nodes.last?.output else { throw CompileError("the model is empty") }
    result.outputs = [last]
    _ = try RemoveDeadCode.run(&result)
    return (result, last)
  }
}
