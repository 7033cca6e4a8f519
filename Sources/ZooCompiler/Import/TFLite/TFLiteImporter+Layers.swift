// Layers of TFLite: convolutions, dense layers, pooling, softmax.
import Zoo

extension TFLiteImporter {
  /// One operator: its node and the name of its output.
  typealias Handler =
    @Sendable (inout TFLiteImporter, TFLiteOperator, String) throws(CompileError)
    -> Void

  static let handlers = layerHandlers.merging(elementHandlers) { $1 }

  /// By builtin operator code.
  static let layerHandlers: [Int: Handler] = [
    1: { importer, node, name throws(CompileError) in try importer.pool(node, name, .average) },
    3: { importer, node, name throws(CompileError) in try importer.convolution(node, name) },
    4: { importer, node, name throws(CompileError) in try importer.depthwise(node, name) },
    9: { importer, node, name throws(CompileError) in try importer.dense(node, name) },
    13: { importer, node, name throws(CompileError) in try importer.localResponseNorm(node, name) },
    17: { importer, node, name throws(CompileError) in try importer.pool(node, name, .max) },
    25: { importer, node, name throws(CompileError) in try importer.softmax(node, name) },
    40: { importer, node, name throws(CompileError) in try importer.mean(node, name) },
  ]

  /// Options 0 padding, 1 stride_w, 2 stride_h of convolutions and pools, with the kernel's size.
  private func window(
    _ node: TFLiteOperator, image: ValueID, _ kh: Int, _ kw: Int, dilationFields: (w: Int, h: Int)?
  ) throws(CompileError) -> Window {
    guard let options = node.options else { throw CompileError("no options") }
    let shape = graph[image].shape
    guard shape.rank == 4 else { throw CompileError("needs an image, got \(describe(shape))") }
    let strides = (try options.int(2, Int32.self), try options.int(1, Int32.self))
    var dilations = (1, 1)
    if let dilationFields {
      dilations = (
        try options.int(dilationFields.h, Int32.self, 1),
        try options.int(dilationFields.w, Int32.self, 1)
      )
    }
    let limit = 1 << 20
    for number in [strides.0, strides.1, dilations.0, dilations.1, kh, kw] {
      guard number > 0 && number < limit else { throw CompileError("window extent \(number)") }
    }
    var window = Window()
    (window.kernelHeight, window.kernelWidth) = (Int32(kh), Int32(kw))
    (window.strideHeight, window.strideWidth) = (Int32(strides.0), Int32(strides.1))
    (window.dilationHeight, window.dilationWidth) = (Int32(dilations.0), Int32(dilations.1))
    guard try options.int(0, Int8.self) == 0 else { return window }
    // SAME: as many outputs as strides fit; the smaller half of the padding comes first.
    func total(_ input: Int, _ kernel: Int, _ stride: Int, _ dilation: Int) -> Int {
      max(0, ((input + stride - 1) / stride - 1) * stride + (kernel - 1) * dilation + 1 - input)
    }
    let vertical = total(shape[1], kh, strides.0, dilations.0)
    let horizontal = total(shape[2], kw, strides.1, dilations.1)
    (window.padTop, window.padBottom) = (Int32(vertical / 2), Int32(vertical - vertical / 2))
    (window.padLeft, window.padRight) = (Int32(horizontal / 2), Int32(horizontal - horizontal / 2))
    return window
  }

  /// How the weights of a layer are quantised, if that can be kept.
  private func weightQuantization(_ node: TFLiteOperator, _ outputs: Int) -> Quantization? {
    file.tensors[node.inputs[1]].weightQuantization(outputs: outputs)
  }

  /// The constant bias, if there is one.
  private mutating func bias(
    _ node: TFLiteOperator, _ name: String
  ) throws(CompileError) -> ValueID? {
    guard try optional(node, 2) != nil else { return nil }
    let values = try floats(node, 2)
    return graph.addConstant(name + ".bias", try Shape([values.count]), values)
  }

  /// CONV_2D: weights [m, kh, kw, c / groups] become rows (kh, kw, c) of a matrix per group.
  private mutating func convolution(
    _ node: TFLiteOperator, _ name: String
  ) throws(CompileError) {
    let x = try value(node, 0)
    let w = try floats(node, 1)
    let kernel = try value(node, 1)
    let shape = graph[kernel].shape
    guard shape.rank == 4 else { throw CompileError("weights of rank \(shape.rank)") }
    let (outputs, kh, kw, depth) = (shape[0], shape[1], shape[2], shape[3])
    let channels = graph[x].shape.last
    guard channels % depth == 0, outputs % (channels / depth) == 0 else {
      throw CompileError("\(channels) channels and weights for \(depth)")
    }
    let groups = channels / depth
    let rows = kh * kw * depth
    let columns = outputs / groups
    var matrix = [Float](repeating: 0, count: w.count)
    for output in 0..<outputs {
      let (group, column) = (output / columns, output % columns)
      for row in 0..<rows {
        matrix[(group * rows + row) * columns + column] = w[output * rows + row]
      }
    }
    var operation = Conv2D()
    operation.groups = Int32(groups)
    operation.window = try window(node, image: x, kh, kw, dilationFields: (4, 5))
    let weights = graph.addConstant(name + ".weights", try Shape([groups, rows, columns]), matrix)
    graph[weights].quantization = weightQuantization(node, outputs)
    let result = try graph.add(operation, [x, weights, try bias(node, name)], name: name)
    try finish(result, node, activation: try node.options?.int(3, Int8.self) ?? 0, name: name)
  }

  /// DEPTHWISE_CONV_2D: weights [1, kh, kw, c multiplier].
  private mutating func depthwise(_ node: TFLiteOperator, _ name: String) throws(CompileError) {
    let x = try value(node, 0)
    let w = try floats(node, 1)
    let kernel = try value(node, 1)
    let shape = graph[kernel].shape
    let channels = graph[x].shape.last
    guard shape.rank == 4, shape[0] == 1, shape[3] % channels == 0 else {
      throw CompileError("weights \(describe(shape)) for \(channels) channels")
    }
    let (kh, kw, outputs) = (shape[1], shape[2], shape[3])
    let window = try window(node, image: x, kh, kw, dilationFields: (5, 6))
    let bias = try bias(node, name)
    let activation = try node.options?.int(4, Int8.self) ?? 0
    let result: ValueID
    if outputs == channels {
      var operation = DepthwiseConv2D()
      operation.window = window
      let weights = graph.addConstant(name + ".weights", try Shape([kh, kw, channels]), w)
      graph[weights].quantization = weightQuantization(node, outputs)
      result = try graph.add(operation, [x, weights, bias], name: name)
    } else {
      // Several outputs for each channel: a group of its own for each.
      let columns = outputs / channels
      var matrix = [Float](repeating: 0, count: w.count)
      for tap in 0..<kh * kw {
        for output in 0..<outputs {
          let (group, column) = (output / columns, output % columns)
          matrix[(group * kh * kw + tap) * columns + column] = w[tap * outputs + output]
        }
      }
      var operation = Conv2D()
      operation.window = window
      operation.groups = Int32(channels)
      let weights = graph.addConstant(
        name + ".weights", try Shape([channels, kh * kw, columns]), matrix)
      graph[weights].quantization = weightQuantization(node, outputs)
      result = try graph.add(operation, [x, weights, bias], name: name)
    }
    try finish(result, node, activation: activation, name: name)
  }

  /// FULLY_CONNECTED: weights [out, in]; options 0 activation, 2 keep_num_dims.
  private mutating func dense(_ node: TFLiteOperator, _ name: String) throws(CompileError) {
    var x = try value(node, 0)
    let w = try floats(node, 1)
    let kernel = try value(node, 1)
    let shape = graph[kernel].shape
    guard shape.rank == 2 else { throw CompileError("weights of rank \(shape.rank)") }
    let count = graph[x].shape.elementCount
    guard count % shape[1] == 0 else {
      throw CompileError("\(count) inputs for \(describe(shape))")
    }
    let keeps = try node.options?.bool(2) ?? false
    if !(keeps && graph[x].shape.last == shape[1]) {
      x = try graph.add(
        Reshape(try Shape([count / shape[1], shape[1]])), [x], name: name + ".flat")
    }
    let weights = graph.addConstant(
      name + ".weights", try Shape([shape[1], shape[0]]),
      transposed(w, rows: shape[0], columns: shape[1]))
    graph[weights].quantization = weightQuantization(node, shape[0])
    let result = try graph.add(Dense(), [x, weights, try bias(node, name)], name: name)
    try finish(result, node, activation: try node.options?.int(0, Int8.self) ?? 0, name: name)
  }

  /// Pools: options 3 filter_width, 4 filter_height, 5 activation; padding never counts.
  private mutating func pool(
    _ node: TFLiteOperator, _ name: String, _ kind: PoolKind
  ) throws(CompileError) {
    let x = try value(node, 0)
    var operation = Pool()
    operation.kind = kind
    operation.window = try window(
      node, image: x, try node.options?.int(4, Int32.self) ?? 0,
      try node.options?.int(3, Int32.self) ?? 0, dilationFields: nil)
    let result = try graph.add(operation, [x], name: name)
    try finish(result, node, activation: try node.options?.int(5, Int8.self) ?? 0, name: name)
  }

  private mutating func softmax(_ node: TFLiteOperator, _ name: String) throws(CompileError) {
    let x = try value(node, 0)
    var operation = Softmax(axis: graph[x].shape.rank - 1)
    operation.scale = try node.options?.float(0) ?? 1
    try finish(try graph.add(operation, [x], name: name), node, name: name)
  }

  /// LOCAL_RESPONSE_NORMALIZATION: 0 radius, 1 bias, 2 alpha, 3 beta; alpha is not divided by the size.
  private mutating func localResponseNorm(
    _ node: TFLiteOperator, _ name: String
  ) throws(CompileError) {
    var operation = LocalResponseNorm()
    let radius = try node.options?.int(0, Int32.self) ?? 5
    guard radius >= 0 && radius < 1 << 14 else { throw CompileError("radius \(radius)") }
    operation.size = Int32(2 * radius + 1)
    operation.bias = try node.options?.float(1) ?? 1
    operation.alpha = try node.options?.float(2) ?? 1
    operation.beta = try node.options?.float(3) ?? 0.5
    try finish(try graph.add(operation, [try value(node, 0)], name: name), node, name: name)
  }

  /// MEAN: axes are input 1, option 0 keeps them.
  private mutating func mean(_ node: TFLiteOperator, _ name: String) throws(CompileError) {
    let x = try value(node, 0)
    let shape = graph[x].shape
    guard let given = try ints(node, 1) else { throw CompileError("no axes") }
    let axes = Set(given.map { $0 < 0 ? $0 &+ shape.rank : $0 })
    guard axes.allSatisfy({ $0 >= 0 && $0 < shape.rank }) else {
      throw CompileError("axes \(given)")
    }
    var result: ValueID
    if shape.rank == 4 && axes == [1, 2] {
      result = try graph.add(GlobalPool(.average), [x], name: name)
    } else {
      var operation = Mean()
      for axis in axes { operation.axes |= 1 << Int32(axis) }
      result = try graph.add(operation, [x], name: name)
    }
    if try !(node.options?.bool(0) ?? false) {
      let kept = (0..<shape.rank).filter { !axes.contains($0) }.map { shape[$0] }
      result = try graph.add(Reshape(try Shape(kept)), [result], name: name + ".shape")
    }
    try finish(result, node, name: name)
  }
}
