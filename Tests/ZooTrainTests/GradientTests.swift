// Every gradient against central differences in Double.
import CZoo
import Testing
import Zoo
import ZooCompiler
import ZooTrain

/// A layer, or a few, on a small picture: how to build it.
struct GradientCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  var picture = (height: 5, width: 6, channels: 5)
  let build: @Sendable (inout NetworkBuilder, ValueID) throws -> ValueID

  init(
    _ name: String, _ picture: (Int, Int, Int) = (5, 6, 5),
    _ build: @escaping @Sendable (inout NetworkBuilder, ValueID) throws -> ValueID
  ) {
    testDescription = name
    self.picture = (picture.0, picture.1, picture.2)
    self.build = build
  }
}

struct GradientTests {
  static let activations: [Activation] = [
    .relu, .relu6, Activation(.leakyReLU, alpha: 0.1), Activation(.sigmoid), Activation(.tanh),
    Activation(.hardSigmoid, alpha: 1.0 / 6, beta: 0.5), Activation(.hardSwish), Activation(.exp),
    Activation(.elu, alpha: 0.7), Activation(.silu, alpha: 1),
  ]

  static let cases: [GradientCase] = {
    var cases: [GradientCase] = []
    for (channels, outputs) in [(1, 1), (3, 17), (8, 16), (16, 33), (33, 48)] {
      cases.append(
        GradientCase("convolution 3x3 same, \(channels) to \(outputs)", (4, 5, channels)) {
          try $0.convolution("c", $1, channels: outputs, kernel: 3, padding: .same)
        })
    }
    cases += [
      GradientCase("convolution 3x3 stride 2", (7, 6, 9)) {
        try $0.convolution("c", $1, channels: 10, kernel: 3, stride: 2, padding: .explicit(1))
      },
      GradientCase("convolution 5x5 stride 3, asymmetric", (11, 10, 3)) {
        try $0.convolution("c", $1, channels: 4, kernel: 5, stride: 3, padding: .same)
      },
      GradientCase("convolution 5x5 of few channels, unpadded", (7, 8, 6)) {
        try $0.convolution("c", $1, channels: 16, kernel: 5)
      },
      GradientCase("convolution 3x2 of one channel, stride 2", (8, 7, 1)) {
        try $0.convolution("c", $1, channels: 6, kernel: 3, kernelWidth: 2, stride: 2)
      },
      GradientCase("convolution over the whole image", (3, 3, 7)) {
        try $0.activation(try $0.convolution("c", $1, channels: 20, kernel: 3), Activation(.tanh))
      },
      GradientCase("convolution 1x1 stride 2", (5, 4, 12)) {
        try $0.convolution("c", $1, channels: 7, kernel: 1, stride: 2, bias: false)
      },
      GradientCase("convolution 1x1 stride 3, padded", (7, 7, 4)) {
        try $0.convolution("c", $1, channels: 3, kernel: 2, stride: 3, padding: .explicit(1))
      },
      GradientCase("convolution with groups", (5, 5, 12)) {
        try $0.convolution("c", $1, channels: 6, kernel: 3, padding: .same, groups: 3)
      },
      GradientCase("convolution with many weights", (3, 3, 64)) {
        try $0.convolution("c", $1, channels: 130, kernel: 3, padding: .same)
      },
      GradientCase("convolution by Winograd's transforms", (8, 9, 32)) {
        try $0.convolution("c", $1, channels: 48, kernel: 3, padding: .same)
      },
      GradientCase("sum with a convolution by Winograd's transforms", (9, 8, 32)) {
        try $0.addition(
          $1, try $0.relu(try $0.convolution("c", $1, channels: 32, kernel: 3, padding: .same)))
      },
      GradientCase("convolutions with few channels by Winograd's transforms", (11, 13, 16)) {
        let y = try $0.convolution("c1", $1, channels: 32, kernel: 3)
        return try $0.relu(try $0.convolution("c2", y, channels: 16, kernel: 3, padding: .same))
      },
      GradientCase("residual block by Winograd's transforms", (9, 14, 16)) { b, x in
        var y = try b.convolution("c1", x, channels: 32, kernel: 3, padding: .same, bias: false)
        y = try b.relu(try b.batchNorm("b1", y))
        y = try b.convolution("c2", y, channels: 16, kernel: 3, padding: .same, bias: false)
        return try b.relu(try b.addition(try b.batchNorm("b2", y), x))
      },
      GradientCase("convolution 1x3, fused tanh", (4, 6, 9)) {
        try $0.activation(
          try $0.convolution(
            "c", $1, channels: 5, kernel: 1, kernelWidth: 3,
            padding: .sides(vertical: 0, horizontal: 1)),
          Activation(.tanh))
      },
      GradientCase("convolution with dilation", (7, 8, 8)) { b, x in
        var dilated = Conv2D()
        dilated.window.kernelHeight = 3
        dilated.window.kernelWidth = 3
        dilated.window.dilationHeight = 2
        dilated.window.dilationWidth = 2
        dilated.window.padTop = 1
        let first = try b.convolution("c", x, channels: 8, kernel: 3, padding: .same)
        let weights = b.graph.nodes.last?.inputs[1]
        return try b.add(dilated, [first, weights], "dilated")
      },
      GradientCase("depthwise", (6, 5, 19)) {
        try $0.depthwise("d", $1, kernel: 3, padding: .same)
      },
      GradientCase("depthwise stride 2, fused ReLU6", (7, 7, 8)) {
        try $0.activation(
          try $0.depthwise("d", $1, kernel: 5, stride: 2, padding: .explicit(2)), .relu6)
      },
      GradientCase("depthwise with a fused hard-swish", (4, 4, 8)) { b, x in
        var depthwise = DepthwiseConv2D()
        depthwise.activation = Activation(.hardSwish)
        let first = try b.depthwise("d", x, kernel: 1, bias: false)
        let weights = b.graph.nodes.last?.inputs[1]
        return try b.add(depthwise, [first, weights], "fused")
      },
      GradientCase("dense", (2, 3, 5)) { try $0.dense("d", try $0.flatten($1), 37) },
      GradientCase("dense, all remainders of rows", (1, 1, 31)) {
        try $0.dense("d", try $0.flatten($1), 16)
      },
      GradientCase("dense, fused sigmoid", (2, 3, 50)) {
        try $0.activation(try $0.dense("d", try $0.flatten($1), 16), Activation(.sigmoid))
      },
      GradientCase("batch norm") { try $0.batchNorm("bn", $1) },
      GradientCase("batch norm, fused ReLU", (4, 4, 21)) {
        try $0.relu(try $0.batchNorm("bn", $1))
      },
      GradientCase("max pooling") { try $0.pool(.max, $1, kernel: 2) },
      GradientCase("max pooling, overlapping, padded", (7, 7, 70)) {
        try $0.pool(.max, $1, kernel: 3, stride: 2, padding: .explicit(1))
      },
      GradientCase("max pooling, side by side", (6, 4, 9)) { try $0.pool(.max, $1, kernel: 2) },
      GradientCase("mean pooling, side by side", (6, 4, 19)) {
        try $0.pool(.average, $1, kernel: 2)
      },
      GradientCase("min pooling") { try $0.pool(.min, $1, kernel: 3, stride: 2) },
      GradientCase("mean pooling") { try $0.pool(.average, $1, kernel: 2) },
      GradientCase("mean pooling, padded, not counted", (6, 5, 3)) {
        try $0.pool(.average, $1, kernel: 3, stride: 2, padding: .explicit(1))
      },
      GradientCase("mean pooling, padding counted", (6, 5, 3)) {
        try $0.pool(
          .average, $1, kernel: 3, stride: 1, padding: .explicit(1), countsPadding: true)
      },
      GradientCase("global mean") { try $0.globalPool(.average, $1) },
      GradientCase("global maximum") { try $0.globalPool(.max, $1) },
      GradientCase("addition of two paths") {
        let a = try $0.convolution("a", $1, channels: 4, kernel: 1)
        let b = try $0.convolution("b", $1, channels: 4, kernel: 3, padding: .same)
        return try $0.relu(try $0.addition(a, b))
      },
      GradientCase("subtraction and product") {
        let a = try $0.convolution("a", $1, channels: 4, kernel: 1)
        let b = try $0.convolution("b", $1, channels: 4, kernel: 1)
        return try $0.multiplication(try $0.add(Binary(.subtract), [a, b], "difference"), a)
      },
      GradientCase("squeeze and excitation") {
        let gate = try $0.convolution(
          "squeeze", try $0.globalPool(.average, $1), channels: 5, kernel: 1)
        return try $0.multiplication($1, try $0.activation(gate, Activation(.sigmoid)))
      },
      GradientCase("concatenation") {
        let a = try $0.convolution("a", $1, channels: 3, kernel: 1)
        return try $0.concatenation([a, $1, a])
      },
      GradientCase("padding") { b, x in
        var pad = Pad()
        pad.before[1] = 1
        pad.after[2] = 2
        pad.before[3] = 1
        return try b.add(pad, [x], "pad")
      },
      GradientCase("local response normalisation", (3, 3, 12)) {
        try $0.localResponseNorm($1, size: 5, alpha: 0.5, beta: 0.75, bias: 1)
      },
      GradientCase("residual block", (6, 6, 8)) { b, x in
        var y = try b.convolution("c1", x, channels: 8, kernel: 3, padding: .same, bias: false)
        y = try b.relu(try b.batchNorm("b1", y))
        y = try b.convolution("c2", y, channels: 8, kernel: 3, padding: .same, bias: false)
        return try b.relu(try b.addition(try b.batchNorm("b2", y), x))
      },
      GradientCase("residual blocks one after the other", (4, 5, 6)) { b, x in
        var x = try b.convolution("c0", x, channels: 8, kernel: 3, padding: .same)
        for index in 1...3 {
          var y = try b.convolution("c\(index)", x, channels: 8, kernel: 3, padding: .same)
          y = try b.batchNorm("b\(index)", y)
          x = try b.relu(try b.addition(index == 2 ? x : y, index == 2 ? y : x))
        }
        return x
      },
      GradientCase("residual block with a projection", (4, 4, 5)) { b, x in
        var y = try b.convolution("c1", x, channels: 6, kernel: 3, padding: .same, bias: false)
        y = try b.relu(try b.batchNorm("b1", y))
        y = try b.convolution("c2", y, channels: 6, kernel: 3, padding: .same, bias: false)
        y = try b.batchNorm("b2", y)
        let shortcut = try b.batchNorm(
          "bs", try b.convolution("cs", x, channels: 6, kernel: 1, bias: false))
        return try b.relu(try b.addition(y, shortcut))
      },
      GradientCase("residual block with a projection that is activated", (4, 4, 5)) { b, x in
        let y = try b.batchNorm(
          "b", try b.convolution("c", x, channels: 6, kernel: 3, padding: .same, bias: false))
        let shortcut = try b.activation(
          try b.convolution("cs", x, channels: 6, kernel: 1), Activation(.tanh))
        return try b.relu(try b.addition(y, shortcut))
      },
      GradientCase("shortcut that is read before the sum, after it, and twice", (4, 4, 6)) { b, x in
        let x = try b.convolution("c0", x, channels: 6, kernel: 1)
        let y = try b.batchNorm(
          "b", try b.convolution("c1", x, channels: 6, kernel: 3, padding: .same, bias: false))
        let between = try b.convolution("c2", x, channels: 6, kernel: 1)
        let sum = try b.relu(try b.addition(y, x))
        let later = try b.addition(try b.addition(sum, between), x)
        let twice = try b.addition(later, later)
        return try b.addition(try b.activation(twice, Activation(.sigmoid)), x)
      },
      GradientCase("sum of norms that is not clamped by ReLU", (4, 4, 6)) { b, x in
        let first = try b.batchNorm("b1", try b.convolution("c1", x, channels: 7, kernel: 1))
        let second = try b.batchNorm(
          "b2", try b.convolution("c2", x, channels: 7, kernel: 3, padding: .same))
        return try b.activation(try b.addition(first, second), Activation(.elu, alpha: 0.7))
      },
    ]
    for activation in activations {
      cases.append(
        GradientCase(activationName(activation)) { try $0.activation($1, activation) })
    }
    return cases
  }()

  static let isas = [ZOO_ISA_SCALAR, ZOO_ISA_AVX2, ZOO_ISA_AVX512].filter {
    zoo_isa_available($0) != 0
  }

  /// The network: numbers, one for each image, times a learned picture, so that the picture's gradient is that of
  /// the layer's input; then the layer; then a fixed random weighting of its outputs as the loss.
  @Test(arguments: cases)
  func equalsCentralDifferences(_ c: GradientCase) throws {
    let batch = 3
    var builder = NetworkBuilder(RandomWeights(seed: 5))
    let scalar = builder.image(height: 1, width: 1, channels: 1)
    let picture = c.picture.height * c.picture.width * c.picture.channels
    var x = try builder.dense(
      "picture", try builder.flatten(scalar), picture, bias: false, initializer: .normal(1.5))
    x = try builder.add(
      Reshape(
        Shape(n: 1, h: c.picture.height, w: c.picture.width, c: c.picture.channels)), [x], "image")
    let y = try c.build(&builder, x)
    let graph = try builder.finish(y)
    let inputs: [Float] = [0.8, -1.1, 1.7]
    var random = RandomStream(seed: 11)
    let outputCount = graph[graph.outputs[0]].shape.elementCount * batch
    let weighting = (0..<outputCount).map { _ in Float(random.uniform(-1...1)) }
    let reference = DoubleNetwork(try rebatched(graph, batch: batch))

    func loss(_ network: DoubleNetwork) -> Double {
      let y = network.run(inputs.map(Double.init))
      return zip(y, weighting).reduce(0) { $0 + $1.0 * Double($1.1) }
    }

    for isa in GradientTests.isas {
      let network = try TrainingNetwork(
        graph, batch: batch, seed: 1, loss: LossFunction(),
        workers: try Workers(threads: 2, isa: isa))
      network.input.value.update(from: inputs, count: batch)
      for layer in network.layers { layer.forward() }
      let output = network.logits
      let expected = reference.run(inputs.map(Double.init))
      for at in 0..<outputCount {
        #expect(
          abs(Double(output.value[at]) - expected[at]) <= 2e-4 * max(1, abs(expected[at])))
      }
      output.gradient?.update(from: weighting, count: outputCount)
      output.hasGradient = true
      for layer in network.layers.reversed() where layer.output.hasGradient { layer.backward() }

      for entry in network.store.parameters {
        let gradient = UnsafeBufferPointer(
          start: network.store.gradients.base + entry.offset, count: entry.shape.elementCount)
        let scale = max(1e-2, gradient.reduce(0.0) { max($0, Double(abs($1))) })
        // A sample of large parameters, all of small ones.
        let stride = max(1, entry.shape.elementCount / 40)
        for at in Swift.stride(from: 0, to: entry.shape.elementCount, by: stride) {
          var moved = reference
          let h = 1e-6
          guard let value = reference.constants[entry.id]?[at] else { continue }
          moved.constants[entry.id]?[at] = value + h
          let above = loss(moved)
          moved.constants[entry.id]?[at] = value - h
          let difference = (above - loss(moved)) / (2 * h)
          #expect(
            abs(Double(gradient[at]) - difference) <= 1e-3 * scale,
            "\(String(cString: zoo_isa_name(isa))) \(entry.name)[\(at)]: \(gradient[at]) against \(difference)"
          )
        }
      }
    }
  }

  /// LeNet-5, of which `TrainerTests` compares whole runs, has no convolution that is transformed.
  @Test(arguments: [(80, 48), (32, 32)])
  func threadsDoNotChangeTransformedGradients(_ first: Int, _ second: Int) throws {
    var builder = NetworkBuilder(RandomWeights(seed: 6))
    let image = builder.image(height: 17, width: 14, channels: 16)
    var x = try builder.convolution(
      "c1", image, channels: first, kernel: 3, padding: .same, bias: false)
    x = try builder.relu(try builder.batchNorm("bn", x))
    x = try builder.convolution("c2", x, channels: second, kernel: 3, padding: .same)
    let graph = try builder.finish(x)
    var gradients: [[Float]] = []
    for threads in 1...3 {
      let network = try TrainingNetwork(
        graph, batch: 3, seed: 1, loss: LossFunction(), workers: try Workers(threads: threads))
      var random = RandomStream(seed: 7)
      for at in 0..<network.input.count { network.input.value[at] = Float(random.uniform(-1...1)) }
      for layer in network.layers { layer.forward() }
      for at in 0..<network.logits.count {
        network.logits.gradient?[at] = Float(random.uniform(-1...1))
      }
      network.logits.hasGradient = true
      for layer in network.layers.reversed() { layer.backward() }
      gradients.append(network.store.gradients.floats)
    }
    #expect(gradients[0].contains { $0 != 0 })
    #expect(gradients[0] == gradients[1])
    #expect(gradients[0] == gradients[2])
  }
}
