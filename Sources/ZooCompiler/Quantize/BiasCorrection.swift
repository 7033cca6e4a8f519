// Biases that make up for what rounding weights changes on average.
import CZoo
import Zoo

extension Quantizer {
  /// A graph whose biases are less the mean error of the rounded weights: E[x] (rounded w - w), summed over all inputs of a
  /// channel; nil if no layer has weights to correct.
  ///
  /// Padding counts as if it had the mean of its channel.
  /// Source: Nagel and others, "Data-Free Quantization Through Weight Equalization and Bias Correction", arXiv:1906.04721.
  func biasCorrected(_ graph: Graph, _ calibration: Calibration) throws(CompileError) -> Graph? {
    var result = graph
    var changed = false
    for index in graph.nodes.indices {
      let node = graph.nodes[index]
      guard let x = node.inputs.first.flatMap({ $0 }),
        let scale = graph[x].quantization?.single?.scale,
        node.inputs.count > 1, let w = node.inputs[1], let weights = graph[w].constant?.floats,
        let means = calibration.channelMeans[x]
      else { continue }
      let columns = graph[w].shape.last
      let groups: Int
      switch node.operation {
      case let op as Conv2D: groups = Int(op.groups)
      case is Dense, is DepthwiseConv2D: groups = 1
      default: continue
      }
      let bias = node.inputs.count > 2 ? node.inputs[2].flatMap { graph[$0].constant?.floats } : nil
      let rounded = try IntegerWeights(
        weights, groups: groups, columns: columns, bias: bias, inputScale: scale, given: nil,
        layer: node.name)
      var corrected = bias ?? [Float](repeating: 0, count: groups * columns)
      let rows = weights.count / (groups * columns)
      for group in 0..<groups {
        for row in 0..<rows {
          for column in 0..<columns {
            let output = group * columns + column
            let at = (group * rows + row) * columns + column
            let error =
              Double(rounded.integers[at]) * Double(rounded.scales[output]) - Double(weights[at])
            let channel =
              node.operation is DepthwiseConv2D
              ? column : group * (means.count / groups) + row % (means.count / groups)
            corrected[output] -= Float(error * means[channel])
          }
        }
      }
      let id = result.addConstant(node.name + ".bias", try Shape([corrected.count]), corrected)
      while result.nodes[index].inputs.count < 3 { result.nodes[index].inputs.append(nil) }
      result.nodes[index].inputs[2] = id
      changed = true
    }
    return changed ? result : nil
  }
}
