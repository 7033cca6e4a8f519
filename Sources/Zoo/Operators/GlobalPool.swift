// Pooling over a whole image.
import CZoo
import CZooKernels

/// y[n, 0, 0, c] = the maximum, minimum or mean of channel c over the image.
///
/// - Shapes: `x` [n, h, w, c]; `y` [n, 1, 1, c].
/// - Sums run over pixels in order. Rows of `x` may have gaps.
package struct GlobalPool: RunnableOperation {
  package static let code = 5
  package static let inputCounts = 1...1
  package var kind = PoolKind.average

  package init() {}
  package init(_ kind: PoolKind) { self.kind = kind }

  package mutating func archive<A: Archive>(_ archive: inout A) { archive.field("kind", &kind) }

  package func outputShape(_ inputs: Operands) throws(ZooError) -> Shape {
    let x = inputs[0].extent
    guard x.rank == 4 else { throw .shape("rank of an image", expected: 4, got: x.rank) }
    return Shape(n: x[0], h: 1, w: 1, c: x[3])
  }

  func check(_ node: Node) throws(ZooError) {
    try node.requireFloat()
    try node.requireLayout()
  }

  func run(_ node: Node) {
    let x = node.inputs[0]
    let y = node.output
    let pixels = x.height * x.width
    for image in 0..<x.extent[0] {
      let source = x.floats + image * pixels * x.rowStride
      let target = y.floats + image * y.rowStride
      let kernels = node.runtime.kernels
      if let kernel = x.type == ZOO_BF16 ? kernels.bf16_pool : kernels.f32_pool {
        var params = zoo_f32_pool_params()
        params.kind = zoo_f32_pool_kind(rawValue: UInt32(kind.rawValue))
        params.channels = x.channels
        params.lines = 1
        params.kh = 1
        params.kw = pixels
        params.x = UnsafePointer(source)
        params.rounded_x = x.rounded.map { UnsafePointer($0 + image * pixels * x.rowStride) }
        params.x_col_stride = x.rowStride
        params.y = target
        params.y_stride = y.rowStride
        params.scale = kind == .average ? 1 / Float(pixels) : 1
        params.lower = -.infinity
        params.upper = .infinity
        kernel(1, &params)
      } else {
        reduce(source, target, pixels: pixels, channels: x.channels, stride: x.rowStride)
      }
    }
  }

  private func reduce(
    _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, pixels: Int, channels: Int,
    stride: Int
  ) {
    for c in 0..<channels {
      var result = kind == .average ? 0 : x[c]
      for pixel in 0..<pixels {
        let value = x[pixel * stride + c]
        switch kind {
        case .max: result = value > result ? value : result
        case .min: result = value < result ? value : result
        case .average: result += value
        }
      }
      y[c] = kind == .average ? result * (1 / Float(pixels)) : result
    }
  }
}

@c(zoo_global_pool_prepare)
func globalPoolPrepare(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { prepare(GlobalPool.self, node, error) }

@c(zoo_global_pool_run)
func globalPoolRun(
  _ node: UnsafePointer<zoo_node>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status { run(GlobalPool.self, node) }
