// The meaning of every trainable operator, written as plainly as can be, in Double.
import Foundation
import Zoo
import ZooCompiler

/// Evaluates a described network in training mode; the reference that gradients are held against.
struct DoubleNetwork {
  let graph: Graph
  var constants: [ValueID: [Double]] = [:]

  init(_ graph: Graph) {
    self.graph = graph
    for (index, value) in graph.values.enumerated() {
      if let constant = value.constant {
        constants[ValueID(index: index)] = constant.floats.map(Double.init)
      }
    }
  }

  /// The output for `input`.
  func run(_ input: [Double]) -> [Double] {
    var values = constants
    values[graph.inputs[0]] = input
    for node in graph.nodes {
      let operands = node.inputs.map { id in id.flatMap { values[$0] } ?? [] }
      let shapes = node.inputs.map { id in id.map { graph[$0].shape } ?? Shape() }
      values[node.output] = evaluate(node.operation, operands, shapes, graph[node.output].shape)
    }
    return values[graph.outputs[0]] ?? []
  }

  private func evaluate(
    _ operation: any Zoo.Operation, _ x: [[Double]], _ shapes: [Shape], _ output: Shape
  ) -> [Double] {
    switch operation {
    case let op as Conv2D:
      let y = convolve(op, x, shapes, output)
      return y.map { apply(op.activation, $0) }
    case let op as DepthwiseConv2D:
      return depthwise(op, x, shapes[0], output).map { apply(op.activation, $0) }
    case let op as Dense:
      let depth = shapes[1][0]
      let columns = shapes[1][1]
      return (0..<output.elementCount).map { at in
        let sum = (0..<depth).reduce(0.0) {
          $0 + x[0][at / columns * depth + $1] * x[1][$1 * columns + at % columns]
        }
        return apply(op.activation, sum + (x.count > 2 ? x[2][at % columns] : 0))
      }
    case let op as TrainableBatchNorm:
      let c = output.last
      let m = Double(x[0].count / c)
      return x[0].indices.map { at in
        let channel = stride(from: at % c, to: x[0].count, by: c).map { x[0][$0] }
        let mean = channel.reduce(0, +) / m
        let variance = channel.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / m
        let normal = (x[0][at] - mean) / (variance + Double(op.epsilon)).squareRoot()
        return apply(op.activation, normal * x[1][at % c] + x[2][at % c])
      }
    case let op as Pool: return pool(op, x[0], shapes[0], output)
    case let op as GlobalPool:
      let pixels = shapes[0][1] * shapes[0][2]
      let c = output.last
      return (0..<output.elementCount).map { at in
        let all = (0..<pixels).map { x[0][(at / c * pixels + $0) * c + at % c] }
        return op.kind == .average
          ? all.reduce(0, +) / Double(pixels)
          : op.kind == .max ? all.max() ?? 0 : all.min() ?? 0
      }
    case let op as Binary:
      let pixels = output.rank == 4 ? output[1] * output[2] : 1
      let c = output.last
      return x[0].indices.map { at in
        let isGate = x[1].count != x[0].count
        let b = isGate ? x[1][at / (pixels * c) * c + at % c] : x[1][at]
        let y = op.kind == .add ? x[0][at] + b : op.kind == .subtract ? x[0][at] - b : x[0][at] * b
        return apply(op.activation, y)
      }
    case let op as Unary: return x[0].map { apply(op.activation, $0) }
    case let op as Concat:
      var result: [Double] = []
      let axis = Int(op.axis)
      let outer = (0..<axis).reduce(1) { $0 * output[$1] }
      for row in 0..<outer {
        for part in x {
          let length = part.count / outer
          result += part[row * length..<(row + 1) * length]
        }
      }
      return result
    case is Reshape: return x[0]
    case let op as Pad: return pad(op, x[0], shapes[0], output)
    case let op as LocalResponseNorm:
      let c = output.last
      let down = (Int(op.size) - 1) / 2
      let up = Int(op.size) - 1 - down
      return x[0].indices.map { at in
        let base = at / c * c
        let sum = (max(0, at % c - down)...min(c - 1, at % c + up)).reduce(0.0) {
          $0 + x[0][base + $1] * x[0][base + $1]
        }
        return x[0][at] * pow(Double(op.bias) + Double(op.alpha) * sum, -Double(op.beta))
      }
    default: fatalError("no reference for \(operation)")
    }
  }

  private func apply(_ activation: Activation, _ x: Double) -> Double {
    let a = Double(activation.alpha)
    let b = Double(activation.beta)
    func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
    return switch activation.kind {
    case .none: x
    case .clamp: min(max(x, a), b)
    case .leakyReLU: x < 0 ? a * x : x
    case .sigmoid: sigmoid(x)
    case .tanh: tanh(x)
    case .hardSigmoid: min(max(a * x + b, 0), 1)
    case .hardSwish: x * min(max(x / 6 + 0.5, 0), 1)
    case .exp: exp(x)
    case .elu: x < 0 ? a * (exp(x) - 1) : x
    case .silu: x * sigmoid(a * x)
    }
  }

  /// Calls `body(output index, row, column, tap)` for all taps inside the input.
  private func forEachTap(
    _ window: Window, _ input: Shape, _ output: Shape, _ body: (Int, Int, Int, Int, Int) -> Void
  ) {
    let (kh, kw) = (Int(window.kernelHeight), Int(window.kernelWidth))
    for n in 0..<output[0] {
      for p in 0..<output[1] {
        for q in 0..<output[2] {
          for i in 0..<kh {
            for j in 0..<kw {
              let row =
                p * Int(window.strideHeight) - Int(window.padTop) + i * Int(window.dilationHeight)
              let column =
                q * Int(window.strideWidth) - Int(window.padLeft) + j * Int(window.dilationWidth)
              guard row >= 0, row < input[1], column >= 0, column < input[2] else { continue }
              body((n * output[1] + p) * output[2] + q, n, row, column, i * kw + j)
            }
          }
        }
      }
    }
  }

  private func convolve(
    _ op: Conv2D, _ x: [[Double]], _ shapes: [Shape], _ output: Shape
  ) -> [Double] {
    let input = shapes[0]
    let groups = Int(op.groups)
    let depth = shapes[1][1]
    let columns = shapes[1][2]
    let channels = input[3] / groups
    var y = [Double](repeating: 0, count: output.elementCount)
    if x.count > 2 { for at in y.indices { y[at] = x[2][at % output[3]] } }
    forEachTap(op.window, input, output) { pixel, n, row, column, tap in
      for group in 0..<groups {
        for c in 0..<channels {
          let value = x[0][
            ((n * input[1] + row) * input[2] + column) * input[3] + group * channels + c]
          for o in 0..<columns {
            y[pixel * output[3] + group * columns + o] +=
              value * x[1][(group * depth + tap * channels + c) * columns + o]
          }
        }
      }
    }
    return y
  }

  private func depthwise(
    _ op: DepthwiseConv2D, _ x: [[Double]], _ input: Shape, _ output: Shape
  ) -> [Double] {
    let c = output[3]
    var y = [Double](repeating: 0, count: output.elementCount)
    if x.count > 2 { for at in y.indices { y[at] = x[2][at % c] } }
    forEachTap(op.window, input, output) { pixel, n, row, column, tap in
      for k in 0..<c {
        y[pixel * c + k] +=
          x[0][((n * input[1] + row) * input[2] + column) * c + k] * x[1][tap * c + k]
      }
    }
    return y
  }

  private func pool(_ op: Pool, _ x: [Double], _ input: Shape, _ output: Shape) -> [Double] {
    let c = output[3]
    var lists = [[Double]](repeating: [], count: output.elementCount)
    forEachTap(op.window, input, output) { pixel, n, row, column, _ in
      for k in 0..<c {
        lists[pixel * c + k].append(x[((n * input[1] + row) * input[2] + column) * c + k])
      }
    }
    let area = Double(op.window.kernelHeight * op.window.kernelWidth)
    return lists.map { list in
      switch op.kind {
      case .max: list.max() ?? 0
      case .min: list.min() ?? 0
      case .average: list.reduce(0, +) / (op.countsPadding ? area : Double(max(1, list.count)))
      }
    }
  }

  private func pad(_ op: Pad, _ x: [Double], _ input: Shape, _ output: Shape) -> [Double] {
    (0..<output.elementCount).map { at in
      var rest = at
      var from = 0
      var scale = 1
      for axis in (0..<output.rank).reversed() {
        let position = rest % output[axis] - Int(op.before[axis])
        rest /= output[axis]
        guard position >= 0, position < input[axis] else { return Double(op.value) }
        from += position * scale
        scale *= input[axis]
      }
      return x[from]
    }
  }
}
