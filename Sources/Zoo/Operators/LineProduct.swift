// The product of an image of one channel with few outputs, as the first layers of networks for digits have it.
import CZoo
import CZooKernels

extension MatrixProduct {
  /// The kernel for it, if that is what this is: no window leaves the image, and neighbouring windows are one pixel apart.
  var lines: zoo_f32_lines_ukernel? {
    guard isPlane, columns <= Int(ZOO_LINES_OUTPUTS), weights.type == ZOO_F32, addend == nil,
      source.horizontal.kernel == 1, source.horizontal.stride == 1,
      source.horizontal.interior(source.outputWidth) == 0..<source.outputWidth,
      source.vertical.interior(source.outputHeight) == 0..<source.outputHeight
    else { return nil }
    return runtime.kernels.f32_lines
  }

  /// Line by line of the output, or what of them is in `rows`.
  func runLines(_ kernel: zoo_f32_lines_ukernel, rows: Range<Int>) {
    var row = rows.lowerBound
    while row < rows.upperBound {
      let (image, p, q) = source.position(row)
      let count = min(rows.upperBound - row, source.outputWidth - q)
      var params = zoo_f32_lines_params()
      params.kh = source.vertical.kernel
      params.kw = source.channels
      params.outputs = columns
      params.x = source.origin(image, p, q)
      params.x_stride = source.vertical.dilation * source.width
      params.w = weights.panel(0, depth: depth).assumingMemoryBound(to: Float.self)
      params.bias = bias
      params.y = output + row * outputStride
      params.y_stride = outputStride
      params.lower = activation.lower
      params.upper = activation.upper
      kernel(count, &params)
      finish(rows: row..<row + count, columns: 0..<columns)
      row += count
    }
  }
}
