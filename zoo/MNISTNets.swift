// Networks for handwritten digits.
import Zoo
import ZooCompiler

let mnistArchitectures = [
  // LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998; with all maps
  // of C3 connected, tanh and average pooling.
  Architecture(
    "lenet5", "LeNet-5, digits", input: (32, 32, 1), labels: digitLabels,
    preprocessing: digitPreprocessing, parameterCount: 61_706
  ) { b, image, classes throws(CompileError) in
    var x = try b.convolution(
      "c1", image, channels: 6, kernel: 5, initializer: .glorotUniform)
    x = try b.activation(x, Activation(.tanh), "c1.tanh")
    x = try b.pool(.average, x, kernel: 2, "s2")
    x = try b.convolution("c3", x, channels: 16, kernel: 5, initializer: .glorotUniform)
    x = try b.activation(x, Activation(.tanh), "c3.tanh")
    x = try b.pool(.average, x, kernel: 2, "s4")
    x = try b.convolution("c5", x, channels: 120, kernel: 5, initializer: .glorotUniform)
    x = try b.activation(x, Activation(.tanh), "c5.tanh")
    x = try b.flatten(x)
    x = try b.dense("f6", x, 84)
    x = try b.activation(x, Activation(.tanh), "f6.tanh")
    x = try b.dense("output", x, classes)
    return try b.softmax(x)
  },
  // Three convolutions, as in Chollet, "Deep Learning with Python", listing 5.1.
  Architecture(
    "mnist-convnet-a", "three convolutions, digits", input: (28, 28, 1), labels: digitLabels,
    preprocessing: digitPreprocessing, parameterCount: 93_322
  ) { b, image, classes throws(CompileError) in
    var x = try b.convolution(
      "conv1", image, channels: 32, kernel: 3, initializer: .glorotUniform)
    x = try b.pool(.max, try b.relu(x), kernel: 2)
    x = try b.convolution("conv2", x, channels: 64, kernel: 3, initializer: .glorotUniform)
    x = try b.pool(.max, try b.relu(x), kernel: 2)
    x = try b.convolution("conv3", x, channels: 64, kernel: 3, initializer: .glorotUniform)
    x = try b.flatten(try b.relu(x))
    x = try b.relu(try b.dense("dense1", x, 64))
    return try b.softmax(try b.dense("dense2", x, classes))
  },
  Architecture(
    "mnist-convnet-b", "three convolutions with dropout, digits", input: (28, 28, 1),
    labels: digitLabels,
    preprocessing: digitPreprocessing, parameterCount: 1_134_426
  ) { b, image, classes throws(CompileError) in
    var x = try b.convolution(
      "conv1", image, channels: 16, kernel: 2, padding: .same, initializer: .glorotUniform)
    x = try b.pool(.max, try b.relu(x), kernel: 2)
    x = try b.convolution("conv2", x, channels: 128, kernel: 3, initializer: .glorotUniform)
    x = try b.relu(x)
    x = try b.convolution("conv3", x, channels: 256, kernel: 3, initializer: .glorotUniform)
    x = try b.pool(.max, try b.relu(x), kernel: 2)
    x = try b.flatten(try b.dropout(x, 0.25))
    x = try b.relu(try b.dense("dense1", x, 128))
    x = try b.dropout(x, 0.5)
    return try b.softmax(try b.dense("dense2", x, classes))
  },
  // The network of Burn's examples, https://github.com/tracel-ai/burn.
  Architecture(
    "mnist-burn", "three convolutions with batch norm, digits", input: (28, 28, 1),
    labels: digitLabels,
    preprocessing: standardizedDigits, parameterCount: 376_870, weights: .other
  ) { b, image, classes throws(CompileError) in
    var x = image
    for (name, channels) in [("conv1", 8), ("conv2", 16), ("conv3", 24)] {
      x = try b.relu(try b.convolution(name, x, channels: channels, kernel: 3))
    }
    x = try b.flatten(try b.dropout(try b.batchNorm("norm1", x), 0.3))
    x = try b.relu(try b.dense("fc1", x, 32))
    return try b.batchNorm("norm2", try b.dense("fc2", x, classes))
  },
  // A LeNet with rectifiers and maxima, as TorchScript examples have it.
  Architecture(
    "mnist-lenet-relu", "two convolutions, digits", input: (28, 28, 1), labels: digitLabels,
    preprocessing: standardizedDigits, parameterCount: 34_622, weights: .other,
    unused: ["means", "std_dev"]
  ) { b, image, classes throws(CompileError) in
    try b.scope("mnist") { b throws(CompileError) in
      var x = try b.relu(try b.convolution("conv1", image, channels: 6, kernel: 5))
      x = try b.pool(.max, x, kernel: 2)
      x = try b.relu(try b.convolution("conv2", x, channels: 16, kernel: 5))
      x = try b.flatten(try b.pool(.max, x, kernel: 2))
      x = try b.relu(try b.dense("fc1", x, 120))
      return try b.dense("fc2", x, classes)
    }
  },
]
