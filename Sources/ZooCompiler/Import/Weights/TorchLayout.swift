// Parameters in PyTorch's layouts and in ours.

/// A parameter as PyTorch stores it: its shape there, and how our row-major order walks through it.
package struct TorchLayout {
  package let torchShape: [Int]
  /// Our extents and, for each, the distance of neighbours in PyTorch's array.
  let shape: [Int]
  let strides: [Int]

  package init(_ parameter: ParameterSpec) {
    switch parameter.role {
    case .convolution(let height, let width):
      // PyTorch has [outputs, inputs of a group, kh, kw].
      let groups = parameter.shape[0]
      let outputs = parameter.shape[2]
      let window = height * width
      let inputs = parameter.shape[1] / window
      torchShape = [groups * outputs, inputs, height, width]
      shape = [groups, height, width, inputs, outputs]
      strides = [outputs * inputs * window, width, 1, window, inputs * window]
    case .depthwise:
      let (height, width, channels) = (
        parameter.shape[0], parameter.shape[1], parameter.shape[2]
      )
      torchShape = [channels, 1, height, width]
      shape = parameter.shape
      strides = [width, 1, height * width]
    case .dense:
      // PyTorch has [outputs, inputs], and flattens pictures channel by channel where we do it pixel by pixel.
      let (inputs, outputs) = (parameter.shape[0], parameter.shape[1])
      let picture = parameter.flattened ?? (height: 1, width: 1, channels: inputs)
      torchShape = [outputs, inputs]
      shape = [picture.height, picture.width, picture.channels, outputs]
      strides = [picture.width, 1, picture.height * picture.width, inputs]
    case .bias, .gamma, .beta, .mean, .variance:
      torchShape = parameter.shape
      shape = parameter.shape
      strides = [1]
    }
  }

  /// Whether a tensor of this shape is the parameter. Dense layers may be stored as convolutions over the whole picture:
  /// [outputs, channels, height, width].
  func accepts(_ other: [Int]) -> Bool {
    if other == torchShape { return true }
    guard torchShape.count == 2, other.count == 4 else { return false }
    return other == [torchShape[0], shape[2], shape[0], shape[1]]
  }

  /// `values` in our order, as PyTorch's.
  package func torchOrder(_ values: [Float]) -> [Float] {
    guard torchShape.count > 1 else { return values }
    // Where each of our elements stands there is what to gather here, the other way round.
    let axes = strides.indices.sorted {
      strides[$0] > strides[$1] || strides[$0] == strides[$1] && shape[$0] > shape[$1]
    }
    var ours = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      ours[axis] = ours[axis + 1] * shape[axis + 1]
    }
    return gathered(values, axes.map { shape[$0] }, axes.map { ours[$0] })
  }
}
