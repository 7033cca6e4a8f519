// The command-line tool: its list of commands.
import ArgumentParser
@preconcurrency import Foundation

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
      Check.self, Tensors.self, Fetch.self, QuantizeCommand.self, Train.self, Evaluate.self,
      Visualize.self, Compare.self,
      Bench.self, Profile.self, Run.self, Export.self, Conformance.self,
    ])

  /// Results appear as they are made, in a pipe too; those that could not be written are a failure.
  static func main() {
    setvbuf(stdout, nil, _IOLBF, 0)
    main(nil)
    guard fflush(stdout) == 0, ferror(stdout) == 0 else {
      note("Error: standard output could not be written")
      ZooTool.exit(withError: ExitCode(1))
    }
  }
}
