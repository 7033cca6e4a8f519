// MobileNet-style networks for pictures of 32 x 32.
import Zoo
import ZooCompiler

/// A depthwise and a pointwise convolution. Howard and others, "MobileNets", arXiv:1704.04861.
private func separable(
  _ b: inout NetworkBuilder, _ input: ValueID, _ name: String, channels: Int, stride: Int
) throws(CompileError) -> ValueID {
  try b.scope(name) { b throws(CompileError) in
    var x = try b.depthwise(
      "depthwise", input, kernel: 3, stride: stride, padding: .explicit(1), bias: false)
    x = try b.relu(try b.batchNorm("bn1", x))
    x = try b.convolution("pointwise", x, channels: channels, kernel: 1, bias: false)
    return try b.relu(try b.batchNorm("bn2", x))
  }
}

/// Expansion, depthwise convolution, projection. Sandler and others, "MobileNetV2", arXiv:1801.04381.
private func invertedResidual(
  _ b: inout NetworkBuilder, _ input: ValueID, _ name: String, channels: Int, expansion: Int,
  stride: Int
) throws(CompileError) -> ValueID {
  try b.scope(name) { b throws(CompileError) in
    let width = b.shape(input)[3] * expansion
    var x = try b.convolution("expand", input, channels: width, kernel: 1, bias: false)
    x = try b.activation(try b.batchNorm("bn1", x), .relu6)
    x = try b.depthwise(
      "depthwise", x, kernel: 3, stride: stride, padding: .explicit(1), bias: false)
    x = try b.activation(try b.batchNorm("bn2", x), .relu6)
    x = try b.convolution("project", x, channels: channels, kernel: 1, bias: false)
    x = try b.batchNorm("bn3", x)
    guard stride == 1, b.shape(input)[3] == channels else { return x }
    return try b.addition(x, input)
  }
}

let cifarMobileNets = [
  // Separable blocks at first, inverted residuals where the picture is small.
  Architecture(
    "mobilenet-cifar10", "MobileNet v1 and v2 blocks, CIFAR-10", input: (32, 32, 3),
    labels: cifar10Labels,
    preprocessing: cifarPreprocessing, parameterCount: 313_626
  ) { b, image, classes throws(CompileError) in
    var x = try b.convolution(
      "conv1", image, channels: 32, kernel: 3, padding: .explicit(1), bias: false)
    x = try b.relu(try b.batchNorm("bn1", x))
    x = try separable(&b, x, "block1", channels: 48, stride: 1)
    x = try separable(&b, x, "block2", channels: 64, stride: 2)
    for (index, block) in [
      (64, 1), (64, 1), (96, 2), (96, 1), (96, 1), (96, 1),
    ].enumerated() {
      x = try invertedResidual(
        &b, x, "block\(index + 3)", channels: block.0, expansion: 3, stride: block.1)
    }
    x = try b.convolution("conv2", x, channels: 384, kernel: 1, bias: false)
    x = try b.relu(try b.batchNorm("bn2", x))
    x = try b.flatten(try b.globalPool(.average, x, "avgpool"))
    return try b.softmax(try b.dense("fc", try b.dropout(x, 0.1), classes))
  }
]
