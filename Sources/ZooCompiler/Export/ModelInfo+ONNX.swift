// What a model knows about itself, as texts that an ONNX file carries in its metadata.
import Foundation
import Zoo

/// Geometry and numbers of a preprocessing as JSON.
private struct PreprocessingText: Codable {
  let resize: String
  let resizeSide: Int32
  let filter: String
  let channels: String
  let mean: [Float]
  let scale: [Float]
  let background: [UInt8]
}

extension ModelInfo {
  /// Keys of the metadata that are not of the card.
  private enum Key {
    static let labels = "labels"
    static let preprocessing = "preprocessing"
    static let probabilities = "outputs_probabilities"
    static let background = "background_class"
  }

  /// The card, the labels (one per line), the preprocessing (JSON) and what the outputs are.
  var onnxMetadata: [Zoo_Onnx_StringStringEntryProto] {
    var entries = card
    if !labels.isEmpty { entries.append((Key.labels, labels.joined(separator: "\n"))) }
    if let preprocessing { entries.append((Key.preprocessing, preprocessing.text)) }
    if outputsProbabilities { entries.append((Key.probabilities, "true")) }
    if hasBackgroundClass { entries.append((Key.background, "true")) }
    return entries.map { key, value in
      var entry = Zoo_Onnx_StringStringEntryProto()
      (entry.key, entry.value) = (key, value)
      return entry
    }
  }

  /// Reads what `onnxMetadata` wrote.
  ///
  /// - Throws: `CompileError` if the preprocessing is damaged.
  init(onnxMetadata entries: [Zoo_Onnx_StringStringEntryProto]) throws(CompileError) {
    self.init()
    for entry in entries {
      switch entry.key {
      case Key.labels:
        labels = entry.value.split(separator: "\n", omittingEmptySubsequences: false).map(
          String.init)
      case Key.preprocessing: preprocessing = try Preprocessing(text: entry.value)
      case Key.probabilities: outputsProbabilities = entry.value == "true"
      case Key.background: hasBackgroundClass = entry.value == "true"
      default: card.append((entry.key, entry.value))
      }
    }
  }
}

/// The case of an enumeration by its name.
private func named<Case: RawRepresentable>(_ name: String) -> Case? where Case.RawValue == Int32 {
  (0..<16).lazy.compactMap { Case(rawValue: $0) }.first { "\($0)" == name }
}

extension Preprocessing {
  fileprivate var text: String {
    let text = PreprocessingText(
      resize: "\(resizeMode)", resizeSide: resizeSide, filter: "\(filter)",
      channels: "\(channelOrder)", mean: [mean.0, mean.1, mean.2],
      scale: [scale.0, scale.1, scale.2], background: [background.0, background.1, background.2])
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  fileprivate init(text: String) throws(CompileError) {
    guard let parts = try? JSONDecoder().decode(PreprocessingText.self, from: Data(text.utf8)),
      let mode: ResizeMode = named(parts.resize), let filter: ResizeFilter = named(parts.filter),
      let order: ChannelOrder = named(parts.channels), parts.mean.count == 3,
      parts.scale.count == 3, parts.background.count == 3
    else { throw CompileError("metadata 'preprocessing' is damaged") }
    self.init()
    (resizeMode, resizeSide, self.filter, channelOrder) = (mode, parts.resizeSide, filter, order)
    mean = (parts.mean[0], parts.mean[1], parts.mean[2])
    scale = (parts.scale[0], parts.scale[1], parts.scale[2])
    background = (parts.background[0], parts.background[1], parts.background[2])
  }
}
