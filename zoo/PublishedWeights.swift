// Where the usual trained weights of a network are published.
import ZooCompiler

/// A file of weights on the web, for a network of the zoo.
package struct PublishedWeights: Sendable {
  package let network: String
  package let address: String
  /// What its publishers say about the licence and the accuracy on ImageNet's validation images.
  package let note: String

  /// The first digits of the file's SHA-256, which PyTorch's publishers put at the end of its name.
  package var checksum: String {
    let stem = address.split(separator: "/").last.map(String.init) ?? ""
    return String(stem.dropLast(".pth".count).split(separator: "-").last ?? "")
  }
}

/// Addresses and accuracies as in torchvision 0.29 (`torchvision.models.get_model_weights(...)`, first version of each) and
/// timm 1.0 (`timm.models.get_pretrained_cfg(...)`).
package let publishedWeights: [PublishedWeights] =
  [
    ("alexnet", "alexnet-owt-7be5be79", "56.5 %"),
    ("vgg16", "vgg16-397923af", "71.6 %"),
    ("vgg16_bn", "vgg16_bn-6c64b313", "73.4 %"),
    ("vgg19", "vgg19-dcbb9e9d", "72.4 %"),
    ("vgg19_bn", "vgg19_bn-c79401a0", "74.2 %"),
    ("googlenet", "googlenet-1378be20", "69.8 %"),
    ("inception_v3", "inception_v3_google-0cc3c7bd", "77.3 %"),
    ("resnet18", "resnet18-f37072fd", "69.8 %"),
    ("resnet34", "resnet34-b627a593", "73.3 %"),
    ("resnet50", "resnet50-0676ba61", "76.1 %"),
    ("resnet101", "resnet101-63fe2227", "77.4 %"),
    ("squeezenet1.0", "squeezenet1_0-b66bff10", "58.1 %"),
    ("squeezenet1.1", "squeezenet1_1-b8a52dc0", "58.2 %"),
    ("mobilenet_v2", "mobilenet_v2-b0353104", "71.9 %"),
    ("mobilenet_v3_small", "mobilenet_v3_small-047dcff4", "67.7 %"),
    ("mobilenet_v3_large", "mobilenet_v3_large-8738ca79", "74.0 %"),
  ].map { network, file, accuracy in
    PublishedWeights(
      network: network, address: "https://download.pytorch.org/models/\(file).pth",
      note: "torchvision, BSD-3-Clause, top-1 \(accuracy)")
  }
  + [
    ("mobilenetv3_small_100", "mobilenetv3_small_100_lamb-266a294c"),
    ("mobilenetv3_large_100", "mobilenetv3_large_100_ra-f55367f5"),
  ].map { network, file in
    PublishedWeights(
      network: network,
      address:
        "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights/\(file).pth",
      note: "timm, Apache-2.0")
  }
