// Resize and Upsample of ONNX. Resampling an axis is linear, so it is a product with a constant matrix.
import Foundation
import Zoo

extension ONNXImporter {
  static let resizeHandlers: [String: Handler] = [
    "Resize": { importer, node throws(CompileError) in try importer.resize(node) },
    "Upsample": { importer, node throws(CompileError) in try importer.resize(node) },
  ]

  private mutating func resize(_ node: ONNXNode) throws(CompileError) -> [ONNXValue] {
    var x = try tensor(node, 0)
    let shape = graph[x].shape
    guard node.string("keep_aspect_ratio_policy", "stretch") == "stretch" else {
      throw CompileError("keep_aspect_ratio_policy is not supported")
    }
    let axes = try (node.ints("axes") ?? Array(0..<shape.rank)).map { value throws(CompileError) in
      try axis(value, shape.rank)
    }
    // Upsample and Resize of opset 10 have scales second; later there are roi, scales, sizes.
    let isOld = opset < 11 || node.proto.opType == "Upsample"
    let given = try constantFloats(node, isOld ? 1 : 2) ?? []
    let scales = given.isEmpty ? node.floats("scales") ?? [] : given
    let sizes = isOld ? nil : try ints(node, 3)
    guard (sizes?.count ?? scales.count) == axes.count else {
      throw CompileError("\(scales.count) scales for \(axes.count) axes")
    }
    for (index, axis) in axes.enumerated() {
      let input = shape[axis]
      let ratio = Double(sizes?[index] ?? 0) / Double(input)
      let scale = sizes == nil ? Double(scales[index]) : ratio
      guard scale > 0, scale < 65536 else { throw CompileError("scale \(scale)") }
      let output = sizes?[index] ?? Int((scale * Double(input) + 1e-6).rounded(.down))
      guard output > 0 else { throw CompileError("axis \(axis) would have \(output) elements") }
      guard output != input || scale != 1 else { continue }
      let resampling = try Resampling(
        node, input: input, output: output, scale: scale, isOld: isOld)
      x = try resampled(x, axis, resampling, node)
    }
    return [.tensor(x)]
  }

  private mutating func resampled(
    _ x: ValueID, _ axis: Int, _ resampling: Resampling, _ node: ONNXNode
  ) throws(CompileError) -> ValueID {
    let name = "\(node.name).axis\(axis)"
    let rank = graph[x].shape.rank
    var order = Array(0..<rank)
    order.swapAt(axis, rank - 1)
    guard resampling.input * resampling.output < 1 << 24 else {
      throw CompileError("\(resampling.input) to \(resampling.output) elements")
    }
    let weights = graph.addConstant(
      name + ".weights", try Shape([resampling.input, resampling.output]), resampling.matrix)
    let last = axis == rank - 1 ? x : try graph.add(transpose(order), [x], name: name + ".last")
    let result = try graph.add(Dense(), [last, weights], name: name)
    return axis == rank - 1
      ? result : try graph.add(transpose(order), [result], name: name + ".back")
  }
}

/// How the elements of one axis follow from those before; names are those of ONNX.
private struct Resampling {
  let input: Int
  let output: Int
  private let scale: Double
  private let mode: String
  private let coordinates: String
  private let nearest: String
  private let cubic: Double
  private let antialias: Bool
  private let excludesOutside: Bool

  init(
    _ node: ONNXNode, input: Int, output: Int, scale: Double, isOld: Bool
  ) throws(CompileError) {
    (self.input, self.output, self.scale) = (input, output, scale)
    mode = node.string("mode", "nearest")
    coordinates =
      isOld ? "asymmetric" : node.string("coordinate_transformation_mode", "half_pixel")
    nearest = isOld ? "floor" : node.string("nearest_mode", "round_prefer_floor")
    cubic = Double(node.float("cubic_coeff_a", -0.75))
    antialias = node.int("antialias", 0) != 0
    excludesOutside = node.int("exclude_outside", 0) != 0
    guard ["nearest", "linear", "cubic"].contains(mode) else { throw CompileError("mode \(mode)") }
    guard
      [
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
      ].contains(coordinates)
    else { throw CompileError("coordinate_transformation_mode \(coordinates) is not supported") }
  }

  /// [input, output]: column k holds the weights of output k.
  var matrix: [Float] {
    var result = [Float](repeating: 0, count: input * output)
    for k in 0..<output {
      for (position, weight) in taps(k) { result[position * output + k] += Float(weight) }
    }
    return result
  }

  /// Where output `k` lies among the inputs.
  private func coordinate(_ k: Int) -> Double {
    let position = Double(k)
    let exact = scale * Double(input)
    switch coordinates {
    case "asymmetric": return position / scale
    case "align_corners": return exact == 1 ? 0 : position * Double(input - 1) / (exact - 1)
    case "pytorch_half_pixel": return output == 1 ? 0 : (position + 0.5) / scale - 0.5
    case "half_pixel_symmetric":
      let adjustment = Double(output) / exact
      return Double(input) / 2 * (1 - adjustment) + (position + 0.5) / scale - 0.5
    default: return (position + 0.5) / scale - 0.5
    }
  }

  private func taps(_ k: Int) -> [(position: Int, weight: Double)] {
    let x = coordinate(k)
    func inside(_ position: Int) -> Int { min(max(position, 0), input - 1) }
    if mode == "nearest" {
      let rounded =
        switch nearest {
        case "floor": x.rounded(.down)
        case "ceil": x.rounded(.up)
        case "round_prefer_ceil": (x + 0.5).rounded(.down)
        default: (x - 0.5).rounded(.up)
        }
      return [(inside(Int(rounded)), 1)]
    }
    // Shrinking with antialias widens the filter by the same factor.
    let width = antialias ? max(1, 1 / scale) : 1
    let reach = (mode == "cubic" ? 2 : 1) * width
    let first = Int((x - reach).rounded(.down))
    let last = Int((x + reach).rounded(.up))
    var result: [(position: Int, weight: Double)] = []
    for position in first...last {
      let weight = kernel((Double(position) - x) / width)
      let isInside = (0..<input).contains(position)
      if weight != 0, isInside || !excludesOutside {
        result.append((inside(position), weight))
      }
    }
    let sum = result.reduce(0) { $0 + $1.weight }
    return result.map { ($0.position, $0.weight / sum) }
  }

  /// The triangle, or Keys' cubic: R. Keys, "Cubic convolution interpolation", 1981, doi:10.1109/TASSP.1981.1163711.
  private func kernel(_ distance: Double) -> Double {
    let t = abs(distance)
    if mode == "linear" { return max(0, 1 - t) }
    if t <= 1 { return ((cubic + 2) * t - (cubic + 3)) * t * t + 1 }
    return t < 2 ? ((cubic * t - 5 * cubic) * t + 8 * cubic) * t - 4 * cubic : 0
  }
}
