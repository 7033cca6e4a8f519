// Each microkernel by itself: how fast it is, and how much that is of what the machine can do.
import ArgumentParser
import CZooKernels
import Foundation
import ZooCompiler
import ZooMeasure

@main
struct ZooBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zoo-bench",
    abstract: "Time every microkernel that this CPU can run, on one thread.",
    discussion: """
      Each kernel works on layers of typical size that lie in its caches; its speed is that of the best of many short bursts.
      It is held against the nearer of two limits of its instruction set: multiply-adds in registers (rates in GOP/s), or reading
      as many bytes (rates in GB/s). A star marks what a session runs on this CPU.

        zoo-bench --filter igemm
        zoo-bench --filter avx512 --json
      """)

  @Option(help: "Only kernels and cases whose names contain this.")
  var filter: String?

  @Option(parsing: .unconditional, help: "Time for each case.")
  var seconds = 0.02

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard seconds > 0 && seconds <= 60 else {
      throw ValidationError("--seconds must be above 0, at most 60")
    }
  }

  struct Result: Encodable {
    let kernel: String
    let family: String
    let isa: String
    /// Whether a session on this CPU runs this kernel.
    let selected: Bool
    let `case`: String
    /// Time of one call, in microseconds.
    let us: Double
    let gops: Double
    let gbps: Double
    let limit: Roof.Limit
    let ofLimit: Double

    enum CodingKeys: String, CodingKey {
      case kernel, family, isa, selected, `case`, us, gops, gbps, limit
      case ofLimit = "of_limit"
    }
  }

  struct Peak: Encodable {
    let isa: String
    let f32Gops: Double
    let int8Gops: Double

    enum CodingKeys: String, CodingKey {
      case isa
      case f32Gops = "f32_gops"
      case int8Gops = "int8_gops"
    }
  }

  struct Report: Encodable {
    let peaks: [Peak]
    let results: [Result]
  }

  func run() throws {
    let best = zoo_kernels_best()
    let kernels = Microkernel.all.filter { zoo_kernels_supported($0.isa) }
    guard !kernels.isEmpty else {
      throw BenchError("this processor has no microkernels; it runs portable Swift")
    }
    var machines: [UInt32: Machine] = [:]
    var results: [Result] = []
    for kernel in kernels {
      let machine = machines[kernel.isa] ?? Machine(isa: kernel.isa, threads: 1)
      let selected = Microkernel.selected(family: kernel.family, isa: best)?.name == kernel.name
      for work in cases(of: kernel) where isWanted("\(kernel.name) \(work.name)") {
        machines[kernel.isa] = machine
        let time = fastest(work.run)
        let roof = Roof(
          operations: work.operations, arithmetic: work.arithmetic, byteCount: work.byteCount,
          machine)
        results.append(
          Result(
            kernel: kernel.name, family: kernel.family, isa: kernel.isaName, selected: selected,
            case: work.name, us: time * 1e6, gops: work.operations / time / 1e9,
            gbps: Double(work.byteCount) / time / 1e9, limit: roof.limit,
            ofLimit: roof.seconds / time))
      }
    }
    guard !results.isEmpty else {
      let families = kernels.map(\.family).reduce(into: [String]()) {
        if !$0.contains($1) { $0.append($1) }
      }
      throw BenchError(
        "nothing here is called '\(filter ?? "")'; there are \(families.joined(separator: ", "))")
    }
    let peaks = machines.keys.sorted().compactMap { machines[$0] }.map {
      Peak(
        isa: Microkernel.name(ofISA: $0.isa), f32Gops: $0.peak(.f32) / 1e9,
        int8Gops: $0.peak(.int8) / 1e9)
    }
    let report = Report(peaks: peaks, results: results)
    print(json ? try encoded(report) : text(report))
  }

  private func isWanted(_ name: String) -> Bool {
    filter.map { name.contains($0) } ?? true
  }

  /// Seconds of one call of `run`, as in the best of the bursts that fit into `seconds`.
  private func fastest(_ run: () -> Void) -> Double {
    run()
    var count = 1
    func burst() -> Double { ZooMeasure.seconds { for _ in 0..<count { run() } } }
    while count < 1 << 20 && burst() < 0.2e-3 { count *= 2 }
    var best = Double.infinity
    var spent = 0.0
    while spent < seconds {
      let time = burst()
      spent += time
      best = min(best, time / Double(count))
    }
    return best
  }

  // MARK: Output

  private func text(_ report: Report) -> String {
    var lines = report.peaks.map { peak in
      String(
        format: "%@ peak: %.1f GOP/s f32, %.1f GOP/s int8", peak.isa, peak.f32Gops, peak.int8Gops)
    }
    let rows = report.results.map { result in
      let isComputing = result.limit == .compute
      return [
        result.selected ? "*" : "", result.kernel, result.case, String(format: "%.2f", result.us),
        String(
          format: "%.1f %@", isComputing ? result.gops : result.gbps,
          isComputing ? "GOP/s" : "GB/s"),
        String(format: "%.0f %%", result.ofLimit * 100),
      ]
    }
    lines += [
      "",
      table([["", "kernel", "case", "us", "rate", "of limit"]] + rows, rightAligned: [3, 4, 5]),
    ]
    return lines.joined(separator: "\n")
  }

  private func encoded(_ report: Report) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(report), as: UTF8.self)
  }
}

/// A failure told to the user as "Error: ...", with exit code 1.
private struct BenchError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
