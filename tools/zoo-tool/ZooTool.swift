// The command-line tool: its list of commands.
import ArgumentParser

@main
struct ZooTool: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zoo-tool",
    abstract: "Convert, inspect and run convolutional networks.",
    version: "0.1.0",
    subcommands: [])
}
