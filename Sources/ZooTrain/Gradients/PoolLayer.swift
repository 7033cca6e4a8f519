// Gradients of pooling.
import CZooTrainKernels
import Zoo
import ZooCompiler

/// A maximum passes its gradient to the first pixel that equals it; a mean shares it among the pixels it counted.
final class PoolLayer: OperatorLayer {
  let site: LayerSite
  let call: OperatorCall
  private let operation: Pool

  init(_ site: LayerSite, _ operation: Pool) throws(CompileError) {
    self.operation = operation
    self.site = site
    call = try site.call(operation)
  }

  func backward() {
    guard let dy = output.gradient else { return }
    undo(operation.activation)
    let x = input(0)
    let vertical = operation.window.vertical(x.shape[1])
    let horizontal = operation.window.horizontal(x.shape[2])
    let height = output.shape[1]
    let width = output.shape[2]
    let channels = output.shape[3]
    // Windows side by side write every pixel once; others add to pixels that were cleared.
    let sets = !x.hasGradient && vertical.tiles(height) && horizontal.tiles(width)
    guard let dx = sets ? x.contribute()?.target : x.contributeByAdding() else { return }
    // Windows may overlap, so that rows of one image are one piece of work.
    workers.forEach(x.shape[0]) { image in
      for p in 0..<height {
        let i = vertical.validTaps(p)
        var q = 0
        while q < width {
          let end = horizontal.runEnd(from: q, extent: width)
          let j = horizontal.validTaps(q)
          defer { q = end }
          guard !i.isEmpty, !j.isEmpty else { continue }
          let row = vertical.origin(p) + i.lowerBound * vertical.dilation
          let column = horizontal.origin(q) + j.lowerBound * horizontal.dilation
          let from = ((image * x.shape[1] + row) * x.shape[2] + column) * channels
          let to = ((image * height + p) * width + q) * channels
          var params = zoo_train_pool()
          params.is_max = operation.kind == .average ? 0 : 1
          params.adds = sets ? 0 : 1
          params.channels = channels
          params.kh = i.count
          params.kw = j.count
          params.pixels = end - q
          params.x = UnsafePointer(x.value) + from
          params.y = UnsafePointer(output.value) + to
          params.dy = UnsafePointer(dy) + to
          params.dx = dx + from
          params.x_pixel = horizontal.stride * channels
          params.x_row = vertical.dilation * x.shape[2] * channels
          params.x_column = horizontal.dilation * channels
          params.y_pixel = channels
          let counted =
            operation.countsPadding
            ? vertical.paddedTaps(p) * horizontal.paddedTaps(q) : i.count * j.count
          params.scale = 1 / Float(counted)
          workers.kernels.pool(&params)
        }
      }
    }
  }
}

/// The same over whole images.
final class GlobalPoolLayer: OperatorLayer {
  let site: LayerSite
  let call: OperatorCall
  private let operation: GlobalPool

  init(_ site: LayerSite, _ operation: GlobalPool) throws(CompileError) {
    self.operation = operation
    self.site = site
    call = try site.call(operation)
  }

  func backward() {
    guard let dy = output.gradient else { return }
    let x = input(0)
    guard let dx = x.contributeByAdding() else { return }
    let channels = x.shape[3]
    let pixels = x.shape[1] * x.shape[2]
    workers.forEach(x.shape[0]) { image in
      var params = zoo_train_pool()
      params.is_max = operation.kind == .average ? 0 : 1
      params.adds = 1
      params.channels = channels
      params.kh = 1
      params.kw = pixels
      params.pixels = 1
      params.x = UnsafePointer(x.value) + image * pixels * channels
      params.y = UnsafePointer(output.value) + image * channels
      params.dy = UnsafePointer(dy) + image * channels
      params.dx = dx + image * pixels * channels
      params.x_column = channels
      params.scale = 1 / Float(pixels)
      workers.kernels.pool(&params)
    }
  }
}

extension WindowAxis {
  /// Whether the windows of `extent` outputs lie side by side and cover the input.
  fileprivate func tiles(_ extent: Int) -> Bool {
    padBefore == 0 && dilation == 1 && stride == kernel && extent * stride == input
  }
}
