// Labels behind TFLite files.
import Foundation
import TestSupport
import Testing
import ZooCompiler

@Suite(.enabled(if: sharedData("weights") != nil, "skipped: ../shared/data is not here"))
struct TFLiteLabelTests {
  private func labels(_ data: Data) throws -> Graph {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a.tflite"
    try data.write(to: URL(fileURLWithPath: path))
    return try importTFLite(path: path)
  }

  private func read(_ file: String) throws -> Data {
    let path = try #require(sharedData("weights/" + file))
    return try Data(contentsOf: URL(fileURLWithPath: path))
  }

  @Test(
    arguments: ["mobilenet_v2_1.0_224_ptq_int8.tflite", "mobilenet_v2_1.0_224_quant_uint8.tflite"])
  func labelsComeWithTheModel(_ file: String) throws {
    let info = try labels(try read(file)).info
    #expect(info.labels.count == 1001)
    #expect(info.labels.first == "background")
    #expect(info.hasBackgroundClass)
    #expect(info.labels[1] == "tench, Tinca tinca")
    #expect(info.labels.last?.hasPrefix("toilet tissue") == true)
  }

  @Test func modelsWithoutMetadataHaveNone() throws {
    let info = try labels(try read("cifar10_f.tflite")).info
    #expect(info.labels.isEmpty)
    #expect(!info.hasBackgroundClass)
  }

  @Test func damagedLabelsAreAnErrorAndMissingOnesAreNot() throws {
    let whole = try read("mobilenet_v2_1.0_224_quant_uint8.tflite")
    let text = try #require(whole.range(of: Data("tench, Tinca tinca".utf8)))
    var changed = whole
    changed[text.lowerBound] ^= 1
    #expect(message { _ = try labels(changed) }.contains("'imagenet_labels.txt' is damaged"))
    // The local header of the archive follows the model.
    let header = try #require(whole.range(of: zipHeader, in: 0..<text.lowerBound))
    #expect(try labels(whole.prefix(header.lowerBound)).info.labels.isEmpty)
  }

  private let zipHeader = Data([0x50, 0x4B, 0x03, 0x04])
}
