// VGG: stacks of 3 x 3 convolutions, halved five times.
import Zoo
import ZooCompiler

/// Simonyan, Zisserman, "Very deep convolutional networks for large-scale image recognition", arXiv:1409.1556; `depths` are
/// the convolutions of each of the five stages.
private func vgg(
  _ b: inout NetworkBuilder, _ image: ValueID, classes: Int, depths: [Int], normalizes: Bool
) throws(CompileError) -> ValueID {
  var x = image
  // Places in torchvision's list of layers: convolution, norm if any, activation; pooling.
  var index = 0
  for (depth, channels) in zip(depths, [64, 128, 256, 512, 512]) {
    for _ in 0..<depth {
      x = try b.convolution(
        "features.\(index)", x, channels: channels, kernel: 3, padding: .explicit(1))
      if normalizes { x = try b.batchNorm("features.\(index + 1)", x) }
      x = try b.relu(x)
      index += normalizes ? 3 : 2
    }
    x = try b.pool(.max, x, kernel: 2, "features.\(index)")
    index += 1
  }
  x = try b.flatten(x)
  for index in [0, 3] {
    x = try b.dropout(try b.relu(try b.dense("classifier.\(index)", x, 4096)), 0.5)
  }
  return try b.dense("classifier.6", x, classes)
}

/// timm has the dense layers as convolutions.
private let timmNames = [
  "classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2", "classifier.6": "head.fc",
]

private func entry(
  _ name: String, _ summary: String, _ depths: [Int], normalizes: Bool = false, parameters: Int
) -> Architecture {
  Architecture(
    name, summary, input: (224, 224, 3), labels: imageNetLabels,
    preprocessing: imageNetPreprocessing(), parameterCount: parameters, weights: .torchvision,
    aliases: timmNames
  ) { b, image, classes throws(CompileError) in
    try vgg(&b, image, classes: classes, depths: depths, normalizes: normalizes)
  }
}

let vggs = [
  entry("vgg16", "VGG, 16 layers", [2, 2, 3, 3, 3], parameters: 138_357_544),
  entry(
    "vgg16_bn", "VGG with batch norm, 16 layers", [2, 2, 3, 3, 3], normalizes: true,
    parameters: 138_365_992),
  entry("vgg19", "VGG, 19 layers", [2, 2, 4, 4, 4], parameters: 143_667_240),
  entry(
    "vgg19_bn", "VGG with batch norm, 19 layers", [2, 2, 4, 4, 4], normalizes: true,
    parameters: 143_678_248),
]
