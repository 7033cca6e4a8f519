// A network with memory for a batch: forward, loss, backward.
import Zoo
package import ZooCompiler

/// How outputs and targets are compared.
package enum LossKind: String, Sendable, CaseIterable, Codable {
  /// Softmax and cross-entropy over classes.
  case crossEntropy = "cross-entropy"
  /// Sigmoid and binary cross-entropy, every output by itself.
  case binary
  /// Mean squared error against one-hot targets.
  case squared
}

/// The layers of a graph, with their values and gradients for batches of a fixed size.
package final class TrainingNetwork {
  package let context: TrainingContext
  package let store: ParameterStore
  package let input: Variable
  /// The network's outputs before a closing softmax or sigmoid.
  package let logits: Variable
  package let layers: [any Layer]
  /// The graph for one image, as described, with the constants it began with.
  package let graph: Graph
  private let loss: LossFunction
  /// For graphs whose values have a quantisation.
  private let rounding: FakeQuantization?

  /// - Parameters:
  ///   - graph: a description with one image input and one output [1, classes]. Values that have a quantisation are rounded as the
  ///     integer form of the network will round them.
  ///   - frozen: parameters that keep their values.
  ///   - precision: what products multiply; bf16 is for CPUs that have instructions for it.
  /// - Throws: `CompileError` naming the node that cannot be trained, or that the CPU lacks such instructions.
  package init(
    _ graph: Graph, batch: Int, seed: UInt64, loss: LossFunction, workers: Workers,
    frozen: Set<ValueID> = [], precision: ProductPrecision = .f32
  ) throws(CompileError) {
    guard precision == .f32 || workers.bf16Kernels != nil else {
      throw CompileError(
        "training in bf16 needs AVX-512 BF16 or AMX; the kernels here are of \(workers.isaName)")
    }
    self.graph = graph
    self.loss = loss
    var planned = try rebatched(withoutClosing(graph, loss.kind), batch: batch)
    splitActivations(&planned) { !trains($0, in: $1) }
    try fuseActivations(&planned)
    let context = TrainingContext(
      workers: workers, precision: precision, batch: batch, seed: seed)
    let store = try ParameterStore(planned, frozen: frozen)
    guard planned.inputs.count == 1, planned.outputs.count == 1 else {
      throw CompileError("only networks with one input and one output can be trained")
    }
    var variables: [ValueID: Variable] = [:]
    for entry in store.parameters {
      variables[entry.id] = store.variable(entry, isStatistic: false)
    }
    for entry in store.statistics {
      variables[entry.id] = store.variable(entry, isStatistic: true)
    }
    let input = Variable(
      name: planned[planned.inputs[0]].name, shape: planned[planned.inputs[0]].shape,
      needsGradient: false)
    variables[planned.inputs[0]] = input
    var layers: [any Layer] = []
    // Rounded values are rounded, and their gradients masked, in place.
    let isRounded = planned.nodes.contains { planned[$0.output].quantization != nil }
    var gradients = GradientBuffers(shared: isRounded ? [:] : sharedGradients(planned))
    let lateNorms = isRounded ? [] : normsForSums(planned)
    for node in planned.nodes {
      for case let id? in node.inputs where variables[id] == nil {
        guard let floats = planned.floats(id) else {
          throw CompileError("'\(node.name)': operand '\(planned[id].name)' is not f32")
        }
        let fixed = Variable(name: planned[id].name, shape: planned[id].shape, needsGradient: false)
        fixed.value.update(from: floats, count: floats.count)
        variables[id] = fixed
      }
      let inputs = node.inputs.map { $0.flatMap { variables[$0] } }
      let shape = planned[node.output].shape
      let needsGradient = inputs.contains { $0?.gradient != nil }
      let output = Variable(
        name: node.name, shape: shape,
        gradient: needsGradient
          ? gradients.buffer(of: node.output, count: shape.elementCount) : nil)
      output.takesLateNorm = lateNorms.contains(node.output)
      variables[node.output] = output
      layers.append(
        try makeLayer(
          node.operation,
          LayerSite(name: node.name, inputs: inputs, output: output, context: context)))
    }
    guard let logits = variables[planned.outputs[0]], logits.gradient != nil else {
      throw CompileError("nothing in the network can be trained")
    }
    self.context = context
    self.store = store
    self.input = input
    self.logits = logits
    self.layers = layers
    rounding = FakeQuantization(planned, variables, store, context.workers)
    if rounding != nil {
      for layer in layers { layer.output.takesLateGradient = false }
    }
  }

  package var batch: Int { context.batch }
  package var classCount: Int { logits.shape.elementCount / batch }

  /// One forward and backward pass over the batch in `input`; gradients are those of the mean loss.
  package func step(labels: [Int32], number: Int) -> LossResult {
    context.step = number
    rounding?.roundWeights()
    rounding?.round(input)
    for layer in layers {
      layer.forward()
      rounding?.round(layer.output)
    }
    let result = loss.compute(logits, labels, context.workers)
    for layer in layers {
      layer.output.hasGradient = false
      for case let input? in layer.inputs { input.hasGradient = false }
    }
    logits.hasGradient = true
    for layer in layers.reversed() where layer.output.hasGradient {
      rounding?.mask(layer.output)
      layer.backward()
    }
    rounding?.restoreWeights()
    return result
  }

  /// The network with the values learned so far (or `weights` laid out alike), closing softmax included.
  package func snapshot(weights: Buffer? = nil) -> Graph {
    var result = graph
    store.store(into: &result, weights: weights)
    return result
  }

  /// The first layer whose output holds a NaN or an infinity, if any.
  package func firstNonFinite() -> String? {
    for layer in layers {
      let values = UnsafeBufferPointer(start: layer.output.value, count: layer.output.count)
      if values.contains(where: { !$0.isFinite }) { return layer.name }
    }
    return nil
  }
}

/// `graph` up to the logits: the loss has the closing softmax or sigmoid in it.
private func withoutClosing(_ graph: Graph, _ kind: LossKind) -> Graph {
  guard let last = graph.nodes.last, graph.outputs == [last.output], let logits = last.inputs[0]
  else { return graph }
  var result = graph
  switch (last.operation, kind) {
  case (is Softmax, .crossEntropy), (is Softmax, .squared):
    result.nodes.removeLast()
    result.outputs = [logits]
  case (let unary as Unary, .binary) where unary.activation.kind == .sigmoid:
    result.nodes.removeLast()
    result.outputs = [logits]
  default: break
  }
  return result
}

/// Whether a layer can undo `activation` fused into `operation`: from the output alone; batch norm does a clamp only.
private func trains(_ activation: Activation, in operation: any Operation) -> Bool {
  let isNorm = operation is TrainableBatchNorm || operation is BatchNorm
  return isNorm ? activation.kind == .clamp : isInvertible(activation)
}

/// Fuses activations whose derivative follows from their output, as the compiler does for inference.
private func fuseActivations(_ graph: inout Graph) throws(CompileError) {
  let consumers = graph.consumers()
  var producers = graph.producers()
  var removed = Set<Int>()
  for (index, node) in graph.nodes.enumerated() {
    guard let unary = node.operation as? Unary, let source = node.inputs[0],
      consumers[source]?.count == 1, graph[source].quantization == nil,
      !graph.outputs.contains(source), let layer = producers[source]
    else { continue }
    guard trains(unary.activation, in: graph.nodes[layer].operation),
      let fused = fusing(unary.activation, into: graph.nodes[layer].operation)
    else {
      continue
    }
    graph.nodes[layer].operation = fused
    graph.nodes[layer].output = node.output
    producers[node.output] = layer
    removed.insert(index)
  }
  graph.nodes = graph.nodes.indices.filter { !removed.contains($0) }.map { graph.nodes[$0] }
}
