// What a profile says: one line for each operator, and the whole.
import CZoo
import Foundation
import ZooCompiler
import ZooMeasure

/// A profiled model. Times in microseconds, rates in 10^9 operations (a multiply-add is two) or bytes per second.
struct ProfileReport: Encodable {
  struct Operator: Encodable {
    let name: String
    /// "Conv2D 3x3/2 + ReLU".
    let `operator`: String
    let kind: OperatorKind
    let output: [Int]
    let us: Double
    /// Part of the time of all operators.
    let share: Double
    let macs: Int
    /// Inputs, weights and outputs; 0 for what is in its place already.
    let bytes: Int
    let gops: Double
    let gbps: Double
    /// What the products are of.
    let arithmetic: Arithmetic
    /// Which of the machine's limits is the nearer one; absent where nothing is computed or moved.
    let limit: Roof.Limit?
    /// How much of that limit is reached; above 1 by errors of measurement, and by convolutions that multiply less often than is counted.
    let ofLimit: Double?
    /// "f32_igemm avx512", "portable" or "in place".
    let kernel: String

    enum CodingKeys: String, CodingKey {
      case name, `operator`, kind, output, us, share, macs, bytes, gops, gbps, arithmetic, limit,
        kernel
      case ofLimit = "of_limit"
    }

    /// Operations for each byte; nil where nothing is moved.
    var intensity: Double? { bytes > 0 ? 2 * Double(macs) / Double(bytes) : nil }

    /// Its speed in the unit of its limit: "85.2 GOP/s".
    var rate: String {
      switch limit {
      case .compute: threeDigits(gops) + " GOP/s"
      case .memory: threeDigits(gbps) + " GB/s"
      case nil: ""
      }
    }
  }

  struct Bandwidth: Encodable {
    let bytes: Int
    let gbps: Double
  }

  /// What the machine can do at best.
  struct Peaks: Encodable {
    let f32Gops: Double
    let int8Gops: Double
    let bandwidth: [Bandwidth]

    enum CodingKeys: String, CodingKey {
      case bandwidth
      case f32Gops = "f32_gops"
      case int8Gops = "int8_gops"
    }
  }

  let model: String
  let isa: String
  let threads: Int
  let precision: String
  let runs: Int
  let operators: [Operator]
  let macs: Int
  /// Sum of the operators' times.
  let operatorsUs: Double
  /// Time of a run without looking at operators.
  let wholeUs: Double
  /// The shortest of those runs.
  let bestUs: Double
  let gops: Double
  /// Operations of a whole run, as part of the peak of `precision`.
  let ofPeak: Double
  let peaks: Peaks

  enum CodingKeys: String, CodingKey {
    case model, isa, threads, precision, runs, operators, macs, gops, peaks
    case operatorsUs = "operators_us"
    case wholeUs = "whole_us"
    case bestUs = "best_us"
    case ofPeak = "of_peak"
  }

  init(
    model: String, threads: Int, _ graph: Graph, _ times: OperatorTimes, moved: [MovedBytes],
    _ machine: Machine
  ) {
    self.model = model
    self.threads = threads
    isa = Microkernel.name(ofISA: machine.isa)
    let precision = Precision(of: graph)
    self.precision = precision.rawValue
    runs = times.runs
    let sum = times.operators.reduce(0, +)
    operators = graph.nodes.enumerated().map { index, node in
      let time = times.operators[index]
      let macs = Cost(node, graph).macs
      let bytes = moved[index].count
      let isIdle = macs == 0 && bytes == 0
      let roof = Roof(
        operations: 2 * Double(macs), arithmetic: zoo_tool.arithmetic(node), byteCount: bytes,
        machine)
      let selected = kernelFamily(
        node, graph, isa: machine.isa, isRounded: moved[index].isRounded
      ).flatMap {
        Microkernel.selected(family: $0, isa: machine.isa)
      }
      return Operator(
        name: node.name, operator: title(node), kind: OperatorKind(node.operation),
        output: graph[node.output].shape.extents, us: time / 1e3, share: time / max(sum, 1),
        macs: macs, bytes: bytes, gops: 2 * Double(macs) / max(time, 1),
        gbps: Double(bytes) / max(time, 1), arithmetic: zoo_tool.arithmetic(node),
        limit: isIdle ? nil : roof.limit,
        ofLimit: isIdle ? nil : roof.seconds * 1e9 / max(time, 1),
        kernel: isIdle
          ? "in place" : selected.map { "\($0.family) \($0.isaName)" } ?? "portable")
    }
    macs = operators.reduce(0) { $0 + $1.macs }
    operatorsUs = sum / 1e3
    wholeUs = times.wholeRun / 1e3
    bestUs = times.bestRun / 1e3
    gops = 2 * Double(macs) / max(times.wholeRun, 1)
    peaks = Peaks(
      f32Gops: machine.peak(.f32) / 1e9, int8Gops: machine.peak(.int8) / 1e9,
      bandwidth: Machine.sizes.map {
        Bandwidth(bytes: $0, gbps: machine.bandwidth(byteCount: $0) / 1e9)
      })
    ofPeak = gops / (precision == .int8 || precision == .wide ? peaks.int8Gops : peaks.f32Gops)
  }

  /// Time of each kind of operator that there is, the longest first: its part of the sum, and how many they are.
  var kinds: [(kind: OperatorKind, share: Double, count: Int)] {
    OperatorKind.allCases.compactMap { kind in
      let members = operators.filter { $0.kind == kind }
      guard !members.isEmpty else { return nil }
      return (kind, members.reduce(0) { $0 + $1.share }, members.count)
    }.sorted { $0.share > $1.share }
  }
}

/// A number with three digits that count: "0.52", "7.31", "118", "1234".
func threeDigits(_ value: Double) -> String {
  switch value {
  case ..<9.995: String(format: "%.2f", value)
  case ..<99.95: String(format: "%.1f", value)
  default: String(format: "%.0f", value)
  }
}
