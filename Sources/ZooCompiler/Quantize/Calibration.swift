// What a network's values look like on real inputs.
package import CZoo
import Zoo

/// Distributions of all values of a float network, and means of each channel.
package struct Calibration {
  package private(set) var histograms: [ValueID: Histogram] = [:]
  /// Mean of each channel (the last axis) of every value.
  package private(set) var channelMeans: [ValueID: [Double]] = [:]
  /// Largest magnitude of each channel.
  package private(set) var channelPeaks: [ValueID: [Float]] = [:]

  /// Runs `graph` on the inputs `indices` of `set`.
  ///
  /// - Throws: `CompileError` naming the layer that gave something that is not a number.
  package init(
    _ graph: Graph, _ set: CalibrationSet, _ indices: Range<Int>, parallel: zoo_parallel? = nil
  ) throws(CompileError) {
    guard !indices.isEmpty else { throw CompileError("\(set.name): no inputs to calibrate on") }
    let runner = try Runner(try ModelWriter.encode(graph, bands: .off), parallel: parallel)
    guard let input = graph.inputs.first, graph.inputs.count == 1, graph[input].type == ZOO_F32
    else {
      throw CompileError("only networks with one f32 input can be calibrated")
    }
    let collector = Collector(graph, [input] + graph.nodes.map(\.output))
    runner.observer = { node, done in
      guard done else { return }
      collector.take(graph.nodes[Int(node.pointee.index)].output, node.pointee.outputs[0])
    }
    for counts in [false, true] {
      collector.counts = counts
      for index in indices {
        guard let data = runner.input(0).data else { throw CompileError("the input has no memory") }
        try set.write(index, data.assumingMemoryBound(to: Float.self))
        collector.take(input, runner.input(0))
        try runner.run()
        if let broken = collector.broken {
          throw CompileError(
            "layer '\(graph[broken].name)': not a finite number for input \(index) of \(set.name)")
        }
      }
    }
    histograms = collector.histograms
    channelPeaks = collector.peaks
    for (id, sums) in collector.sums {
      let rows = Double(graph[id].shape.elementCount / graph[id].shape.last * indices.count)
      channelMeans[id] = sums.map { $0 / rows }
    }
  }
}

/// What is noted while a network runs: extremes in the first round, everything else in the second.
private final class Collector {
  var counts = false
  private(set) var histograms: [ValueID: Histogram] = [:]
  private(set) var sums: [ValueID: [Double]] = [:]
  private(set) var peaks: [ValueID: [Float]] = [:]
  /// The first value that was not a finite number.
  private(set) var broken: ValueID?

  init(_ graph: Graph, _ values: [ValueID]) {
    for id in values {
      histograms[id] = Histogram()
      sums[id] = [Double](repeating: 0, count: graph[id].shape.last)
      peaks[id] = [Float](repeating: 0, count: graph[id].shape.last)
    }
  }

  func take(_ id: ValueID, _ tensor: zoo_tensor) {
    let width = tensor.extent.last
    for row in 0..<tensor.extent.rowCount {
      let start = row * Int(tensor.row_stride)
      switch tensor.type {
      case ZOO_F32: take(id, UnsafeBufferPointer(start: tensor.floats + start, count: width))
      case ZOO_BF16:
        realNumbers(tensor, at: start, count: width).withUnsafeBufferPointer { take(id, $0) }
      default: return
      }
    }
  }

  private func take(_ id: ValueID, _ values: UnsafeBufferPointer<Float>) {
    if !counts {
      if histograms[id]?.extend(values) == false, broken == nil { broken = id }
      return
    }
    histograms[id]?.count(values)
    sums[id]?.withUnsafeMutableBufferPointer { sums in
      for c in values.indices { sums[c] += Double(values[c]) }
    }
    peaks[id]?.withUnsafeMutableBufferPointer { peaks in
      for c in values.indices { peaks[c] = max(peaks[c], abs(values[c])) }
    }
  }
}
