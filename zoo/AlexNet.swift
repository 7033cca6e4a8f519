// AlexNet, the network that won ImageNet in 2012, in its three forms.
import Zoo
import ZooCompiler

/// Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks", NIPS 2012.
///
/// With `groups` 2, convolutions 2, 4 and 5 see half of the channels each, as the paper's two graphics cards did. Layers are
/// named as in Caffe's published weights.
private func alexNet(
  _ b: inout NetworkBuilder, _ image: ValueID, classes: Int, groups: Int,
  norm: (inout NetworkBuilder, ValueID, String) throws(CompileError) -> ValueID
) throws(CompileError) -> ValueID {
  var x = try b.relu(try b.convolution("conv1", image, channels: 96, kernel: 11, stride: 4))
  x = try b.pool(.max, try norm(&b, x, "norm1"), kernel: 3, stride: 2, "pool1")
  x = try b.convolution(
    "conv2", x, channels: 256, kernel: 5, padding: .explicit(2), groups: groups)
  x = try b.relu(x)
  x = try b.pool(.max, try norm(&b, x, "norm2"), kernel: 3, stride: 2, "pool2")
  x = try b.convolution("conv3", x, channels: 384, kernel: 3, padding: .explicit(1))
  x = try b.relu(x)
  x = try b.convolution(
    "conv4", x, channels: 384, kernel: 3, padding: .explicit(1), groups: groups)
  x = try b.relu(x)
  x = try b.convolution(
    "conv5", x, channels: 256, kernel: 3, padding: .explicit(1), groups: groups)
  x = try b.pool(.max, try b.relu(x), kernel: 3, stride: 2, "pool5")
  x = try b.flatten(x)
  x = try b.dropout(try b.relu(try b.dense("fc6", x, 4096)), 0.5)
  x = try b.dropout(try b.relu(try b.dense("fc7", x, 4096)), 0.5)
  return try b.dense("fc8", x, classes)
}

/// Krizhevsky, "One weird trick for parallelizing convolutional neural networks", arXiv:1404.5997: one tower, no norm.
private func oneWeirdTrick(
  _ b: inout NetworkBuilder, _ image: ValueID, classes: Int
) throws(CompileError) -> ValueID {
  var x = try b.convolution(
    "features.0", image, channels: 64, kernel: 11, stride: 4, padding: .explicit(2))
  x = try b.pool(.max, try b.relu(x), kernel: 3, stride: 2)
  x = try b.convolution("features.3", x, channels: 192, kernel: 5, padding: .explicit(2))
  x = try b.pool(.max, try b.relu(x), kernel: 3, stride: 2)
  for (index, channels) in [(6, 384), (8, 256), (10, 256)] {
    x = try b.relu(
      try b.convolution(
        "features.\(index)", x, channels: channels, kernel: 3, padding: .explicit(1)))
  }
  x = try b.flatten(try b.pool(.max, x, kernel: 3, stride: 2))
  for index in [1, 4] {
    x = try b.relu(try b.dense("classifier.\(index)", try b.dropout(x, 0.5), 4096))
  }
  return try b.dense("classifier.6", x, classes)
}

let alexNets = [
  Architecture(
    "alexnet", "AlexNet in one tower, as torchvision has it", input: (224, 224, 3),
    labels: imageNetLabels, preprocessing: imageNetPreprocessing(), parameterCount: 61_100_840,
    weights: .torchvision
  ) { b, image, classes throws(CompileError) in
    try oneWeirdTrick(&b, image, classes: classes)
  },
  // The constants of the norm are the paper's, whose alpha is not divided by the size.
  Architecture(
    "alexnet_ungrouped", "AlexNet of 2012 without groups", input: (227, 227, 3),
    labels: imageNetLabels,
    preprocessing: caffePreprocessing, parameterCount: 62_378_344
  ) { b, image, classes throws(CompileError) in
    try alexNet(&b, image, classes: classes, groups: 1) { b, x, name throws(CompileError) in
      try b.localResponseNorm(x, size: 5, alpha: 5e-4, beta: 0.75, bias: 2, name)
    }
  },
  // The constants of the norm are Caffe's, which made the published weights.
  Architecture(
    "alexnet_towers", "AlexNet of 2012 in two towers (groups)", input: (227, 227, 3),
    labels: imageNetLabels, preprocessing: caffePreprocessing, parameterCount: 60_965_224,
    weights: .caffe
  ) { b, image, classes throws(CompileError) in
    try alexNet(&b, image, classes: classes, groups: 2) { b, x, name throws(CompileError) in
      try b.localResponseNorm(x, size: 5, alpha: 1e-4, beta: 0.75, bias: 1, name)
    }
  },
]
