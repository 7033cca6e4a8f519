// Batch norms that are computed by the sum after them.
import CZooTrainKernels
import Zoo
import ZooCompiler

/// What is left to do of a batch norm: y = x scale + shift. A sum that is the only one to read y adds while it normalises, so that y goes
/// neither to memory nor back.
struct LateNorm {
  let x: UnsafePointer<Float>
  let scale: UnsafePointer<Float>
  let shift: UnsafePointer<Float>
  let rows: Int
  let channels: Int

  /// Writes act(y + addend), where `activation` is a clamp or none.
  func write(
    adding addend: UnsafePointer<Float>? = nil, clampedBy activation: Activation = .none,
    to target: UnsafeMutablePointer<Float>, _ workers: Workers
  ) {
    let norm = zoo_train_norm(scale: scale, shift: shift, clampedBy: activation)
    workers.forEachPiece(of: rows, size: elementPiece / channels) { part in
      let at = part.lowerBound * channels
      var norm = norm
      workers.kernels.normalize(
        part.count, channels, x + at, &norm, addend.map { $0 + at }, target + at)
    }
  }
}

/// Outputs of batch norms without a clamp that nothing reads but a sum that is clamped or left as it is.
func normsForSums(_ graph: Graph) -> Set<ValueID> {
  let consumers = graph.consumers()
  return Set(
    graph.nodes.compactMap { node in
      guard let norm = node.operation as? TrainableBatchNorm, norm.activation.kind == .none,
        !graph.outputs.contains(node.output), let readers = consumers[node.output],
        readers.count == 1, let sum = graph.nodes[readers[0]].operation as? Binary,
        sum.kind == .add, sum.activation.kind == .none || sum.activation.kind == .clamp,
        graph.nodes[readers[0]].inputs.allSatisfy({
          $0.map { graph[$0].shape } == graph[node.output].shape
        })
      else { return nil }
      return node.output
    })
}
