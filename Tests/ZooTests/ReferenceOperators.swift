// Naive operators in Double: what the right answers are.
import Zoo

/// A convolution's geometry.
struct Geometry {
  var height = 1
  var width = 1
  var channels = 1
  var outputs = 1
  var kernel = (1, 1)
  var stride = (1, 1)
  var dilation = (1, 1)
  var pads = (top: 0, left: 0, bottom: 0, right: 0)
  var groups = 1

  func extent(_ n: Int, _ k: Int, _ s: Int, _ d: Int, _ pads: Int) -> Int {
    (n + pads - d * (k - 1) - 1) / s + 1
  }
  var outputHeight: Int { extent(height, kernel.0, stride.0, dilation.0, pads.top + pads.bottom) }
  var outputWidth: Int { extent(width, kernel.1, stride.1, dilation.1, pads.left + pads.right) }

  var window: Window {
    var window = Window()
    (window.kernelHeight, window.kernelWidth) = (Int32(kernel.0), Int32(kernel.1))
    (window.strideHeight, window.strideWidth) = (Int32(stride.0), Int32(stride.1))
    (window.dilationHeight, window.dilationWidth) = (Int32(dilation.0), Int32(dilation.1))
    (window.padTop, window.padLeft) = (Int32(pads.top), Int32(pads.left))
    (window.padBottom, window.padRight) = (Int32(pads.bottom), Int32(pads.right))
    return window
  }
}

/// NHWC convolution; weights [groups][kh][kw][c / groups][m / groups]. Also returns the sum of magnitudes behind each output,
/// which bounds the rounding of any order of summation.
func referenceConvolution(
  _ x: [Float], _ w: [Float], _ bias: [Float], _ g: Geometry
) -> (values: [Double], magnitudes: [Double]) {
  let (depth, columns) = (g.channels / g.groups, g.outputs / g.groups)
  var values: [Double] = []
  var magnitudes: [Double] = []
  for p in 0..<g.outputHeight {
    for q in 0..<g.outputWidth {
      for o in 0..<g.outputs {
        let (group, column) = (o / columns, o % columns)
        var sum = Double(bias[o])
        var magnitude = abs(sum)
        for i in 0..<g.kernel.0 {
          for j in 0..<g.kernel.1 {
            let row = p * g.stride.0 - g.pads.top + i * g.dilation.0
            let col = q * g.stride.1 - g.pads.left + j * g.dilation.1
            guard row >= 0, row < g.height, col >= 0, col < g.width else { continue }
            for c in 0..<depth {
              let a = Double(x[(row * g.width + col) * g.channels + group * depth + c])
              let b = Double(
                w[(((group * g.kernel.0 + i) * g.kernel.1 + j) * depth + c) * columns + column])
              sum += a * b
              magnitude += abs(a * b)
            }
          }
        }
        values.append(sum)
        magnitudes.append(magnitude)
      }
    }
  }
  return (values, magnitudes)
}
