// The network that tells a hundred kinds of things apart in a photo.
import Zoo
import ZooCompiler

let photoNets = [
  // Residual blocks (arXiv:1512.03385) of 32, 64, 128 and 256 channels at 32, 16, 8 and 4 pixels: most of the work
  // where pictures are small, so that it trains in hours on two cores.
  Architecture(
    "photos100", "residual network, 100 kinds of things", input: (32, 32, 3),
    labels: cifar100Labels,
    preprocessing: cifarPreprocessing, parameterCount: 1_621_508
  ) { b, image, classes throws(CompileError) in
    var x = try b.convolution(
      "conv1", image, channels: 32, kernel: 3, padding: .explicit(1), bias: false)
    x = try b.relu(try b.batchNorm("bn1", x))
    for (stage, blocks) in [1, 2, 2, 1].enumerated() {
      for block in 0..<blocks {
        x = try basicBlock(
          &b, x, "layer\(stage + 1).\(block)", channels: 32 << stage,
          stride: stage > 0 && block == 0 ? 2 : 1)
      }
    }
    x = try b.flatten(try b.globalPool(.average, x, "avgpool"))
    return try b.softmax(try b.dense("fc", x, classes))
  }
]
