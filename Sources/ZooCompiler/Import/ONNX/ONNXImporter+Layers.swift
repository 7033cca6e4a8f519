// Layers of ONNX: convolution, pooling, normalisation.
import Foundation
import Zoo

extension ONNXImporter {
  static let layerHandlers: [String: Handler] = [
    "Conv": { importer, node throws(CompileError) in try importer.convolution(node) },
    "MaxPool": { importer, node throws(CompileError) in try importer.pool(node, .max) },
    "AveragePool": { importer, node throws(CompileError) in try importer.pool(node, .average) },
    "GlobalMaxPool": { importer, node throws(CompileError) in try importer.globalPool(node, .max) },
    "GlobalAveragePool": { importer, node throws(CompileError) in
      try importer.globalPool(node, .average)
    },
    "BatchNormalization": { importer, node throws(CompileError) in try importer.batchNorm(node) },
    "LRN": { importer, node throws(CompileError) in try importer.localResponseNorm(node) },
    "Softmax": { importer, node throws(CompileError) in try importer.softmax(node, false) },
    "LogSoftmax": { importer, node throws(CompileError) in try importer.softmax(node, true) },
    "ReduceMean": { importer, node throws(CompileError) in try importer.reduceMean(node) },
  ]

  /// Kernel, strides, dilations and padding of a node over an NHWC image.
  private func window(
    _ node: ONNXNode, kernel: [Int], image: ValueID
  ) throws(CompileError) -> Window {
    let rank = kernel.count
    func pair(_ name: String, _ fallback: Int) throws(CompileError) -> [Int] {
      let given = node.ints(name) ?? [Int](repeating: fallback, count: rank)
      guard given.count == rank, given.allSatisfy({ $0 >= 0 && $0 < 1 << 24 }) else {
        throw CompileError("\(name) \(given) does not fit a kernel of rank \(rank)")
      }
      return rank == 1 ? [fallback] + given : given
    }
    guard rank == 1 || rank == 2, kernel.allSatisfy({ $0 > 0 && $0 < 1 << 24 }) else {
      throw CompileError("kernel \(kernel) is not supported")
    }
    let size = rank == 1 ? [1] + kernel : kernel
    let strides = try pair("strides", 1)
    let dilations = try pair("dilations", 1)
    var pads = node.ints("pads") ?? [Int](repeating: 0, count: rank * 2)
    guard pads.count == rank * 2, pads.allSatisfy({ $0 >= 0 && $0 < 1 << 24 }) else {
      throw CompileError("pads \(pads) are not supported")
    }
    if rank == 1 { pads = [0, pads[0], 0, pads[1]] }
    let mode = node.string("auto_pad", "NOTSET")
    let shape = graph[image].shape
    if mode == "SAME_UPPER" || mode == "SAME_LOWER" {
      for axis in 0..<2 {
        guard strides[axis] > 0 else { throw CompileError("stride 0") }
        let input = shape[axis + 1]
        let output = (input + strides[axis] - 1) / strides[axis]
        let reach = (size[axis] - 1) * dilations[axis] + 1
        let total = max(0, (output - 1) * strides[axis] + reach - input)
        let small = total / 2
        pads[axis] = mode == "SAME_UPPER" ? small : total - small
        pads[axis + 2] = total - pads[axis]
      }
    } else if mode == "VALID" {
      pads = [0, 0, 0, 0]
    } else if mode != "NOTSET" && !mode.isEmpty {
      throw CompileError("auto_pad \(mode) is not supported")
    }
    var window = Window()
    (window.kernelHeight, window.kernelWidth) = (Int32(size[0]), Int32(size[1]))
    (window.strideHeight, window.strideWidth) = (Int32(strides[0]), Int32(strides[1]))
    (window.dilationHeight, window.dilationWidth) = (Int32(dilations[0]), Int32(dilations[1]))
    (window.padTop, window.padLeft) = (Int32(pads[0]), Int32(pads[1]))
    (window.padBottom, window.padRight) = (Int32(pads[2]), Int32(pads[3]))
    return window
  }

  /// Conv: weights [m, c / groups, kh, kw] become rows (kh, kw, c) of a matrix per group.
  private mutating func convolution(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    let weights = try tensor(node, 1)
    guard let w = graph.floats(weights) else { throw CompileError("weights must be constant") }
    let rank = graph[x].shape.rank
    var shape = graph[weights].shape.extents
    guard shape.count == rank, rank == 3 || rank == 4 else {
      throw CompileError("convolution of rank \(shape.count - 2) is not supported")
    }
    let kernel = Array(shape.dropFirst(2))
    if rank == 3 { shape.insert(1, at: 2) }
    let image = try image(x, node)
    let channels = graph[image].shape[3]
    let groups = node.int("group", 1)
    let (outputs, depth, kh, kw) = (shape[0], shape[1], shape[2], shape[3])
    guard groups > 0, outputs % groups == 0, depth * groups == channels else {
      throw CompileError("\(groups) groups do not fit \(channels) channels and \(outputs) outputs")
    }
    let window = try window(node, kernel: node.ints("kernel_shape") ?? kernel, image: image)
    guard Int(window.kernelHeight) == kh && Int(window.kernelWidth) == kw else {
      throw CompileError("kernel_shape differs from the weights")
    }
    let bias = try constantFloats(node, 2)
    let biasID = try bias.map { values throws(CompileError) in
      graph.addConstant(node.name + ".bias", try Shape([values.count]), values)
    }
    let result: ValueID
    if depth == 1 && groups == channels && outputs == channels {
      var reordered = [Float](repeating: 0, count: w.count)
      for c in 0..<channels {
        for tap in 0..<kh * kw { reordered[tap * channels + c] = w[c * kh * kw + tap] }
      }
      let id = graph.addConstant(
        node.name + ".weights", try Shape([kh, kw, channels]), reordered)
      var operation = DepthwiseConv2D()
      operation.window = window
      result = try graph.add(operation, [image, id, biasID], name: node.name)
    } else {
      let id = graph.addConstant(
        node.name + ".weights", try Shape([groups, kh * kw * depth, outputs / groups]),
        convolutionMatrix(w, groups: groups, outputs: outputs / groups, depth: depth, kh, kw))
      var operation = Conv2D()
      operation.window = window
      operation.groups = Int32(groups)
      result = try graph.add(operation, [image, id, biasID], name: node.name)
    }
    return try planes(result, rank: rank, node)
  }

  private mutating func pool(_ node: ONNXNode, _ kind: PoolKind) throws(CompileError) -> [ONNXValue]
  {
    guard node.proto.output.count == 1 else { throw CompileError("indices are not supported") }
    let x = try tensor(node, 0)
    let rank = graph[x].shape.rank
    let image = try image(x, node)
    var operation = Pool()
    operation.kind = kind
    operation.window = try window(node, kernel: node.ints("kernel_shape") ?? [], image: image)
    operation.ceil = node.int("ceil_mode", 0) != 0
    operation.countsPadding = node.int("count_include_pad", 0) != 0
    return try planes(try graph.add(operation, [image], name: node.name), rank: rank, node)
  }

  private mutating func globalPool(
    _ node: ONNXNode, _ kind: PoolKind
  ) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    let image = try image(x, node)
    let result = try graph.add(GlobalPool(kind), [image], name: node.name)
    return try planes(result, rank: graph[x].shape.rank, node)
  }

  private mutating func batchNorm(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    guard node.int("training_mode", 0) == 0, let gamma = try constantFloats(node, 1),
      let beta = try constantFloats(node, 2), let mean = try constantFloats(node, 3),
      let variance = try constantFloats(node, 4), gamma.count == beta.count,
      gamma.count == mean.count, gamma.count == variance.count
    else { throw CompileError("needs constant statistics of equal length") }
    let epsilon = node.float("epsilon", 1e-5)
    let scale = zip(gamma, variance).map { $0 / ($1 + epsilon).squareRoot() }
    let shift = gamma.indices.map { beta[$0] - mean[$0] * scale[$0] }
    let x = try tensor(node, 0)
    let rank = graph[x].shape.rank
    let source = rank == 2 ? x : try image(x, node)
    let channels = try Shape([gamma.count])
    let result = try graph.add(
      BatchNorm(),
      [
        source, graph.addConstant(node.name + ".scale", channels, scale),
        graph.addConstant(node.name + ".shift", channels, shift),
      ], name: node.name)
    return rank == 2 ? [.tensor(result)] : try planes(result, rank: rank, node)
  }

  private mutating func localResponseNorm(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    let size = node.int("size", 0)
    guard size > 0 && size < 1 << 16 else { throw CompileError("size \(size)") }
    var operation = LocalResponseNorm()
    operation.size = Int32(size)
    operation.alpha = node.float("alpha", 1e-4) / Float(size)
    operation.beta = node.float("beta", 0.75)
    operation.bias = node.float("bias", 1)
    let result = try graph.add(operation, [try image(x, node)], name: node.name)
    return try planes(result, rank: graph[x].shape.rank, node)
  }

  /// Softmax: before opset 13 over all axes from `axis` on, since then over one.
  private mutating func softmax(
    _ node: ONNXNode, _ isLogarithm: Bool
  ) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    let shape = graph[x].shape
    let axis = try axis(node.int("axis", opset < 13 ? 1 : -1), shape.rank)
    var operation = Softmax(axis: axis)
    operation.isLogarithm = isLogarithm
    guard opset < 13 && axis != shape.rank - 1 else {
      return [.tensor(try graph.add(operation, [x], name: node.name))]
    }
    let outer = (0..<axis).reduce(1) { $0 * shape[$1] }
    operation.axis = 1
    let flat = try graph.add(
      Reshape(try Shape([outer, shape.elementCount / outer])), [x], name: node.name + ".flat")
    let soft = try graph.add(operation, [flat], name: node.name)
    return [.tensor(try graph.add(Reshape(shape), [soft], name: node.name + ".shape"))]
  }

  private mutating func reduceMean(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    let x = try tensor(node, 0)
    let shape = graph[x].shape
    var axes = try ints(node, "axes", 1) ?? []
    if axes.isEmpty {
      if node.int("noop_with_empty_axes", 0) != 0 { return [.tensor(x)] }
      axes = Array(0..<shape.rank)
    }
    let reduced = Set(try axes.map { value throws(CompileError) in try axis(value, shape.rank) })
    let kept =
      node.int("keepdims", 1) != 0
      ? (0..<shape.rank).map { reduced.contains($0) ? 1 : shape[$0] }
      : (0..<shape.rank).filter { !reduced.contains($0) }.map { shape[$0] }
    var result: ValueID
    if shape.rank == 4 && reduced == [2, 3] {
      let pooled = try graph.add(GlobalPool(.average), [try image(x, node)], name: node.name)
      result = try graph.add(transpose([0, 3, 1, 2]), [pooled], name: node.name + ".nchw")
    } else {
      var operation = Mean()
      for axis in reduced { operation.axes |= 1 << Int32(axis) }
      result = try graph.add(operation, [x], name: node.name)
    }
    if graph[result].shape.extents != kept {
      result = try graph.add(Reshape(try Shape(kept)), [result], name: node.name + ".shape")
    }
    return [.tensor(result)]
  }
}

/// Weights [groups * outputs][depth][kh][kw] as matrices [groups][kh kw depth][outputs].
func convolutionMatrix(
  _ w: [Float], groups: Int, outputs: Int, depth: Int, _ kh: Int, _ kw: Int
) -> [Float] {
  var result = [Float](repeating: 0, count: w.count)
  let taps = kh * kw
  for group in 0..<groups {
    for output in 0..<outputs {
      for channel in 0..<depth {
        for tap in 0..<taps {
          let from = ((group * outputs + output) * depth + channel) * taps + tap
          result[((group * taps + tap) * depth + channel) * outputs + output] = w[from]
        }
      }
    }
  }
  return result
}
