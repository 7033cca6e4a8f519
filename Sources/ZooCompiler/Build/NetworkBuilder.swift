// Describing a network layer by layer: the one description behind training, summaries and conversion.
package import Zoo

/// How a window is padded.
package enum Padding: Sendable {
  case valid
  /// Output extent ceil(n / stride); the odd pixel goes to the bottom and right.
  case same
  /// That many pixels on all sides.
  case explicit(Int)
  /// Rows above and below, columns left and right.
  case sides(vertical: Int, horizontal: Int)
}

/// Grows a graph; layers are named by paths ("layer1.0.conv1"), parameters by layer and ".weight", ".bias"...
package struct NetworkBuilder {
  package private(set) var graph = Graph()
  private var source: any WeightSource
  private var scopes: [String] = []
  private var isCounting: Bool { source.isCounting }

  package init(_ source: any WeightSource) { self.source = source }

  /// Goes on where `graph` ends.
  package init(_ graph: Graph, _ source: any WeightSource) {
    self.graph = graph
    self.source = source
  }

  /// The finished network, whose outputs are `outputs`.
  package consuming func finish(_ outputs: ValueID...) throws(CompileError) -> Graph {
    graph.outputs = outputs
    if !isCounting { try graph.verify(after: "building") }
    return graph
  }

  /// A batch of one image.
  package mutating func image(height: Int, width: Int, channels: Int) -> ValueID {
    graph.addInput("image", Shape(n: 1, h: height, w: width, c: channels))
  }

  /// An input of any shape.
  package mutating func input(_ name: String, _ shape: Shape) -> ValueID {
    graph.addInput(name, shape)
  }

  /// Layers described inside have `name` in front of theirs.
  package mutating func scope(
    _ name: String, _ body: (inout NetworkBuilder) throws(CompileError) -> ValueID
  ) throws(CompileError) -> ValueID {
    scopes.append(name)
    let result = try body(&self)
    scopes.removeLast()
    return result
  }

  package func shape(_ value: ValueID) -> Shape { graph[value].shape }

  // MARK: Layers with parameters

  package mutating func convolution(
    _ name: String, _ x: ValueID, channels: Int, kernel: Int, kernelWidth: Int? = nil,
    stride: Int = 1,
    padding: Padding = .valid, groups: Int = 1, bias: Bool = true,
    initializer: Initializer = .heNormalFanOut
  ) throws(CompileError) -> ValueID {
    let width = kernelWidth ?? kernel
    let inputs = shape(x)[3]
    guard groups > 0, inputs % groups == 0, channels % groups == 0 else {
      throw CompileError("\(path(name)): \(groups) groups do not divide \(inputs) and \(channels)")
    }
    let depth = kernel * width * (inputs / groups)
    var conv = Conv2D()
    conv.window = window(kernel, width, stride, padding, shape(x))
    conv.groups = Int32(groups)
    let weight = try parameter(
      name + ".weight", .convolution(height: kernel, width: width),
      [groups, depth, channels / groups], fanIn: depth,
      fanOut: kernel * width * (channels / groups), initializer)
    let b = bias ? try parameter(name + ".bias", .bias, [channels], fanIn: depth) : nil
    return try add(conv, [x, weight] + (b.map { [$0] } ?? []), name)
  }

  package mutating func depthwise(
    _ name: String, _ x: ValueID, kernel: Int, stride: Int = 1, padding: Padding = .valid,
    bias: Bool = true, initializer: Initializer = .heNormal
  ) throws(CompileError) -> ValueID {
    let channels = shape(x)[3]
    var conv = DepthwiseConv2D()
    conv.window = window(kernel, kernel, stride, padding, shape(x))
    let weight = try parameter(
      name + ".weight", .depthwise, [kernel, kernel, channels], fanIn: kernel * kernel,
      fanOut: kernel * kernel, initializer)
    let b = bias ? try parameter(name + ".bias", .bias, [channels], fanIn: kernel * kernel) : nil
    return try add(conv, [x, weight] + (b.map { [$0] } ?? []), name)
  }

  package mutating func dense(
    _ name: String, _ x: ValueID, _ outputs: Int, bias: Bool = true,
    initializer: Initializer = .glorotUniform
  ) throws(CompileError) -> ValueID {
    let inputs = shape(x).last
    let weight = try parameter(
      name + ".weight", .dense, [inputs, outputs], fanIn: inputs, fanOut: outputs, initializer,
      flattened: flattenedPicture(x))
    let b = bias ? try parameter(name + ".bias", .bias, [outputs], fanIn: inputs) : nil
    return try add(Dense(), [x, weight] + (b.map { [$0] } ?? []), name)
  }

  package mutating func batchNorm(
    _ name: String, _ x: ValueID, epsilon: Float = 1e-5
  ) throws(CompileError) -> ValueID {
    var norm = TrainableBatchNorm()
    norm.epsilon = epsilon
    let channels = [shape(x).last]
    var inputs: [ValueID?] = [x]
    let parts: [(String, ParameterRole)] = [
      (".weight", .gamma), (".bias", .beta), (".running_mean", .mean),
      (".running_var", .variance),
    ]
    for (suffix, role) in parts {
      inputs.append(try parameter(name + suffix, role, channels, fanIn: 1))
    }
    return try add(norm, inputs, name)
  }

  // MARK: Layers without

  package mutating func activation(
    _ x: ValueID, _ activation: Activation, _ name: String? = nil
  ) throws(CompileError) -> ValueID {
    try add(Unary(activation), [x], name ?? activationName(activation).lowercased())
  }

  package mutating func relu(_ x: ValueID) throws(CompileError) -> ValueID {
    try activation(x, .relu, "relu")
  }

  package mutating func pool(
    _ kind: PoolKind, _ x: ValueID, kernel: Int, stride: Int? = nil, padding: Padding = .valid,
    ceil: Bool = false, countsPadding: Bool = false, _ name: String? = nil
  ) throws(CompileError) -> ValueID {
    var pool = Pool()
    pool.kind = kind
    pool.ceil = ceil
    pool.countsPadding = countsPadding
    pool.window = window(kernel, kernel, stride ?? kernel, padding, shape(x))
    return try add(pool, [x], name ?? "\(kind)pool")
  }

  package mutating func globalPool(
    _ kind: PoolKind, _ x: ValueID, _ name: String? = nil
  ) throws(CompileError) -> ValueID {
    try add(GlobalPool(kind), [x], name ?? "global\(kind)pool")
  }

  package mutating func localResponseNorm(
    _ x: ValueID, size: Int, alpha: Float, beta: Float, bias: Float, _ name: String = "lrn"
  ) throws(CompileError) -> ValueID {
    var norm = LocalResponseNorm()
    norm.size = Int32(size)
    norm.alpha = alpha / Float(size)
    norm.beta = beta
    norm.bias = bias
    return try add(norm, [x], name)
  }

  /// [n, h, w, c] becomes [n, h w c].
  package mutating func flatten(_ x: ValueID) throws(CompileError) -> ValueID {
    let count = shape(x).elementCount / shape(x)[0]
    return try add(Reshape(try Shape([shape(x)[0], count])), [x], "flatten")
  }

  package mutating func dropout(_ x: ValueID, _ rate: Float) throws(CompileError) -> ValueID {
    try add(Dropout(rate: rate), [x], "dropout")
  }

  package mutating func addition(
    _ a: ValueID, _ b: ValueID, _ name: String = "add"
  ) throws(CompileError) -> ValueID { try add(Binary(.add), [a, b], name) }

  package mutating func multiplication(
    _ a: ValueID, _ b: ValueID, _ name: String = "multiply"
  ) throws(CompileError) -> ValueID { try add(Binary(.multiply), [a, b], name) }

  /// Channels of `parts` one after the other.
  package mutating func concatenation(
    _ parts: [ValueID], _ name: String = "concat"
  ) throws(CompileError) -> ValueID { try add(Concat(axis: 3), parts, name) }

  package mutating func softmax(_ x: ValueID) throws(CompileError) -> ValueID {
    try add(Softmax(axis: shape(x).rank - 1), [x], "softmax")
  }

  /// Any operation without parameters.
  package mutating func add(
    _ operation: any Operation, _ inputs: [ValueID?], _ name: String
  ) throws(CompileError) -> ValueID {
    var unique = path(name)
    var count = 1
    while graph.nodes.contains(where: { $0.name == unique }) {
      count += 1
      unique = path("\(name)_\(count)")
    }
    return try graph.add(operation, inputs, name: unique)
  }

  // MARK: Details

  private func path(_ name: String) -> String { (scopes + [name]).joined(separator: ".") }

  private mutating func parameter(
    _ name: String, _ role: ParameterRole, _ shape: [Int], fanIn: Int, fanOut: Int = 1,
    _ initializer: Initializer = .zeros,
    flattened: (height: Int, width: Int, channels: Int)? = nil
  ) throws(CompileError) -> ValueID {
    let spec = ParameterSpec(
      name: path(name), role: role, shape: shape, fanIn: fanIn, fanOut: fanOut,
      initializer: initializer, flattened: flattened)
    let values = try source.values(spec)
    guard isCounting || values.count == spec.count else {
      throw CompileError("\(spec.name): \(spec.count) values expected, got \(values.count)")
    }
    return graph.addConstant(spec.name, try Shape(shape), values)
  }

  /// The picture that `x` is the flattened form of, also after layers that work element by element.
  private func flattenedPicture(_ x: ValueID) -> (height: Int, width: Int, channels: Int)? {
    var value = x
    while let node = graph.nodes.last(where: { $0.output == value }), let input = node.inputs[0] {
      switch node.operation {
      case is Dropout, is Unary: value = input
      case is Reshape where shape(input).rank == 4:
        return (shape(input)[1], shape(input)[2], shape(input)[3])
      default: return nil
      }
    }
    return nil
  }

  private func window(
    _ height: Int, _ width: Int, _ stride: Int, _ padding: Padding, _ input: Shape
  ) -> Window {
    var window = Window()
    window.kernelHeight = Int32(height)
    window.kernelWidth = Int32(width)
    window.strideHeight = Int32(stride)
    window.strideWidth = Int32(stride)
    func same(_ n: Int, _ kernel: Int) -> (Int32, Int32) {
      let total = max(0, ((n + stride - 1) / stride - 1) * stride + kernel - n)
      return (Int32(total / 2), Int32(total - total / 2))
    }
    switch padding {
    case .valid: break
    case .same:
      (window.padTop, window.padBottom) = same(input[1], height)
      (window.padLeft, window.padRight) = same(input[2], width)
    case .explicit(let pixels):
      window.padTop = Int32(pixels)
      window.padBottom = Int32(pixels)
      window.padLeft = Int32(pixels)
      window.padRight = Int32(pixels)
    case .sides(let vertical, let horizontal):
      window.padTop = Int32(vertical)
      window.padBottom = Int32(vertical)
      window.padLeft = Int32(horizontal)
      window.padRight = Int32(horizontal)
    }
    return window
  }
}
