// A network family's entry in the zoo.
package import Zoo
package import ZooCompiler

/// A network that can be built by name.
///
/// Networks that this project trains end in a softmax; those whose weights come from elsewhere give what those give, logits.
package struct Architecture: Sendable {
  /// Where people have weights from, which decides how layers are named.
  package enum Weights: String, Sendable, CaseIterable {
    case zoo = "zoo-tool train"
    case torchvision
    case timm
    case caffe = "Caffe"
    case other = "a file of its own"
  }

  package let name: String
  /// One line for `zoo-tool list`.
  package let summary: String
  /// Height, width and channels of the input.
  package private(set) var input: (height: Int, width: Int, channels: Int)
  /// What the classes of the usual weights are called.
  package let labels: [String]
  package private(set) var preprocessing: Preprocessing
  /// Learned parameters, running statistics not counted; asserted by a test.
  package let parameterCount: Int
  package let weights: Weights
  /// What names of tensors begin with that files have and the network does not: heads that serve training only.
  package let unused: [String]
  /// What other files call a layer, by our name.
  package let aliases: [String: String]
  private let describe:
    @Sendable (inout NetworkBuilder, ValueID, Int) throws(CompileError) -> ValueID

  package init(
    _ name: String, _ summary: String, input: (height: Int, width: Int, channels: Int),
    labels: [String], preprocessing: Preprocessing, parameterCount: Int, weights: Weights = .zoo,
    unused: [String] = [], aliases: [String: String] = [:],
    _ describe:
      @escaping @Sendable (inout NetworkBuilder, ValueID, Int) throws(CompileError) ->
      ValueID
  ) {
    self.name = name
    self.summary = summary
    self.input = input
    self.labels = labels
    self.preprocessing = preprocessing
    self.parameterCount = parameterCount
    self.weights = weights
    self.unused = unused
    self.aliases = aliases
    self.describe = describe
  }

  package var classes: Int { labels.count }

  /// The network for images of another size; photos are cut to the same share of them as before.
  ///
  /// Networks that flatten a grid of features into a dense layer have other weights then, of which the layer tells.
  package func sized(height: Int, width: Int) -> Architecture {
    var result = self
    let side = Int(preprocessing.resizeSide) * min(height, width) / min(input.height, input.width)
    result.preprocessing.resizeSide = Int32(clamping: side)
    (result.input.height, result.input.width) = (height, width)
    return result
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
    graph.info.outputsProbabilities = graph.nodes.last?.operation is Softmax
    return graph
  }
}

extension Architecture {
  /// The network for one image with the weights of `file`, whose tensors are laid out and named as PyTorch does. `progress` is told
  /// how many elements have been read since it was told last.
  ///
  /// It has the usual weights' labels, if there is one for each class. Of ImageNet's networks those with a class more are
  /// TensorFlow's, which has background as class 0.
  ///
  /// - Throws: `CompileError` that lists all tensors that are missing, surplus or misshapen.
  package func graph(
    _ file: any TensorFile, classes: Int? = nil, progress: ((Int) -> Void)? = nil
  ) throws(CompileError) -> Graph {
    let weights = StateDictWeights(file, aliases: aliases, unused: unused, progress: progress)
    var graph = try graph(weights, classes: classes)
    try weights.check(name)
    let classes = classes ?? self.classes
    if classes == labels.count {
      graph.info.labels = labels
    } else if classes == imageNetLabels.count + 1, labels == imageNetLabels {
      graph.info.labels = ["background"] + labels
      graph.info.hasBackgroundClass = true
    }
    return graph
  }
}

/// All networks of the zoo, in the order of `zoo-tool list --architectures`.
package let allArchitectures: [Architecture] =
  mnistArchitectures + cifarResNets + cifarMobileNets + cifarVGGs + cifarAlexNets + photoNets
  + alexNets + vggs + googLeNets + inceptions + resNets + squeezeNets + mobileNetV1s
  + mobileNetV2s + mobileNetV3s

/// The network called `name`; case, hyphens, underscores and dots do not matter.
package func architecture(_ name: String) throws(CompileError) -> Architecture {
  func plain(_ name: String) -> String {
    String(name.lowercased().filter { !"-_.".contains($0) })
  }
  if let found = allArchitectures.first(where: { plain($0.name) == plain(name) }) { return found }
  throw CompileError(
    "no network '\(name)'; there are "
      + allArchitectures.map(\.name).joined(separator: ", "))
}
