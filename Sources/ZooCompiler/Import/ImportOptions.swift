// What a person may say about a model that its file does not.
import Zoo

/// Choices for an import; everything has a default taken from the file or guessed from its input.
package struct ImportOptions {
  /// Keep the layout of inputs and outputs as the foreign file has them (NCHW for ONNX).
  package var keepsLayout = false
  /// Height and width for inputs that leave them open, or to build the network for another size.
  package var inputSize: (height: Int, width: Int)?
  /// Batch size for inputs that leave it open.
  package var batch = 1
  /// Values to use for inputs of the graph that are parameters, by name.
  package var constants: [String: ONNXTensor] = [:]
  /// Operators of an ONNX file that become custom operators, as `zoo-tool check` names them.
  package var customOperators: Set<String> = []

  package init() {}
}
