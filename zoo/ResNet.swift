// Residual networks for photos.
import Zoo
import ZooCompiler

/// He and others, "Deep residual learning for image recognition", arXiv:1512.03385: four stages of blocks with 64 to 512
/// channels; with `expansion` 4 the blocks are bottlenecks.
private func resNet(
  _ b: inout NetworkBuilder, _ image: ValueID, classes: Int, blocks: [Int], expansion: Int
) throws(CompileError) -> ValueID {
  var x = try b.normalizedConvolution("conv1", "bn1", image, channels: 64, kernel: 7, stride: 2)
  x = try b.pool(.max, x, kernel: 3, stride: 2, padding: .explicit(1), "maxpool")
  for (stage, count) in blocks.enumerated() {
    for block in 0..<count {
      let name = "layer\(stage + 1).\(block)"
      let stride = stage > 0 && block == 0 ? 2 : 1
      x =
        expansion == 1
        ? try basicBlock(&b, x, name, channels: 64 << stage, stride: stride)
        : try bottleneck(
          &b, x, name, width: 64 << stage, channels: (64 << stage) * expansion, stride: stride)
    }
  }
  return try b.dense("fc", try b.pooledVector(x), classes)
}

/// 1 x 1, 3 x 3 and 1 x 1 convolutions around which the input is carried. The stride is in the second ("v1.5"), as in all
/// weights that are around; the paper has it in the first.
private func bottleneck(
  _ b: inout NetworkBuilder, _ input: ValueID, _ name: String, width: Int, channels: Int,
  stride: Int
) throws(CompileError) -> ValueID {
  try b.scope(name) { b throws(CompileError) in
    var x = try b.normalizedConvolution("conv1", "bn1", input, channels: width, kernel: 1)
    x = try b.normalizedConvolution("conv2", "bn2", x, channels: width, kernel: 3, stride: stride)
    x = try b.normalizedConvolution(
      "conv3", "bn3", x, channels: channels, kernel: 1, activation: .none)
    var shortcut = input
    if stride != 1 || b.shape(input)[3] != channels {
      shortcut = try b.normalizedConvolution(
        "downsample.0", "downsample.1", input, channels: channels, kernel: 1, stride: stride,
        activation: .none)
    }
    return try b.relu(try b.addition(x, shortcut))
  }
}

private func entry(
  _ depth: Int, _ blocks: [Int], expansion: Int, parameters: Int
) -> Architecture {
  Architecture(
    "resnet\(depth)", "ResNet\(expansion == 4 ? " v1.5" : ""), \(depth) layers",
    input: (224, 224, 3), labels: imageNetLabels, preprocessing: imageNetPreprocessing(),
    parameterCount: parameters, weights: .torchvision
  ) { b, image, classes throws(CompileError) in
    try resNet(&b, image, classes: classes, blocks: blocks, expansion: expansion)
  }
}

let resNets = [
  entry(18, [2, 2, 2, 2], expansion: 1, parameters: 11_689_512),
  entry(34, [3, 4, 6, 3], expansion: 1, parameters: 21_797_672),
  entry(50, [3, 4, 6, 3], expansion: 4, parameters: 25_557_032),
  entry(101, [3, 4, 23, 3], expansion: 4, parameters: 44_549_160),
]
