// Channels of similar size, so that one scale fits all of them.
import CZoo
import Zoo

extension Quantizer {
  /// A graph in which channels between two layers were scaled, s in the weights of the second and 1 / s in those of the
  /// first, so that the peaks of the channel and of the weights that read it are alike; nil where no pair allows it.
  ///
  /// Pairs are a convolution or dense layer and the one layer that reads it, with nothing or a ReLU between: these
  /// scale with their input.
  /// Source: Nagel and others, arXiv:1906.04721, with activations measured as in Xiao and others, arXiv:2211.10438.
  func equalized(_ graph: Graph, _ calibration: Calibration) -> Graph? {
    var result = graph
    let consumers = graph.consumers()
    var changed = false
    for first in graph.nodes.indices {
      let node = graph.nodes[first]
      let activation = fusedActivation(node.operation)
      guard
        activation.kind == .none
          || (activation.alpha == 0 && activation.beta == .infinity && activation.kind == .clamp),
        isLayer(node), node.inputs.count < 4, let readers = consumers[node.output],
        readers.count == 1,
        !graph.outputs.contains(node.output), let peaks = calibration.channelPeaks[node.output]
      else { continue }
      let second = readers[0]
      let reader = graph.nodes[second]
      guard isLayer(reader), reader.inputs[0] == node.output,
        reader.inputs.count < 4 || reader.inputs[3] != node.output,
        let w = reader.inputs[1], let weights = result[w].constant?.floats,
        let own = node.inputs[1], let ownWeights = result[own].constant?.floats,
        consumers[w]?.count == 1, consumers[own]?.count == 1
      else { continue }
      if let op = reader.operation as? Conv2D, op.groups != 1 { continue }
      if let op = node.operation as? Conv2D, op.groups != 1 { continue }
      let channels = peaks.count
      // Which channel of the value an element of the second layer's weights reads.
      let columns = result[w].shape.last
      let isDepthwise = reader.operation is DepthwiseConv2D
      func channel(_ index: Int) -> Int {
        isDepthwise ? index % columns : index / columns % channels
      }
      var reading = [Float](repeating: 0, count: channels)
      for (index, value) in weights.enumerated() {
        reading[channel(index)] = max(reading[channel(index)], abs(value))
      }
      let factors = zip(peaks, reading).map { peak, weight -> Float in
        guard peak > 0, weight > 0 else { return 1 }
        return min(64, max(1 / 64, (peak / weight).squareRoot()))
      }
      // Only ratios between channels matter: keep their geometric mean.
      let mean = exponential(factors.map { logarithm($0) }.reduce(0, +) / Float(channels))
      let s = factors.map { $0 / mean }
      if node.inputs.count > 2, let b = node.inputs[2], consumers[b]?.count != 1 { continue }
      result[own].constant = Constant(ownWeights.enumerated().map { $1 / s[$0 % channels] })
      if node.inputs.count > 2, let b = node.inputs[2], let bias = result[b].constant?.floats {
        result[b].constant = Constant(bias.enumerated().map { $1 / s[$0] })
      }
      result[w].constant = Constant(weights.enumerated().map { $1 * s[channel($0)] })
      changed = true
    }
    return changed ? result : nil
  }

  private func isLayer(_ node: GraphNode) -> Bool {
    node.operation is Conv2D || node.operation is Dense || node.operation is DepthwiseConv2D
  }
}
