// Labels that travel with a TFLite file: a text file in a ZIP archive behind the model, named by its metadata.
import Foundation

extension TFLiteFile {
  /// The labels of output 0, one per class; empty if the file brings none.
  ///
  /// Source: https://ai.google.dev/edge/litert/models/metadata ("associated files" are packed behind the FlatBuffer) and its
  /// metadata_schema.fbs.
  ///
  /// - Throws: `CompileError` if the metadata or the text is damaged.
  func labels() throws(CompileError) -> [String] {
    guard let name = try labelFileName() else { return [] }
    // Tools that rewrite a model may drop what is behind it and leave the metadata: then there are no labels.
    guard let zip = try? Zip(Data(data.bytes)), let entry = zip.entry(name) else { return [] }
    guard let text = String(validating: try zip.bytes(entry), as: UTF8.self) else {
      throw CompileError("labels '\(name)' are not UTF-8")
    }
    return text.split { $0.isNewline }.map { $0.trimmingCharacters(in: .whitespaces) }
  }

  /// The file that the metadata names for output 0, preferably for no particular language.
  private func labelFileName() throws(CompileError) -> String? {
    // Model: 6 metadata {0 name, 1 buffer}
    for entry in try model.tables(6) where try entry.string(0) == "TFLITE_METADATA" {
      let metadata = FlatBuffer(
        bytes: Array(try bytes(ofBuffer: try entry.int(1, UInt32.self)) ?? []))
      // ModelMetadata: 3 subgraph_metadata. SubGraphMetadata: 3 output_tensor_metadata. TensorMetadata: 6 associated_files
      guard let output = try metadata.root.tables(3).first?.tables(3).first else { return nil }
      // AssociatedFile: 0 name, 2 type, 3 locale. Type 2: labels along an axis
      var names: [(name: String, locale: String)] = []
      for file in try output.tables(6) where try file.int(2, Int8.self) == 2 {
        names.append((try file.string(0), try file.string(3)))
      }
      return (names.first { $0.locale.isEmpty } ?? names.first)?.name
    }
    return nil
  }
}
