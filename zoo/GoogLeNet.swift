// GoogLeNet: windows of several sizes side by side.
import Zoo
import ZooCompiler

private let epsilon: Float = 1e-3

/// A convolution "NAME.conv" and its norm "NAME.bn".
private func unit(
  _ b: inout NetworkBuilder, _ x: ValueID, _ name: String, channels: Int, kernel: Int,
  stride: Int = 1
) throws(CompileError) -> ValueID {
  try b.normalizedConvolution(
    name + ".conv", name + ".bn", x, channels: channels, kernel: kernel, stride: stride,
    epsilon: epsilon)
}

/// Channels of an inception block: 1 x 1; before and of 3 x 3; before and of the large window; after the pooling.
private typealias Widths = (Int, (Int, Int), (Int, Int), Int)

private func inception(
  _ b: inout NetworkBuilder, _ input: ValueID, _ name: String, _ widths: Widths
) throws(CompileError) -> ValueID {
  try b.scope(name) { b throws(CompileError) in
    let one = try unit(&b, input, "branch1", channels: widths.0, kernel: 1)
    var three = try unit(&b, input, "branch2.0", channels: widths.1.0, kernel: 1)
    three = try unit(&b, three, "branch2.1", channels: widths.1.1, kernel: 3)
    // 5 x 5 in the paper; the weights that are around were trained with 3 x 3.
    var five = try unit(&b, input, "branch3.0", channels: widths.2.0, kernel: 1)
    five = try unit(&b, five, "branch3.1", channels: widths.2.1, kernel: 3)
    var pooled = try b.pool(
      .max, input, kernel: 3, stride: 1, padding: .explicit(1), ceil: true, "branch4.0")
    pooled = try unit(&b, pooled, "branch4.1", channels: widths.3, kernel: 1)
    return try b.concatenation([one, three, five, pooled])
  }
}

/// Szegedy and others, "Going deeper with convolutions", arXiv:1409.4842, with batch norm and without the auxiliary heads,
/// which serve training only.
private func googLeNet(
  _ b: inout NetworkBuilder, _ image: ValueID, classes: Int
) throws(CompileError) -> ValueID {
  func pool(_ x: ValueID, _ index: Int, kernel: Int = 3) throws(CompileError) -> ValueID {
    try b.pool(.max, x, kernel: kernel, stride: 2, ceil: true, "maxpool\(index)")
  }
  var x = try unit(&b, image, "conv1", channels: 64, kernel: 7, stride: 2)
  x = try unit(&b, try pool(x, 1), "conv2", channels: 64, kernel: 1)
  x = try unit(&b, x, "conv3", channels: 192, kernel: 3)
  x = try pool(x, 2)
  x = try inception(&b, x, "inception3a", (64, (96, 128), (16, 32), 32))
  x = try inception(&b, x, "inception3b", (128, (128, 192), (32, 96), 64))
  x = try pool(x, 3)
  x = try inception(&b, x, "inception4a", (192, (96, 208), (16, 48), 64))
  x = try inception(&b, x, "inception4b", (160, (112, 224), (24, 64), 64))
  x = try inception(&b, x, "inception4c", (128, (128, 256), (24, 64), 64))
  x = try inception(&b, x, "inception4d", (112, (144, 288), (32, 64), 64))
  x = try inception(&b, x, "inception4e", (256, (160, 320), (32, 128), 128))
  x = try pool(x, 4, kernel: 2)
  x = try inception(&b, x, "inception5a", (256, (160, 320), (32, 128), 128))
  x = try inception(&b, x, "inception5b", (384, (192, 384), (48, 128), 128))
  return try b.dense("fc", try b.dropout(try b.pooledVector(x), 0.2), classes)
}

let googLeNets = [
  // torchvision's weights came from TensorFlow: its `transform_input` turns ImageNet's normalisation back into -1...1, which
  // is the preprocessing here.
  Architecture(
    "googlenet", "GoogLeNet (Inception v1) with batch norm", input: (224, 224, 3),
    labels: imageNetLabels,
    preprocessing: symmetricPreprocessing(side: 256), parameterCount: 6_624_904,
    weights: .torchvision, unused: ["aux1.", "aux2."]
  ) { b, image, classes throws(CompileError) in
    try googLeNet(&b, image, classes: classes)
  }
]
