// The command-line tool: its list of commands.
import ArgumentParser

@main
struct ZooTool: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zoo-tool",
    abstract: "Convert, inspect and run convolutional networks.",
    discussion: """
      A model is a .zoo file: network, weights, labels and preprocessing in one. Make one with 'convert', then:

        zoo-tool convert squeezenet1.1.onnx -o squeezenet.zoo --labels imagenet.txt
        zoo-tool classify photo.jpg --model squeezenet.zoo

      Exit codes: 0 success, 1 failure (with a message on standard error), 64 wrong usage.
      """,
    version: "0.1.0",
    subcommands: [
      Classify.self, List.self, Summary.self, Inspect.self, PlanCommand.self, Convert.self,
      Check.self, Tensors.self, Train.self, Evaluate.self, Compare.self, Bench.self, Run.self,
      Export.self, Conformance.self,
    ])
}
