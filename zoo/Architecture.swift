// A network family's entry in the zoo.
package import Zoo
package import ZooCompiler

/// A network that can be built by name.
package struct Architecture: Sendable {
  package let name: String
  /// One line for `zoo-tool list`.
  package let summary: String
  /// Height, width and channels of the input.
  package let input: (height: Int, width: Int, channels: Int)
  package let classes: Int
  package let preprocessing: Preprocessing
  /// Learned parameters, running statistics not counted; asserted by a test.
  package let parameterCount: Int
  private let describe:
    @Sendable (inout NetworkBuilder, ValueID, Int) throws(CompileError) -> ValueID

  package init(
    _ name: String, _ summary: String, input: (height: Int, width: Int, channels: Int),
    classes: Int, preprocessing: Preprocessing, parameterCount: Int,
    _ describe:
      @escaping @Sendable (inout NetworkBuilder, ValueID, Int) throws(CompileError) ->
      ValueID
  ) {
    self.name = name
    self.summary = summary
    self.input = input
    self.classes = classes
    self.preprocessing = preprocessing
    self.parameterCount = parameterCount
    self.describe = describe
  }

  /// The network for one image, with values from `source`; for other numbers of classes too.
  package func graph(
    _ source: some WeightSource, classes: Int? = nil
  ) throws(CompileError) -> Graph {
    var builder = NetworkBuilder(source)
    let image = builder.image(height: input.height, width: input.width, channels: input.channels)
    let output = try describe(&builder, image, classes ?? self.classes)
    var graph = try builder.finish(output)
    graph.info.preprocessing = preprocessing
    graph.info["architecture"] = name
    return graph
  }
}

/// All networks of the zoo, in the order of `zoo-tool list`.
package let allArchitectures: [Architecture] =
  mnistArchitectures + cifarResNets + cifarMobileNets + cifarVGGs + cifarAlexNets + photoNets

/// The network called `name`.
package func architecture(_ name: String) throws(CompileError) -> Architecture {
  if let found = allArchitectures.first(where: { $0.name == name }) { return found }
  throw CompileError(
    "no network '\(name)'; there are "
      + allArchitectures.map(\.name).joined(separator: ", "))
}
