// Where a model's time goes.
import ArgumentParser
import CZoo
import CZooPlatform
import Foundation
import ZooCompiler
import ZooMeasure

struct Profile: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Time every operator of a model and hold it against what the machine can do.",
    discussion: """
      For each operator: the median of its time, its share of all, how fast it computes or moves bytes (inputs, weights and
      outputs), and how much that is of the nearer of two limits, which are measured first: multiply-adds in registers, and
      reading as many bytes from the nearest cache that holds them. A rate in GB/s means that memory is that limit.

      Operators are timed one after the other, each making its whole output. Where the model runs a chain of them in bands
      of rows, only the time of a whole run shows it.

        zoo-tool profile photos100 --threads 1
        zoo-tool profile squeezenet.zoo --svg squeezenet.svg
      """)

  @Argument(help: "A .zoo file or a model's name.")
  var model: String

  @Option(
    parsing: .unconditional,
    help: "Runs to take the median of; by default as many as fit into a second or two.")
  var runs: Int?

  @Option(
    name: [.customLong("svg"), .customShort("o")],
    help: ArgumentHelp("Also draw it into this .svg file.", valueName: "file"))
  var svg: String?

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup var execution: ExecutionOptions

  func validate() throws {
    if let runs {
      guard (1...100_000).contains(runs) else {
        throw ValidationError("--runs must be 1 to 100000")
      }
    }
  }

  func run() throws {
    let path = try modelPath(model)
    func open(observes: Bool) throws -> Session {
      try Session(
        path: path, isa: execution.isa.value, threads: execution.threads, observes: observes)
    }
    let plain = try open(observes: false)
    let observed = try open(observes: true)
    let graph = try ModelFile(path: path).graph
    let threads = execution.threads == 0 ? Int(zoo_platform_cpu_count()) : execution.threads
    let machine = Machine(isa: zoo_session_isa(plain.handle).rawValue, threads: threads)
    let report = ProfileReport(
      model: model, threads: threads, graph,
      try OperatorTimes(
        plain: plain, observed: observed, nodeCount: graph.nodes.count, runs: runs),
      moved: try bytesMoved(observed, graph), machine)
    if let svg {
      try ModelWriter.write(Data(drawProfile(report).utf8), to: svg)
    }
    print(json ? try zoo_tool.json(report) : Profile.text(report))
    if let svg, !json { print("drawn in \(svg)") }
  }

  // MARK: Text

  /// Lines of at most so many characters.
  private static let width = 120

  static func text(_ report: ProfileReport) -> String {
    let largest = report.peaks.bandwidth.last
    let nearest = report.peaks.bandwidth.first { $0.bytes >= 256 << 10 }
    let integers = report.operators.contains { $0.arithmetic == .int8 }
    let peak = integers ? report.peaks.int8Gops : report.peaks.f32Gops
    let header = [
      "\(report.model)  \(report.isa), \(report.threads) thread\(report.threads == 1 ? "" : "s"), "
        + "\(report.precision), median of \(report.runs) run\(report.runs == 1 ? "" : "s")",
      "peaks  \(threeDigits(peak)) GOP/s \(integers ? "int8" : "f32"), "
        + "\(threeDigits(nearest?.gbps ?? 0)) GB/s from a cache of \((nearest?.bytes ?? 0) >> 10) KB, "
        + "\(threeDigits(largest?.gbps ?? 0)) GB/s from memory",
    ]
    var rows = [
      ["layer", "operator", "output", "us", "share", "bytes", "rate", "of limit", "kernel"]
    ]
    rows += report.operators.map { line in
      [
        line.name, shortTitle(line.operator), line.output.map(String.init).joined(separator: "x"),
        String(format: "%.1f", line.us), String(format: "%.1f %%", line.share * 100),
        line.bytes == 0 ? "0" : bytes(line.bytes), line.rate,
        line.ofLimit.map { String(format: "%.0f %%", $0 * 100) } ?? "", line.kernel,
      ]
    }
    // Names get the room that the numbers leave.
    let others = (1..<rows[0].count).map { column in rows.map { $0[column].count }.max() ?? 0 }
    let room = max(12, width - others.reduce(0) { $0 + $1 + 2 })
    for row in rows.indices where rows[row][0].count > room {
      rows[row][0] = "…" + rows[row][0].suffix(room - 1)
    }
    let kinds = report.kinds.map {
      String(format: "%@ %.1f %%", $0.kind.rawValue, $0.share * 100)
    }
    let total = String(
      format:
        "total   %.1f us for a whole run, %.1f at best; operators %.1f us (%.1f %% of the best)",
      report.wholeUs, report.bestUs, report.operatorsUs, report.operatorsUs / report.bestUs * 100)
    let speed = String(
      format: "speed   %@ GOP/s, %.1f %% of the %@ peak (%@ MACs)", threeDigits(report.gops),
      report.ofPeak * 100, report.precision, grouped(report.macs))
    return
      (header + ["", table(rows, rightAligned: [3, 4, 5, 6, 7]), ""]
      + wrapped("by kind ", kinds) + [total, speed]).joined(separator: "\n")
  }

  private static func shortTitle(_ title: String) -> String {
    let short = title.replacingOccurrences(of: "DepthwiseConv2D", with: "Depthwise")
      .replacingOccurrences(of: " + ", with: "+")
    return short.count <= 22 ? short : short.prefix(21) + "…"
  }

  /// `words` with commas between them, after `label`, in lines that fit.
  private static func wrapped(_ label: String, _ words: [String]) -> [String] {
    var lines = [label]
    for (index, word) in words.enumerated() {
      let text = word + (index + 1 < words.count ? ", " : "")
      if lines[lines.count - 1].count + text.count > width {
        lines.append(String(repeating: " ", count: label.count))
      }
      lines[lines.count - 1] += text
    }
    return lines
  }
}
