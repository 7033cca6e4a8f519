// What classes are called: complete, in the order of the weights, and the same as in the models that ship.
import Foundation
import ModelZoo
import Testing
import ZooCompiler

struct LabelTests {
  @Test func imageNetIsInTheOrderOfItsWeights() throws {
    let labels = try architecture("resnet50").labels
    #expect(labels.count == 1000)
    // Positions that people know, and the two pairs that older lists confuse.
    let known = [
      0: "tench", 1: "goldfish", 134: "crane bird", 207: "golden retriever", 258: "Samoyed",
      281: "tabby", 388: "giant panda", 463: "bucket", 517: "crane", 638: "maillot",
      639: "maillot tank suit", 701: "parachute", 954: "banana", 985: "daisy", 999: "toilet tissue",
    ]
    for (index, name) in known { #expect(labels[index] == name) }
  }

  @Test(arguments: allArchitectures.map(\.name))
  func everyClassHasANameOfItsOwn(_ name: String) throws {
    let labels = try architecture(name).labels
    #expect([10, 100, 1000].contains(labels.count))
    #expect(Set(labels).count == labels.count)
    for label in labels {
      #expect(!label.isEmpty && label == label.trimmingCharacters(in: .whitespacesAndNewlines))
    }
  }

  @Test(arguments: [
    "lenet5", "mnist-convnet-a", "mnist-convnet-b", "photos100", "mobilenet-cifar10",
    "resnet20-cifar10", "vgg-cifar10",
  ])
  func modelsThatShipHaveTheSame(_ name: String) throws {
    let zoo = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("zoo")
    let model = try ModelFile(path: zoo.appendingPathComponent("\(name)/\(name).zoo").path)
    #expect(model.graph.info.labels == (try architecture(name).labels))
  }
}
