// An AlexNet-style network for pictures of 32 x 32.
import Zoo
import ZooCompiler

let cifarAlexNets = [
  // Large first windows, overlapping poolings, local response normalisation: Krizhevsky, Sutskever, Hinton, NIPS 2012.
  Architecture(
    "alexnet-cifar10", "AlexNet style with LRN, CIFAR-10", input: (32, 32, 3),
    labels: cifar10Labels,
    preprocessing: cifarPreprocessing, parameterCount: 720_138
  ) { b, image, classes throws(CompileError) in
    var x = try b.relu(
      try b.convolution(
        "conv1", image, channels: 48, kernel: 5, padding: .explicit(2), initializer: .heNormal))
    x = try b.localResponseNorm(x, size: 5, alpha: 1e-4, beta: 0.75, bias: 1)
    x = try b.pool(.max, x, kernel: 3, stride: 2)
    x = try b.relu(
      try b.convolution(
        "conv2", x, channels: 96, kernel: 5, padding: .explicit(2), groups: 2,
        initializer: .heNormal))
    x = try b.localResponseNorm(x, size: 5, alpha: 1e-4, beta: 0.75, bias: 1)
    x = try b.pool(.max, x, kernel: 3, stride: 2)
    for (name, channels) in [("conv3", 128), ("conv4", 128), ("conv5", 96)] {
      x = try b.relu(
        try b.convolution(
          name, x, channels: channels, kernel: 3, padding: .explicit(1), initializer: .heNormal))
    }
    x = try b.flatten(try b.pool(.max, x, kernel: 3, stride: 2))
    x = try b.relu(try b.dense("fc1", try b.dropout(x, 0.5), 256, initializer: .heNormal))
    x = try b.relu(try b.dense("fc2", try b.dropout(x, 0.5), 256, initializer: .heNormal))
    return try b.softmax(try b.dense("fc3", x, classes))
  }
]
