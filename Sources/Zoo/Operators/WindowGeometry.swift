// Windows sliding over an image: strides, dilation, padding, and which taps fall inside.

/// One axis of a convolution or pooling.
package struct WindowAxis {
  package let kernel: Int
  package let stride: Int
  package let dilation: Int
  package let padBefore: Int
  package let padAfter: Int
  /// Extent of the input.
  package let input: Int

  package init(
    kernel: Int, stride: Int, dilation: Int, padBefore: Int, padAfter: Int, input: Int
  ) {
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    self.padBefore = padBefore
    self.padAfter = padAfter
    self.input = input
  }

  /// Extent of the window with its holes.
  package var reach: Int { (kernel - 1) * dilation + 1 }

  /// Extent of the output: floor((n - reach + padding) / stride) + 1.
  ///
  /// With `ceil`, the last window may stick out at the end, but only if it starts inside the input or the
  /// padding before it (the rule of PyTorch and of ONNX since opset 19).
  func outputExtent(ceil: Bool) throws(ZooError) -> Int {
    guard kernel >= 1, stride >= 1, dilation >= 1, padBefore >= 0, padAfter >= 0 else {
      throw .attribute("kernel, stride and dilation must be positive, padding not negative")
    }
    let limit = 1 << 24
    guard kernel <= limit, stride <= limit, dilation <= limit, padBefore <= limit,
      padAfter <= limit, kernel * min(dilation, limit / kernel + 1) <= limit
    else { throw .attribute("kernel, stride, dilation or padding too large", expected: limit) }
    let room = input + padBefore + padAfter - reach
    guard room >= 0 else {
      throw .shape("window larger than the padded input", expected: reach, got: room + reach)
    }
    var extent = room / stride + 1
    if ceil && room % stride != 0 && extent * stride < input + padBefore { extent += 1 }
    return extent
  }

  /// Where the window of output position `position` starts, in input coordinates; may be negative.
  package func origin(_ position: Int) -> Int { position * stride - padBefore }

  /// The taps that fall inside the input at output position `position`; empty if none do.
  package func validTaps(_ position: Int) -> Range<Int> {
    let start = origin(position)
    let first = start < 0 ? (-start + dilation - 1) / dilation : 0
    let end = start >= input ? 0 : (input - start + dilation - 1) / dilation
    let last = min(kernel, end)
    return first < last ? first..<last : 0..<0
  }

  /// Whether every window of an output of `extent` has a tap inside the input, as far as that can be told from the first and the last.
  func meetsImage(_ extent: Int) -> Bool {
    dilation == 1 && padBefore < kernel && origin(extent - 1) < input
  }

  /// Output positions for which all taps are inside: a range of 0..<`extent`.
  package func interior(_ extent: Int) -> Range<Int> {
    let first = max(0, min(extent, (padBefore + stride - 1) / stride))
    let room = input + padBefore - reach
    let end = room < 0 ? 0 : min(extent, room / stride + 1)
    return first < end ? first..<end : first..<first
  }

  /// The end of the run of positions from `position` on whose valid taps are the same, below `extent`.
  package func runEnd(from position: Int, extent: Int) -> Int {
    let inside = interior(extent)
    return inside.contains(position) ? inside.upperBound : position + 1
  }
}

/// Attributes shared by convolution and pooling: both axes of a window.
package struct Window {
  package var kernelHeight: Int32 = 1
  package var kernelWidth: Int32 = 1
  package var strideHeight: Int32 = 1
  package var strideWidth: Int32 = 1
  package var dilationHeight: Int32 = 1
  package var dilationWidth: Int32 = 1
  package var padTop: Int32 = 0
  package var padLeft: Int32 = 0
  package var padBottom: Int32 = 0
  package var padRight: Int32 = 0

  package init() {}

  /// Words of its attributes, which come first in every operator that has a window, and the place of `padTop` in them.
  static let wordCount = 10
  static let padTopWord = 6

  mutating func archive<A: Archive>(_ archive: inout A) {
    archive.field("kernel height", &kernelHeight)
    archive.field("kernel width", &kernelWidth)
    archive.field("stride height", &strideHeight)
    archive.field("stride width", &strideWidth)
    archive.field("dilation height", &dilationHeight)
    archive.field("dilation width", &dilationWidth)
    archive.field("pad top", &padTop)
    archive.field("pad left", &padLeft)
    archive.field("pad bottom", &padBottom)
    archive.field("pad right", &padRight)
  }

  /// The vertical axis over an input of `height`.
  package func vertical(_ height: Int) -> WindowAxis {
    WindowAxis(
      kernel: Int(kernelHeight), stride: Int(strideHeight), dilation: Int(dilationHeight),
      padBefore: Int(padTop), padAfter: Int(padBottom), input: height)
  }

  /// The horizontal axis over an input of `width`.
  package func horizontal(_ width: Int) -> WindowAxis {
    WindowAxis(
      kernel: Int(kernelWidth), stride: Int(strideWidth), dilation: Int(dilationWidth),
      padBefore: Int(padLeft), padAfter: Int(padRight), input: width)
  }

  /// [n, oh, ow, channels] for an NHWC input.
  func outputShape(_ input: Shape, channels: Int, ceil: Bool = false) throws(ZooError) -> Shape {
    guard input.rank == 4 else { throw .shape("rank of an image", expected: 4, got: input.rank) }
    var result = try Shape(rank: 4)
    try result.set(0, to: input[0])
    try result.set(1, to: vertical(input[1]).outputExtent(ceil: ceil))
    try result.set(2, to: horizontal(input[2]).outputExtent(ceil: ceil))
    try result.set(3, to: channels)
    return result
  }
}
