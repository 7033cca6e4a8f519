// Sums over pixels, per channel, exact enough and the same at every thread count.
import CZooTrainKernels
import Zoo

/// Two sums per channel over the rows of a matrix, accumulated in Double from short runs in Float.
struct ChannelSums {
  let rows: Int
  let channels: Int
  /// Pieces are cut at fixed rows, and added in order.
  private static let pieceCount = 16
  /// Rows summed in Float before they go to Double.
  private static let runLength = 256

  /// `kernel(row, count, first, second)` adds the sums of `count` rows from `row` on to two vectors.
  func compute(
    _ workers: Workers,
    _ kernel: (Int, Int, UnsafeMutablePointer<Float>, UnsafeMutablePointer<Float>) -> Void
  ) -> (first: [Double], second: [Double]) {
    let pieces = min(ChannelSums.pieceCount, max(1, rows / ChannelSums.runLength))
    let length = 2 * channels
    let totals = UnsafeMutablePointer<Double>.allocate(capacity: pieces * length)
    totals.initialize(repeating: 0, count: pieces * length)
    defer { totals.deallocate() }
    workers.forEach(pieces) { index in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: length) { run in
        guard let run = run.baseAddress else { return }
        let mine = totals + index * length
        let part = rows * index / pieces..<rows * (index + 1) / pieces
        var row = part.lowerBound
        while row < part.upperBound {
          let count = min(ChannelSums.runLength, part.upperBound - row)
          run.initialize(repeating: 0, count: length)
          kernel(row, count, run, run + channels)
          for c in 0..<length { mine[c] += Double(run[c]) }
          row += count
        }
      }
    }
    for index in 1..<max(1, pieces) {
      for c in 0..<length { totals[c] += totals[index * length + c] }
    }
    return (
      Array(UnsafeBufferPointer(start: totals, count: channels)),
      Array(UnsafeBufferPointer(start: totals + channels, count: channels))
    )
  }
}

/// Adds the sum of `dy` over all rows to the gradient of a bias of `channels`.
func addBiasGradient(
  _ bias: Variable?, dy: UnsafePointer<Float>, rows: Int, channels: Int, _ workers: Workers
) {
  guard let bias, let (target, adds) = bias.contribute() else { return }
  let sums = ChannelSums(rows: rows, channels: channels).compute(workers) { row, count, sum, _ in
    workers.kernels.sums(count, channels, dy + row * channels, sum)
  }
  for c in 0..<channels { target[c] = (adds ? target[c] : 0) + Float(sums.first[c]) }
}
