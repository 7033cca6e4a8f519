// A VGG-style network for pictures of 32 x 32.
import Zoo
import ZooCompiler

let cifarVGGs = [
  // Stacks of 3 x 3 convolutions between poolings, with batch norm: Simonyan, Zisserman, arXiv:1409.1556, made smaller.
  Architecture(
    "vgg-cifar10", "VGG style with batch norm, CIFAR-10", input: (32, 32, 3), labels: cifar10Labels,
    preprocessing: cifarPreprocessing, parameterCount: 1_323_498
  ) { b, image, classes throws(CompileError) in
    var x = image
    for (stage, channels) in [[32, 32], [64, 64], [128, 128, 128], [256, 256]].enumerated() {
      for (index, count) in channels.enumerated() {
        x = try b.convolution(
          "conv\(stage + 1)_\(index + 1)", x, channels: count, kernel: 3, padding: .explicit(1),
          bias: false)
        x = try b.relu(try b.batchNorm("bn\(stage + 1)_\(index + 1)", x))
      }
      if stage < 3 { x = try b.pool(.max, x, kernel: 2, "pool\(stage + 1)") }
    }
    x = try b.flatten(try b.globalPool(.average, x, "avgpool"))
    return try b.softmax(try b.dense("fc", try b.dropout(x, 0.2), classes))
  }
]
