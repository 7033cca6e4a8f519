// MobileNet v2: inverted residuals with linear bottlenecks.
import Zoo
import ZooCompiler

/// Expansion, channels, blocks and stride of the first block.
private let stages = [
  (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
  (6, 320, 1, 1),
]

/// Sandler and others, "MobileNetV2: Inverted residuals and linear bottlenecks", arXiv:1801.04381, table 2.
private func mobileNetV2(
  _ b: inout NetworkBuilder, _ image: ValueID, classes: Int, width: Double
) throws(CompileError) -> ValueID {
  func scaled(_ channels: Int) -> Int { makeDivisible(Double(channels) * width) }
  var x = try b.normalizedConvolution(
    "features.0.0", "features.0.1", image, channels: scaled(32), kernel: 3, stride: 2,
    activation: .relu6)
  var index = 1
  for (expansion, channels, count, stride) in stages {
    for block in 0..<count {
      x = try invertedResidual(
        &b, x, "features.\(index)", expansion: expansion, channels: scaled(channels),
        stride: block == 0 ? stride : 1)
      index += 1
    }
  }
  x = try b.normalizedConvolution(
    "features.\(index).0", "features.\(index).1", x, channels: max(1280, scaled(1280)), kernel: 1,
    activation: .relu6)
  return try b.dense("classifier.1", try b.dropout(try b.pooledVector(x), 0.2), classes)
}

/// Expansion, depthwise convolution and projection, around which the input is carried where shapes agree.
private func invertedResidual(
  _ b: inout NetworkBuilder, _ input: ValueID, _ name: String, expansion: Int, channels: Int,
  stride: Int
) throws(CompileError) -> ValueID {
  try b.scope(name + ".conv") { b throws(CompileError) in
    var x = input
    // A block that does not expand has no expanding layers, and its others move up.
    var index = 0
    if expansion > 1 {
      x = try b.normalizedConvolution(
        "0.0", "0.1", x, channels: b.shape(input)[3] * expansion, kernel: 1, activation: .relu6)
      index = 1
    }
    x = try b.normalizedDepthwise(
      "\(index).0", "\(index).1", x, kernel: 3, stride: stride, activation: .relu6)
    x = try b.normalizedConvolution(
      "\(index + 1)", "\(index + 2)", x, channels: channels, kernel: 1, activation: .none)
    guard stride == 1, b.shape(input)[3] == channels else { return x }
    return try b.addition(x, input)
  }
}

/// timm's names of the layers, by torchvision's.
private let timmNames: [String: String] = {
  var names = ["features.0.0": "conv_stem", "features.0.1": "bn1", "classifier.1": "classifier"]
  var index = 1
  for (stage, (expansion, _, count, _)) in stages.enumerated() {
    let layers =
      expansion == 1
      ? [("0.0", "conv_dw"), ("0.1", "bn1"), ("1", "conv_pw"), ("2", "bn2")]
      : [
        ("0.0", "conv_pw"), ("0.1", "bn1"), ("1.0", "conv_dw"), ("1.1", "bn2"),
        ("2", "conv_pwl"), ("3", "bn3"),
      ]
    for block in 0..<count {
      for (ours, theirs) in layers {
        names["features.\(index).conv.\(ours)"] = "blocks.\(stage).\(block).\(theirs)"
      }
      index += 1
    }
  }
  names["features.\(index).0"] = "conv_head"
  names["features.\(index).1"] = "bn2"
  return names
}()

let mobileNetV2s = [
  Architecture(
    "mobilenet_v2", "MobileNet v2", input: (224, 224, 3), labels: imageNetLabels,
    preprocessing: imageNetPreprocessing(), parameterCount: 3_504_872, weights: .torchvision,
    aliases: timmNames
  ) { b, image, classes throws(CompileError) in
    try mobileNetV2(&b, image, classes: classes, width: 1)
  }
]
