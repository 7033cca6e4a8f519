// MobileNet v1: depthwise and pointwise convolutions in turn.
import Zoo
import ZooCompiler

/// Howard and others, "MobileNets: Efficient convolutional neural networks for mobile vision applications",
/// arXiv:1704.04861: all channels times `width`. Layers are named as in timm.
private func mobileNetV1(
  _ b: inout NetworkBuilder, _ image: ValueID, classes: Int, width: Double
) throws(CompileError) -> ValueID {
  func scaled(_ channels: Int) -> Int { makeDivisible(Double(channels) * width) }
  var x = try b.normalizedConvolution(
    "conv_stem", "bn1", image, channels: scaled(32), kernel: 3, stride: 2, activation: .relu6)
  let stages = [(64, 1), (128, 2), (256, 2), (512, 6), (1024, 2)]
  for (stage, (channels, count)) in stages.enumerated() {
    for block in 0..<count {
      x = try b.scope("blocks.\(stage).\(block)") { b throws(CompileError) in
        let y = try b.normalizedDepthwise(
          "conv_dw", "bn1", x, kernel: 3, stride: stage > 0 && block == 0 ? 2 : 1,
          activation: .relu6)
        return try b.normalizedConvolution(
          "conv_pw", "bn2", y, channels: scaled(channels), kernel: 1, activation: .relu6)
      }
    }
  }
  return try b.dense("classifier", try b.dropout(try b.pooledVector(x), 0.1), classes)
}

/// MobileNet v1 with a multiplier for its channels, for pictures of `side` x `side`.
private func entry(
  _ name: String, width: Double, side: Int, parameters: Int
) -> Architecture {
  Architecture(
    name, "MobileNet v1, width \(width), \(side) x \(side)", input: (side, side, 3),
    labels: imageNetLabels, preprocessing: symmetricPreprocessing(side: Int32(side * 8 / 7)),
    parameterCount: parameters, weights: .timm
  ) { b, image, classes throws(CompileError) in
    try mobileNetV1(&b, image, classes: classes, width: width)
  }
}

let mobileNetV1s = [
  entry("mobilenet_v1", width: 1, side: 224, parameters: 4_231_976),
  entry("mobilenet_v1_0.75", width: 0.75, side: 224, parameters: 2_585_560),
  entry("mobilenet_v1_0.5", width: 0.5, side: 224, parameters: 1_331_592),
  entry("mobilenet_v1_0.5_160", width: 0.5, side: 160, parameters: 1_331_592),
  entry("mobilenet_v1_0.25", width: 0.25, side: 224, parameters: 470_072),
  entry("mobilenet_v1_0.25_128", width: 0.25, side: 128, parameters: 470_072),
  entry("mobilenet_v1_0.25_96", width: 0.25, side: 96, parameters: 470_072),
]
