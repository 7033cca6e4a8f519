// What networks of several families are made of.
import Zoo
import ZooCompiler

extension NetworkBuilder {
  /// A convolution without bias, its batch norm and an activation; the two layers are named by themselves, because families
  /// differ in how they name them.
  mutating func normalizedConvolution(
    _ conv: String, _ norm: String, _ x: ValueID, channels: Int, kernel: Int,
    kernelWidth: Int? = nil, stride: Int = 1, padding: Padding? = nil, epsilon: Float = 1e-5,
    activation: Activation = .relu
  ) throws(CompileError) -> ValueID {
    let y = try convolution(
      conv, x, channels: channels, kernel: kernel, kernelWidth: kernelWidth, stride: stride,
      padding: padding ?? .explicit(kernel / 2), bias: false)
    return try normalized(norm, y, epsilon, activation)
  }

  /// The same for a depthwise convolution.
  mutating func normalizedDepthwise(
    _ conv: String, _ norm: String, _ x: ValueID, kernel: Int, stride: Int = 1,
    epsilon: Float = 1e-5, activation: Activation = .relu
  ) throws(CompileError) -> ValueID {
    let y = try depthwise(
      conv, x, kernel: kernel, stride: stride, padding: .explicit(kernel / 2), bias: false)
    return try normalized(norm, y, epsilon, activation)
  }

  private mutating func normalized(
    _ norm: String, _ x: ValueID, _ epsilon: Float, _ activation: Activation
  ) throws(CompileError) -> ValueID {
    let y = try batchNorm(norm, x, epsilon: epsilon)
    return activation.kind == .none ? y : try self.activation(y, activation)
  }

  /// [n, h, w, c] becomes [n, c], by the mean of each channel.
  mutating func pooledVector(_ x: ValueID) throws(CompileError) -> ValueID {
    try flatten(try globalPool(.average, x, "avgpool"))
  }
}

/// `value` rounded to a multiple of `divisor`, not below 90 % of it: the rule of all MobileNets.
func makeDivisible(_ value: Double, by divisor: Int = 8) -> Int {
  let rounded = max(divisor, Int(value + Double(divisor) / 2) / divisor * divisor)
  return Double(rounded) < 0.9 * value ? rounded + divisor : rounded
}
