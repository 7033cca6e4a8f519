// The memory plan, drawn.
import ArgumentParser
import Foundation
import ZooCompiler

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Draw a model's memory plan as SVG: time across, bytes up.")

  @Argument(help: "A .zoo file or a model's name.")
  var model: String

  @Option(name: .shortAndLong, help: "The .svg file to write.")
  var output: String

  func run() throws {
    let path = try modelPath(model)
    let graph = try ModelFile(path: path).graph
    let plan = MemoryPlan(graph)
    try plan.check(graph)
    let name = graph.info["name"] ?? (path as NSString).lastPathComponent
    let svg = drawPlan(graph, plan, title: "Memory plan of \(name)")
    try ModelWriter.write(Data(svg.utf8), to: output)
    print(
      "\(output): arena \(grouped(plan.byteCount)) bytes, lower bound \(grouped(plan.lowerBound))")
  }
}
