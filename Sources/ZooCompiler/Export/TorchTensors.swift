// The weights of any network under their own names, laid out as PyTorch has them.
import CZoo
import Zoo

/// All constants that nodes of `graph` read: weights of convolutions as [outputs, inputs, kh, kw], of dense layers as
/// [outputs, inputs], everything else as it is.
///
/// - Throws: `CompileError` if a constant is not float32, or two have the same name.
package func torchTensors(of graph: Graph) throws(CompileError) -> [NamedTensor] {
  let producers = graph.producers()
  var tensors: [NamedTensor] = []
  var written: Set<ValueID> = []
  for node in graph.nodes {
    for (position, id) in node.inputs.enumerated() {
      guard let id, let constant = graph[id].constant, written.insert(id).inserted else {
        continue
      }
      let name = graph[id].name
      guard constant.type == ZOO_F32 else {
        throw CompileError("tensor '\(name)' is not float32; only float models become safetensors")
      }
      let role: ParameterRole =
        switch (position, node.operation) {
        case (1, let conv as Conv2D):
          .convolution(
            height: Int(conv.window.kernelHeight), width: Int(conv.window.kernelWidth))
        case (1, is DepthwiseConv2D): .depthwise
        case (1, is Dense): .dense
        default: .bias
        }
      var parameter = ParameterSpec(
        name: name, role: role, shape: graph[id].shape.extents, fanIn: 1, fanOut: 1,
        initializer: .zeros)
      if case .dense = role, let x = node.inputs[0], let source = producers[x],
        graph.nodes[source].operation is Reshape, let image = graph.nodes[source].inputs[0],
        graph[image].shape.rank == 4
      {
        let shape = graph[image].shape
        parameter.flattened = (shape[1], shape[2], shape[3])
      }
      let layout = TorchLayout(parameter)
      tensors.append(
        NamedTensor(
          name: name, shape: layout.torchShape, floats: layout.torchOrder(constant.floats)))
    }
  }
  return tensors
}
