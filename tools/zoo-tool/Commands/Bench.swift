// How fast a model runs.
import ArgumentParser
import CZoo
import CZooPlatform
import Foundation
import ZooCompiler

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure latency, throughput and memory of a model.",
    discussion:
      "Runs for at least --seconds after a warm-up; a run writes its input anew and calls zoo_run.")

  @Argument(help: "A .zoo file or a model's name.")
  var model: String

  @Option(parsing: .unconditional, help: "Images per run; the network is planned anew for it.")
  var batch = 1

  @Option(
    help:
      "Arithmetic that the model must have; by default whichever it has. A model of f32 can be measured in bf16."
  )
  var precision: Precision?

  @Option(parsing: .unconditional, help: "Least time to measure.")
  var seconds = 1.0

  @Flag(help: "Print JSON.")
  var json = false

  @Option(help: ArgumentHelp("Only write the model that would be measured.", visibility: .hidden))
  var prepare: String?

  @OptionGroup var execution: ExecutionOptions

  func validate() throws {
    guard (1...1024).contains(batch) else { throw ValidationError("--batch must be 1 to 1024") }
    guard seconds > 0 && seconds <= 3600 else { throw ValidationError("--seconds must be above 0") }
  }

  struct Report: Encodable {
    let model: String
    let isa: String
    let threads: Int
    let batch: Int
    let precision: String
    let runs: Int
    let medianMs: Double
    let p10Ms: Double
    let p90Ms: Double
    let gops: Double
    let arenaBytes: Int
    let peakRssBytes: Int
    let loadMs: Double

    enum CodingKeys: String, CodingKey {
      case model, isa, threads, batch, precision, runs, gops
      case medianMs = "median_ms"
      case p10Ms = "p10_ms"
      case p90Ms = "p90_ms"
      case arenaBytes = "arena_bytes"
      case peakRssBytes = "peak_rss_bytes"
      case loadMs = "load_ms"
    }
  }

  func run() throws {
    let stored = try modelPath(model)
    if let prepare { return try write(stored, to: prepare) }
    var path = stored
    func clean() { if path != stored { try? FileManager.default.removeItem(atPath: path) } }
    defer { clean() }
    if precision == .bf16 || batch > 1 {
      path = NSTemporaryDirectory() + "zoo-bench-\(ProcessInfo.processInfo.processIdentifier).zoo"
      // Another process, so that what this takes is not counted as memory of the model.
      try runSelf(
        ["bench", "--prepare", path, "--batch", "\(batch)"]
          + (precision.map { ["--precision", $0.rawValue] } ?? []) + ["--", stored])
    }
    let start = zoo_platform_nanoseconds()
    let session = try Session(path: path, isa: execution.isa.value, threads: execution.threads)
    fillWithNoise(session)
    try session.run()
    let loadMs = Double(zoo_platform_nanoseconds() - start) / 1e6
    // Read before the graph is decoded below, which is not part of running a model.
    let peak = Int(zoo_platform_peak_memory())
    let file = try ModelFile(path: path)
    // Small networks keep most of their products in floats; this is their form for bf16 all the same.
    let own = precision == .bf16 ? .bf16 : Precision(of: file.graph)
    guard precision ?? own == own else {
      throw ToolError("\(model) computes in \(own); zoo-tool quantize makes models of int8")
    }
    clean()  // already now, so that nothing stays if someone loses patience
    var times: [Double] = []
    let noise = InputNoise(session)
    for _ in 0..<5 { try session.run() }
    let begin = zoo_platform_nanoseconds()
    while times.count < 10 || Double(zoo_platform_nanoseconds() - begin) < seconds * 1e9 {
      noise.write(to: session)
      let start = zoo_platform_nanoseconds()
      try session.run()
      times.append(Double(zoo_platform_nanoseconds() - start) / 1e6)
      if times.count >= 1_000_000 { break }
    }
    times.sort()
    let macs = file.graph.nodes.reduce(0) { $0 + Cost($1, file.graph).macs }
    let median = times[times.count / 2]
    let report = Report(
      model: model, isa: session.isaName,
      threads: execution.threads == 0 ? Int(zoo_platform_cpu_count()) : execution.threads,
      batch: batch, precision: own.rawValue, runs: times.count, medianMs: median,
      p10Ms: times[times.count / 10], p90Ms: times[times.count * 9 / 10],
      gops: 2 * Double(macs) / median / 1e6, arenaBytes: file.planByteCount, peakRssBytes: peak,
      loadMs: loadMs)
    if json { return print(try zoo_tool.json(report)) }
    print(
      "\(model)  \(report.isa), \(report.threads) thread\(report.threads == 1 ? "" : "s"), batch \(batch), "
        + own.rawValue
    )
    print(
      String(
        format: "latency  %.3f ms median, %.3f p10, %.3f p90, %d runs", median, report.p10Ms,
        report.p90Ms, report.runs))
    print(String(format: "speed    %.1f GOP/s (%@ MACs)", report.gops, grouped(macs)))
    print("memory   arena \(bytes(report.arenaBytes)), process peak \(bytes(peak))")
    print(String(format: "load     %.1f ms from file to first result", loadMs))
  }

  /// Writes the model at `path` as it is measured: for `batch` images, in `precision`.
  private func write(_ path: String, to name: String) throws {
    var graph = try ModelFile(path: path).graph
    let own = Precision(of: graph)
    if batch > 1 { graph = try rebatched(graph, batch: batch) }
    if precision == .bf16 {
      guard own == .f32 || own == .bf16 else {
        throw ToolError("\(path) computes in \(own); bf16 is made from models of f32")
      }
      if own == .f32 { graph = try compressWeights(graph, .bf16) }
    }
    try ModelWriter.write(try ModelWriter.encode(graph), to: name)
  }
}

/// What a model computes in.
enum Precision: String, CaseIterable, ExpressibleByArgument {
  case f32
  case bf16
  case int8
  /// Activations of int16 with weights of int8.
  case wide = "16x8"

  /// That of most of its multiplications.
  init(of graph: Graph) {
    var macs = [Precision: Int]()
    for node in graph.nodes {
      let weights = node.inputs.count > 1 ? node.inputs[1].map { graph[$0].type } : nil
      let own: Precision =
        switch graph[node.output].type {
        case ZOO_I8: .int8
        case ZOO_I16: .wide
        default: weights == ZOO_BF16 ? .bf16 : .f32
        }
      macs[own, default: 0] += Cost(node, graph).macs
    }
    self = macs.max { $0.value < $1.value }?.key ?? .f32
  }
}
