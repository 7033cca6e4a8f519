// Inception v3: large windows as stacks of small, flat and tall ones.
import Zoo
import ZooCompiler

/// One convolution of a branch.
private struct Unit {
  let name: String
  let channels: Int
  let height: Int
  let width: Int
  let stride: Int
  let padding: Padding

  /// A square window that keeps the extent, or with `stride` 2 one without padding.
  init(_ name: String, _ channels: Int, _ kernel: Int, stride: Int = 1) {
    self.init(
      name, channels, kernel, kernel, stride: stride, padding: stride == 1 ? nil : .valid)
  }

  /// A flat or tall window, which keeps the extent.
  init(
    _ name: String, _ channels: Int, _ height: Int, _ width: Int, stride: Int = 1,
    padding: Padding? = nil
  ) {
    self.name = name
    self.channels = channels
    self.height = height
    self.width = width
    self.stride = stride
    self.padding = padding ?? .sides(vertical: height / 2, horizontal: width / 2)
  }
}

extension NetworkBuilder {
  /// Convolutions "NAME.conv" with norms "NAME.bn", one after the other.
  fileprivate mutating func chain(
    _ x: ValueID, _ units: Unit...
  ) throws(CompileError) -> ValueID {
    var x = x
    for unit in units {
      x = try normalizedConvolution(
        unit.name + ".conv", unit.name + ".bn", x, channels: unit.channels, kernel: unit.height,
        kernelWidth: unit.width, stride: unit.stride, padding: unit.padding, epsilon: 1e-3)
    }
    return x
  }

  /// The mean of 3 x 3 pixels around each, zeros outside counted, then a 1 x 1 convolution.
  fileprivate mutating func pooledBranch(
    _ x: ValueID, _ channels: Int
  ) throws(CompileError) -> ValueID {
    let mean = try pool(
      .average, x, kernel: 3, stride: 1, padding: .explicit(1), countsPadding: true)
    return try chain(mean, Unit("branch_pool", channels, 1))
  }

  /// Block A: 5 x 5 beside two 3 x 3.
  fileprivate mutating func small(
    _ name: String, _ x: ValueID, pooled: Int
  ) throws(CompileError) -> ValueID {
    try scope(name) { b throws(CompileError) in
      try b.concatenation([
        try b.chain(x, Unit("branch1x1", 64, 1)),
        try b.chain(x, Unit("branch5x5_1", 48, 1), Unit("branch5x5_2", 64, 5)),
        try b.chain(
          x, Unit("branch3x3dbl_1", 64, 1), Unit("branch3x3dbl_2", 96, 3),
          Unit("branch3x3dbl_3", 96, 3)),
        try b.pooledBranch(x, pooled),
      ])
    }
  }

  /// Block B: halves the picture.
  fileprivate mutating func firstHalving(
    _ name: String, _ x: ValueID
  ) throws(CompileError) -> ValueID {
    try scope(name) { b throws(CompileError) in
      try b.concatenation([
        try b.chain(x, Unit("branch3x3", 384, 3, stride: 2)),
        try b.chain(
          x, Unit("branch3x3dbl_1", 64, 1), Unit("branch3x3dbl_2", 96, 3),
          Unit("branch3x3dbl_3", 96, 3, stride: 2)),
        try b.pool(.max, x, kernel: 3, stride: 2),
      ])
    }
  }

  /// Block C: 7 x 7 as 1 x 7 and 7 x 1, with `width` channels inside.
  fileprivate mutating func medium(
    _ name: String, _ x: ValueID, width: Int
  ) throws(CompileError) -> ValueID {
    try scope(name) { b throws(CompileError) in
      try b.concatenation([
        try b.chain(x, Unit("branch1x1", 192, 1)),
        try b.chain(
          x, Unit("branch7x7_1", width, 1), Unit("branch7x7_2", width, 1, 7),
          Unit("branch7x7_3", 192, 7, 1)),
        try b.chain(
          x, Unit("branch7x7dbl_1", width, 1), Unit("branch7x7dbl_2", width, 7, 1),
          Unit("branch7x7dbl_3", width, 1, 7), Unit("branch7x7dbl_4", width, 7, 1),
          Unit("branch7x7dbl_5", 192, 1, 7)),
        try b.pooledBranch(x, 192),
      ])
    }
  }

  /// Block D: halves the picture.
  fileprivate mutating func secondHalving(
    _ name: String, _ x: ValueID
  ) throws(CompileError) -> ValueID {
    try scope(name) { b throws(CompileError) in
      try b.concatenation([
        try b.chain(x, Unit("branch3x3_1", 192, 1), Unit("branch3x3_2", 320, 3, stride: 2)),
        try b.chain(
          x, Unit("branch7x7x3_1", 192, 1), Unit("branch7x7x3_2", 192, 1, 7),
          Unit("branch7x7x3_3", 192, 7, 1), Unit("branch7x7x3_4", 192, 3, stride: 2)),
        try b.pool(.max, x, kernel: 3, stride: 2),
      ])
    }
  }

  /// Block E: 1 x 3 and 3 x 1 side by side.
  fileprivate mutating func wide(_ name: String, _ x: ValueID) throws(CompileError) -> ValueID {
    try scope(name) { b throws(CompileError) in
      let one = try b.chain(x, Unit("branch1x1", 320, 1))
      let three = try b.chain(x, Unit("branch3x3_1", 384, 1))
      let double = try b.chain(
        x, Unit("branch3x3dbl_1", 448, 1), Unit("branch3x3dbl_2", 384, 3))
      return try b.concatenation([
        one,
        try b.chain(three, Unit("branch3x3_2a", 384, 1, 3)),
        try b.chain(three, Unit("branch3x3_2b", 384, 3, 1)),
        try b.chain(double, Unit("branch3x3dbl_3a", 384, 1, 3)),
        try b.chain(double, Unit("branch3x3dbl_3b", 384, 3, 1)),
        try b.pooledBranch(x, 192),
      ])
    }
  }
}

/// Szegedy and others, "Rethinking the Inception architecture for computer vision", arXiv:1512.00567, without the auxiliary
/// head, which serves training only.
private func inceptionV3(
  _ b: inout NetworkBuilder, _ image: ValueID, classes: Int
) throws(CompileError) -> ValueID {
  var x = try b.chain(
    image, Unit("Conv2d_1a_3x3", 32, 3, stride: 2),
    Unit("Conv2d_2a_3x3", 32, 3, 3, padding: .valid), Unit("Conv2d_2b_3x3", 64, 3))
  x = try b.pool(.max, x, kernel: 3, stride: 2, "maxpool1")
  x = try b.chain(
    x, Unit("Conv2d_3b_1x1", 80, 1), Unit("Conv2d_4a_3x3", 192, 3, 3, padding: .valid))
  x = try b.pool(.max, x, kernel: 3, stride: 2, "maxpool2")
  x = try b.small("Mixed_5b", x, pooled: 32)
  x = try b.small("Mixed_5c", x, pooled: 64)
  x = try b.small("Mixed_5d", x, pooled: 64)
  x = try b.firstHalving("Mixed_6a", x)
  x = try b.medium("Mixed_6b", x, width: 128)
  x = try b.medium("Mixed_6c", x, width: 160)
  x = try b.medium("Mixed_6d", x, width: 160)
  x = try b.medium("Mixed_6e", x, width: 192)
  x = try b.secondHalving("Mixed_7a", x)
  x = try b.wide("Mixed_7b", x)
  x = try b.wide("Mixed_7c", x)
  return try b.dense("fc", try b.dropout(try b.pooledVector(x), 0.5), classes)
}

let inceptions = [
  Architecture(
    "inception_v3", "Inception v3", input: (299, 299, 3), labels: imageNetLabels,
    preprocessing: symmetricPreprocessing(side: 342), parameterCount: 23_834_568,
    weights: .torchvision, unused: ["AuxLogits."]
  ) { b, image, classes throws(CompileError) in
    try inceptionV3(&b, image, classes: classes)
  }
]
