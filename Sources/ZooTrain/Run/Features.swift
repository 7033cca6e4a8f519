// Features of a frozen base, computed once.
import CZoo
import Foundation
import Zoo
package import ZooCompiler

/// Runs `base`, a network that ends in features, over all pictures of `data`.
package func computeFeatures(
  _ base: Graph, _ data: Dataset, workers: Workers, batch: Int = 16,
  progress: (Int) -> Void = { _ in }
) throws(CompileError) -> FeatureSet {
  var graph = base
  try optimize(&graph)
  graph = try rebatched(graph, batch: batch)
  let runner = try Runner(
    try ModelWriter.encode(graph), parallel: workers.runtime.pointee.parallel)
  let input = try RealInput(runner.input(0))
  let shape = graph[graph.inputs[0]].shape
  guard shape.rank == 4 else { throw CompileError("the base does not take pictures") }
  let writer = InputWriter(
    height: shape[1], width: shape[2], channels: shape[3],
    preprocessing: graph.info.preprocessing ?? Preprocessing())
  try data.check(writer)
  let length = graph[graph.outputs[0]].shape.elementCount / batch
  var features: [Float] = []
  features.reserveCapacity(length * data.count)
  for first in stride(from: 0, to: data.count, by: batch) {
    let count = min(batch, data.count - first)
    workers.forEach(count) { index in
      var unused = RandomStream(seed: 0)
      writer.write(
        data, first + index, Augmentation(), &unused,
        to: input.reals + index * shape.elementCount / batch)
    }
    input.commit()
    try runner.run()
    features += runner.outputFloats(0).prefix(count * length)
    progress(first + count)
  }
  return FeatureSet(
    name: data.name, labels: data.labels, classNames: data.classNames, features: features)
}
