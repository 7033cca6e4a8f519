// SqueezeNet: AlexNet's accuracy with a fiftieth of its parameters.
import Zoo
import ZooCompiler

/// Iandola and others, arXiv:1602.07360: few channels squeezed by 1 x 1 windows, expanded by 1 x 1 and 3 x 3 side by side.
private func fire(
  _ b: inout NetworkBuilder, _ input: ValueID, _ name: String, squeeze: Int, expand: Int
) throws(CompileError) -> ValueID {
  try b.scope(name) { b throws(CompileError) in
    let x = try b.relu(try b.convolution("squeeze", input, channels: squeeze, kernel: 1))
    let left = try b.relu(try b.convolution("expand1x1", x, channels: expand, kernel: 1))
    let right = try b.relu(
      try b.convolution("expand3x3", x, channels: expand, kernel: 3, padding: .explicit(1)))
    return try b.concatenation([left, right])
  }
}

/// The first convolution, then a pooling before each group of fires.
private func squeezeNet(
  _ b: inout NetworkBuilder, _ image: ValueID, classes: Int, channels: Int, kernel: Int,
  groups: [[(squeeze: Int, expand: Int)]]
) throws(CompileError) -> ValueID {
  var x = try b.relu(
    try b.convolution("features.0", image, channels: channels, kernel: kernel, stride: 2))
  var index = 2
  for group in groups {
    x = try b.pool(.max, x, kernel: 3, stride: 2, ceil: true, "features.\(index)")
    index += 1
    for block in group {
      x = try fire(&b, x, "features.\(index)", squeeze: block.squeeze, expand: block.expand)
      index += 1
    }
  }
  x = try b.convolution("classifier.1", try b.dropout(x, 0.5), channels: classes, kernel: 1)
  return try b.pooledVector(try b.relu(x))
}

private func entry(
  _ version: String, channels: Int, kernel: Int, _ groups: [[(squeeze: Int, expand: Int)]],
  parameters: Int
) -> Architecture {
  Architecture(
    "squeezenet\(version)", "SqueezeNet \(version)", input: (224, 224, 3), labels: imageNetLabels,
    preprocessing: imageNetPreprocessing(), parameterCount: parameters, weights: .torchvision
  ) { b, image, classes throws(CompileError) in
    try squeezeNet(
      &b, image, classes: classes, channels: channels, kernel: kernel, groups: groups)
  }
}

let squeezeNets = [
  entry(
    "1.0", channels: 96, kernel: 7,
    [
      [(16, 64), (16, 64), (32, 128)], [(32, 128), (48, 192), (48, 192), (64, 256)], [(64, 256)],
    ], parameters: 1_248_424),
  entry(
    "1.1", channels: 64, kernel: 3,
    [
      [(16, 64), (16, 64)], [(32, 128), (32, 128)],
      [(48, 192), (48, 192), (64, 256), (64, 256)],
    ], parameters: 1_235_496),
]
