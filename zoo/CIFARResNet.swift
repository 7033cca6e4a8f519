// Residual networks for pictures of 32 x 32.
import Zoo
import ZooCompiler

/// He and others, "Deep residual learning for image recognition", arXiv:1512.03385, section 4.2: a convolution, three
/// stages of n blocks with 16, 32 and 64 channels, global mean, classes. Depth is 6 n + 2 (8: n = 1).
/// Shortcuts that change shape are 1 x 1 convolutions (option B).
private func resNet(
  _ b: inout NetworkBuilder, _ image: ValueID, classes: Int, blocks: Int
) throws(CompileError) -> ValueID {
  var x = try b.convolution(
    "conv1", image, channels: 16, kernel: 3, padding: .explicit(1), bias: false)
  x = try b.relu(try b.batchNorm("bn1", x))
  for stage in 0..<3 {
    for block in 0..<blocks {
      let stride = stage > 0 && block == 0 ? 2 : 1
      x = try basicBlock(
        &b, x, "layer\(stage + 1).\(block)", channels: 16 << stage, stride: stride)
    }
  }
  x = try b.flatten(try b.globalPool(.average, x, "avgpool"))
  return try b.softmax(try b.dense("fc", x, classes))
}

/// Two 3 x 3 convolutions around which the input is carried.
func basicBlock(
  _ b: inout NetworkBuilder, _ input: ValueID, _ name: String, channels: Int, stride: Int
) throws(CompileError) -> ValueID {
  try b.scope(name) { b throws(CompileError) in
    var x = try b.convolution(
      "conv1", input, channels: channels, kernel: 3, stride: stride, padding: .explicit(1),
      bias: false)
    x = try b.relu(try b.batchNorm("bn1", x))
    x = try b.convolution(
      "conv2", x, channels: channels, kernel: 3, padding: .explicit(1), bias: false)
    x = try b.batchNorm("bn2", x)
    var shortcut = input
    if stride != 1 || b.shape(input)[3] != channels {
      shortcut = try b.convolution(
        "downsample.0", input, channels: channels, kernel: 1, stride: stride, bias: false)
      shortcut = try b.batchNorm("downsample.1", shortcut)
    }
    return try b.relu(try b.addition(x, shortcut))
  }
}

/// The same with shortcuts that have no parameters (option A): every second pixel, and channels of zeros around; all weights
/// that are in the repository of Idelbayev, https://github.com/akamaster/pytorch_resnet_cifar10, have this form.
private func plainResNet(
  _ b: inout NetworkBuilder, _ image: ValueID, classes: Int, blocks: Int
) throws(CompileError) -> ValueID {
  var x = try b.normalizedConvolution("conv1", "bn1", image, channels: 16, kernel: 3)
  for stage in 0..<3 {
    for block in 0..<blocks {
      let input = x
      let stride = stage > 0 && block == 0 ? 2 : 1
      x = try b.scope("layer\(stage + 1).\(block)") { b throws(CompileError) in
        var y = try b.normalizedConvolution(
          "conv1", "bn1", input, channels: 16 << stage, kernel: 3, stride: stride)
        y = try b.normalizedConvolution(
          "conv2", "bn2", y, channels: 16 << stage, kernel: 3, activation: .none)
        let shortcut = stride == 1 ? input : try halved(&b, input)
        return try b.relu(try b.addition(y, shortcut))
      }
    }
  }
  return try b.dense("linear", try b.pooledVector(x), classes)
}

/// Every second pixel, with as many channels again, half of them before and half behind, of zeros.
private func halved(
  _ b: inout NetworkBuilder, _ x: ValueID
) throws(CompileError) -> ValueID {
  let shape = b.shape(x)
  var slice = Slice()
  for axis in 0..<4 { slice.count[axis] = shape[axis] }
  for axis in 1...2 {
    slice.step[axis] = 2
    slice.count[axis] = (shape[axis] + 1) / 2
  }
  var pad = Pad()
  pad.before[3] = shape[3] / 2
  pad.after[3] = shape[3] / 2
  return try b.add(pad, [try b.add(slice, [x], "shortcut.slice")], "shortcut.pad")
}

private func entry(
  _ name: String, _ summary: String, blocks: Int, parameters: Int
) -> Architecture {
  Architecture(
    name, summary, input: (32, 32, 3), labels: cifar10Labels, preprocessing: cifarPreprocessing,
    parameterCount: parameters
  ) { b, image, classes throws(CompileError) in
    try resNet(&b, image, classes: classes, blocks: blocks)
  }
}

let cifarResNets = [
  entry("resnet8-cifar10", "ResNet-8, CIFAR-10", blocks: 1, parameters: 78_042),
  entry("resnet20-cifar10", "ResNet-20, CIFAR-10", blocks: 3, parameters: 272_474),
  entry("resnet32-cifar10", "ResNet-32, CIFAR-10", blocks: 5, parameters: 466_906),
  entry("resnet44-cifar10", "ResNet-44, CIFAR-10", blocks: 7, parameters: 661_338),
  entry("resnet56-cifar10", "ResNet-56, CIFAR-10", blocks: 9, parameters: 855_770),
  plainEntry(20, parameters: 269_722),
  plainEntry(32, parameters: 464_154),
  plainEntry(44, parameters: 658_586),
  plainEntry(56, parameters: 853_018),
]

private func plainEntry(_ depth: Int, parameters: Int) -> Architecture {
  var preprocessing = imageNetPreprocessing(side: 32)
  preprocessing.resizeMode = .stretch
  return Architecture(
    "resnet\(depth)-cifar10-a", "ResNet-\(depth) with plain shortcuts, CIFAR-10",
    input: (32, 32, 3), labels: cifar10Labels, preprocessing: preprocessing,
    parameterCount: parameters,
    weights: .other
  ) { b, image, classes throws(CompileError) in
    try plainResNet(&b, image, classes: classes, blocks: (depth - 2) / 6)
  }
}
