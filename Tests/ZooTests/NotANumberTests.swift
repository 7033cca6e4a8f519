// A NaN in the input is a NaN in the output: a clamp must not turn it into a plausible number.
import CZoo
import Testing
import Zoo
import ZooCompiler

struct NotANumberTests {
  /// 17 channels fill a vector of every width and leave a rest.
  private let x = Tensor([1, 3, 3, 17], [Float](repeating: .nan, count: 3 * 3 * 17))

  private func expectNaN(_ operation: any Operation, _ shape: [Int], _ others: [Operand] = [])
    throws
  {
    try expect(operation, [.variable(x)] + others, Answer(shape) { _ in (.nan, 0) }, "\(operation)")
  }

  private func ones(_ shape: [Int]) -> Operand {
    .constant(Tensor(shape, [Float](repeating: 1, count: shape.reduce(1, *))))
  }

  @Test(arguments: [Activation.none, .relu, .relu6])
  func sumsKeepIt(_ activation: Activation) throws {
    var convolution = Conv2D()
    convolution.activation = activation
    try expectNaN(convolution, [1, 3, 3, 20], [ones([1, 17, 20]), ones([20])])
    var dense = Dense()
    dense.activation = activation
    try expectNaN(dense, [1, 3, 3, 20], [ones([17, 20])])
    var depthwise = DepthwiseConv2D()
    (depthwise.window.kernelHeight, depthwise.window.kernelWidth) = (2, 2)
    depthwise.activation = activation
    try expectNaN(depthwise, [1, 2, 2, 17], [ones([2, 2, 17])])
    for kind in [PoolKind.max, .min, .average] {
      var pool = Pool()
      pool.kind = kind
      (pool.window.kernelHeight, pool.window.kernelWidth) = (2, 2)
      pool.activation = activation
      try expectNaN(pool, [1, 2, 2, 17])
      try expectNaN(GlobalPool(kind), [1, 1, 1, 17])
    }
  }

  @Test(arguments: [Activation.none, .relu, .relu6])
  func elementsKeepIt(_ activation: Activation) throws {
    for kind in [BinaryKind.add, .subtract, .multiply, .divide] {
      var binary = Binary(kind)
      binary.activation = activation
      try expectNaN(binary, x.shape, [ones([17])])
    }
    var norm = BatchNorm()
    norm.activation = activation
    try expectNaN(norm, x.shape, [ones([17]), ones([17])])
    try expectNaN(LocalResponseNorm(), x.shape)
    try expectNaN(Softmax(axis: 3), x.shape)
  }
}
