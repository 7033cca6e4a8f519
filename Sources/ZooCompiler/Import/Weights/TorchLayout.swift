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

  /// Our axes in PyTorch's order: extent, and the distance of neighbours in our array. Axes of one element are left out.
  private var torchAxes: [(extent: Int, stride: Int)] {
    var ours = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() {
      ours[axis] = ours[axis + 1] * shape[axis + 1]
    }
    return shape.indices.filter { shape[$0] > 1 }.sorted { strides[$0] > strides[$1] }
      .map { (shape[$0], ours[$0]) }
  }

  /// `values` in our order, as PyTorch's.
  package func torchOrder(_ values: [Float]) -> [Float] {
    let axes = torchAxes
    return gathered(values, axes.map(\.extent), axes.map(\.stride))
  }

  /// PyTorch's elements in our order. They are asked for in pieces of whole rows, from first to last.
  func ourOrder(
    _ read: (Range<Int>) throws(CompileError) -> [Float]
  ) throws(CompileError) -> [Float] {
    let count = shape.reduce(1, *)
    let axes = torchAxes
    guard let rows = axes.first else { return try read(0..<count) }
    let rowCount = count / rows.extent
    let inner = axes.dropFirst()
    // Rows are neighbours in our order: 16 of them fill a line of the cache at a time.
    let height = max(16, (1 << 18) / rowCount)
    var result = [Float](repeating: 0, count: count)
    for row in stride(from: 0, to: rows.extent, by: height) {
      let end = min(row + height, rows.extent)
      let piece = try read(row * rowCount..<end * rowCount)
      var index = [Int](repeating: 0, count: inner.count)
      var position = row * rows.stride
      for column in 0..<rowCount {
        for k in 0..<end - row { result[position + k * rows.stride] = piece[k * rowCount + column] }
        // Like a mileage counter: the last axis that does not wrap around goes on by one.
        for (axis, step) in zip(index.indices, inner).reversed() {
          index[axis] += 1
          position += step.stride
          if index[axis] < step.extent { break }
          position -= step.stride * step.extent
          index[axis] = 0
        }
      }
    }
    return result
  }
}
