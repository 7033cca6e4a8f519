// MobileNet v3: inverted residuals with squeeze-and-excitation and hard-swish.
import Zoo
import ZooCompiler

/// One line of the paper's tables 1 and 2.
private struct Bottleneck {
  let kernel: Int
  let expanded: Int
  let channels: Int
  let excites: Bool
  let activation: Activation
  let stride: Int

  init(
    _ kernel: Int, _ expanded: Int, _ channels: Int, _ excites: Bool, _ activation: Activation,
    _ stride: Int
  ) {
    self.kernel = kernel
    self.expanded = expanded
    self.channels = channels
    self.excites = excites
    self.activation = activation
    self.stride = stride
  }
}

private let hardSwish = Activation(.hardSwish)
/// min(max(x + 3, 0), 6) / 6
private let hardSigmoid = Activation(.hardSigmoid, alpha: 1 / 6, beta: 0.5)

private let large = [
  Bottleneck(3, 16, 16, false, .relu, 1), Bottleneck(3, 64, 24, false, .relu, 2),
  Bottleneck(3, 72, 24, false, .relu, 1), Bottleneck(5, 72, 40, true, .relu, 2),
  Bottleneck(5, 120, 40, true, .relu, 1), Bottleneck(5, 120, 40, true, .relu, 1),
  Bottleneck(3, 240, 80, false, hardSwish, 2), Bottleneck(3, 200, 80, false, hardSwish, 1),
  Bottleneck(3, 184, 80, false, hardSwish, 1), Bottleneck(3, 184, 80, false, hardSwish, 1),
  Bottleneck(3, 480, 112, true, hardSwish, 1), Bottleneck(3, 672, 112, true, hardSwish, 1),
  Bottleneck(5, 672, 160, true, hardSwish, 2), Bottleneck(5, 960, 160, true, hardSwish, 1),
  Bottleneck(5, 960, 160, true, hardSwish, 1),
]

private let small = [
  Bottleneck(3, 16, 16, true, .relu, 2), Bottleneck(3, 72, 24, false, .relu, 2),
  Bottleneck(3, 88, 24, false, .relu, 1), Bottleneck(5, 96, 40, true, hardSwish, 2),
  Bottleneck(5, 240, 40, true, hardSwish, 1), Bottleneck(5, 240, 40, true, hardSwish, 1),
  Bottleneck(5, 120, 48, true, hardSwish, 1), Bottleneck(5, 144, 48, true, hardSwish, 1),
  Bottleneck(5, 288, 96, true, hardSwish, 2), Bottleneck(5, 576, 96, true, hardSwish, 1),
  Bottleneck(5, 576, 96, true, hardSwish, 1),
]

/// Howard and others, "Searching for MobileNetV3", arXiv:1905.02244.
private func mobileNetV3(
  _ b: inout NetworkBuilder, _ image: ValueID, classes: Int, blocks: [Bottleneck], last: Int,
  epsilon: Float
) throws(CompileError) -> ValueID {
  var x = try b.normalizedConvolution(
    "features.0.0", "features.0.1", image, channels: 16, kernel: 3, stride: 2, epsilon: epsilon,
    activation: hardSwish)
  for (index, block) in blocks.enumerated() {
    x = try bottleneck(&b, x, "features.\(index + 1)", block, epsilon)
  }
  let index = blocks.count + 1
  x = try b.normalizedConvolution(
    "features.\(index).0", "features.\(index).1", x, channels: 6 * b.shape(x)[3], kernel: 1,
    epsilon: epsilon, activation: hardSwish)
  x = try b.dense("classifier.0", try b.pooledVector(x), last)
  x = try b.dropout(try b.activation(x, hardSwish), 0.2)
  return try b.dense("classifier.3", x, classes)
}

private func bottleneck(
  _ b: inout NetworkBuilder, _ input: ValueID, _ name: String, _ block: Bottleneck,
  _ epsilon: Float
) throws(CompileError) -> ValueID {
  try b.scope(name + ".block") { b throws(CompileError) in
    var x = input
    var index = 0
    if block.expanded != b.shape(input)[3] {
      x = try b.normalizedConvolution(
        "0.0", "0.1", x, channels: block.expanded, kernel: 1, epsilon: epsilon,
        activation: block.activation)
      index += 1
    }
    x = try b.normalizedDepthwise(
      "\(index).0", "\(index).1", x, kernel: block.kernel, stride: block.stride, epsilon: epsilon,
      activation: block.activation)
    index += 1
    if block.excites {
      x = try squeezeExcitation(&b, x, "\(index)")
      index += 1
    }
    x = try b.normalizedConvolution(
      "\(index).0", "\(index).1", x, channels: block.channels, kernel: 1, epsilon: epsilon,
      activation: .none)
    guard block.stride == 1, b.shape(input)[3] == block.channels else { return x }
    return try b.addition(x, input)
  }
}

/// Channels weighed by what the whole picture shows. Hu and others, "Squeeze-and-excitation networks", arXiv:1709.01507.
private func squeezeExcitation(
  _ b: inout NetworkBuilder, _ input: ValueID, _ name: String
) throws(CompileError) -> ValueID {
  try b.scope(name) { b throws(CompileError) in
    let channels = b.shape(input)[3]
    var x = try b.globalPool(.average, input, "avgpool")
    x = try b.convolution(
      "fc1", x, channels: makeDivisible(Double(channels / 4)), kernel: 1)
    x = try b.convolution("fc2", try b.relu(x), channels: channels, kernel: 1)
    return try b.multiplication(input, try b.activation(x, hardSigmoid))
  }
}

/// timm's names of the layers, by torchvision's. A stage of timm begins where the number of channels changes.
private func timmNames(_ blocks: [Bottleneck]) -> [String: String] {
  var names = ["features.0.0": "conv_stem", "features.0.1": "bn1"]
  var (stage, block) = (-1, 0)
  for (index, line) in blocks.enumerated() {
    let inputs = index == 0 ? 16 : blocks[index - 1].channels
    let startsStage = index == 0 || line.channels != inputs || line.stride == 2
    (stage, block) = startsStage ? (stage + 1, 0) : (stage, block + 1)
    var layers = line.expanded == inputs ? [] : ["conv_pw"]
    layers.append("conv_dw")
    if line.excites { layers.append("se") }
    layers.append(line.expanded == inputs ? "conv_pw" : "conv_pwl")
    let theirs = "blocks.\(stage).\(block)."
    var norm = 1
    for (position, layer) in layers.enumerated() {
      let ours = "features.\(index + 1).block.\(position)."
      if layer == "se" {
        names[ours + "fc1"] = theirs + "se.conv_reduce"
        names[ours + "fc2"] = theirs + "se.conv_expand"
      } else {
        names[ours + "0"] = theirs + layer
        names[ours + "1"] = theirs + "bn\(norm)"
        norm += 1
      }
    }
  }
  names["features.\(blocks.count + 1).0"] = "blocks.\(stage + 1).0.conv"
  names["features.\(blocks.count + 1).1"] = "blocks.\(stage + 1).0.bn1"
  names["classifier.0"] = "conv_head"
  names["classifier.3"] = "classifier"
  return names
}

/// torchvision's network, and timm's, which was trained with another epsilon.
private func entries(
  _ size: String, _ blocks: [Bottleneck], last: Int, parameters: Int
) -> [Architecture] {
  let forms: [(name: String, Architecture.Weights, epsilon: Float)] = [
    ("mobilenet_v3_\(size)", .torchvision, 1e-3), ("mobilenetv3_\(size)_100", .timm, 1e-5),
  ]
  return forms.map { name, weights, epsilon in
    Architecture(
      name, "MobileNet v3 \(size)\(weights == .timm ? ", timm's epsilon" : "")",
      input: (224, 224, 3), labels: imageNetLabels, preprocessing: imageNetPreprocessing(),
      parameterCount: parameters, weights: weights,
      aliases: weights == .timm ? timmNames(blocks) : [:]
    ) { b, image, classes throws(CompileError) in
      try mobileNetV3(
        &b, image, classes: classes, blocks: blocks, last: last, epsilon: epsilon)
    }
  }
}

let mobileNetV3s =
  entries("small", small, last: 1024, parameters: 2_542_856)
  + entries("large", large, last: 1280, parameters: 5_483_032)
