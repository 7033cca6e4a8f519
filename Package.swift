// swift-tools-version: 6.1
// Targets as a table: C foundations, runtime, host, tools, tests. Arrows point one way:
// zoo-tool -> ZooCompiler, ZooImage -> Zoo -> CZooKernels, CZoo.
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Folders of `zoo/` with trained models, which hold no Swift.
let trainedModels = [
  "lenet5", "mnist-convnet-a", "mnist-convnet-b", "photos100", "mobilenet-cifar10",
  "resnet20-cifar10", "vgg-cifar10",
].flatMap {
  [$0, $0 + "-int8"]
}

let package = Package(
  name: "zoo",
  products: [
    .executable(name: "zoo-tool", targets: ["zoo-tool"]),
    .executable(name: "zoo-bench", targets: ["zoo-bench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
  ],
  targets: [
    // MARK: C foundations
    .systemLibrary(name: "CZoo", path: "include"),
    .target(name: "CZooKernels", cSettings: [.headerSearchPath(".")]),
    .target(name: "CZooOperators", cSettings: [.headerSearchPath("../../include")]),
    .target(name: "CZooPlatform"),
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(
      name: "CImageCodecs",
      linkerSettings: [.linkedLibrary("png"), .linkedLibrary("jpeg")]),

    // MARK: Runtime (heap-free Embedded Swift; tools/build-lib compiles the same sources so)
    .target(
      name: "Zoo", dependencies: ["CZoo", "CZooKernels", "CZooOperators"],
      swiftSettings: strict),

    // MARK: Host
    .target(
      name: "ZooImage",
      dependencies: ["CZoo", "CImageCodecs", "CZooPlatform", "Zoo"],
      swiftSettings: strict),
    .target(
      name: "ZooCompiler",
      dependencies: [
        "CZlib", "CZoo", "CZooPlatform", "Zoo",
        .product(name: "SwiftProtobuf", package: "swift-protobuf"),
      ],
      exclude: ["Import/ONNX/onnx.proto"],
      swiftSettings: strict),

    .target(
      name: "CZooTrainKernels", dependencies: ["CZooKernels"],
      cSettings: [.headerSearchPath("."), .headerSearchPath("../CZooKernels")]),
    .target(
      name: "ZooTrain",
      dependencies: [
        "CImageCodecs", "CZlib", "CZoo", "CZooKernels", "CZooPlatform", "CZooTrainKernels", "Zoo",
        "ZooImage", "ZooCompiler",
      ],
      swiftSettings: strict),

    .target(name: "ZooFetch", swiftSettings: strict),

    // What the machine can do at best, for profiles and benchmarks.
    .target(
      name: "CZooMeasure", dependencies: ["CZooKernels"],
      cSettings: [.headerSearchPath("."), .headerSearchPath("../CZooKernels")]),
    .target(
      name: "ZooMeasure", dependencies: ["CZooKernels", "CZooMeasure", "CZooPlatform"],
      swiftSettings: strict),

    .target(
      name: "ModelZoo", dependencies: ["CZoo", "Zoo", "ZooCompiler"], path: "zoo",
      exclude: ["FORMAT.md"] + trainedModels, swiftSettings: strict),

    // MARK: Tools
    .executableTarget(
      name: "zoo-tool",
      dependencies: [
        "CZoo", "CZooPlatform", "Zoo", "ZooImage", "ZooCompiler", "ZooTrain", "ZooFetch",
        "ZooMeasure", "ModelZoo",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "tools/zoo-tool",
      swiftSettings: strict),

    .executableTarget(
      name: "zoo-bench",
      dependencies: [
        "CZooKernels", "CZooPlatform", "ZooCompiler", "ZooMeasure",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "tools/zoo-bench",
      swiftSettings: strict),

    // MARK: Tests
    .systemLibrary(name: "CTinyModel", path: "Tests/CConsumer"),
    .target(
      name: "TestSupport", dependencies: ["CZoo", "Zoo"], path: "Tests/TestSupport",
      swiftSettings: strict),
    // Kernels for matrix units that few machines have, on an emulated one.
    .target(
      name: "EmulatedTiles", dependencies: ["CZooKernels"], path: "Tests/EmulatedTiles",
      cSettings: [.headerSearchPath("."), .headerSearchPath("../../Sources/CZooKernels")]),
    .testTarget(
      name: "ZooHostTests",
      dependencies: ["CTinyModel", "CZoo", "CZooPlatform", "Zoo", "ZooImage"],
      swiftSettings: strict),
    .testTarget(
      name: "ZooTests",
      dependencies: ["CZoo", "CZooKernels", "EmulatedTiles", "TestSupport", "Zoo", "ZooCompiler"],
      swiftSettings: strict),
    .testTarget(
      name: "ZooCompilerTests", dependencies: ["CZoo", "TestSupport", "Zoo", "ZooCompiler"],
      swiftSettings: strict),
    .testTarget(
      name: "ModelZooTests", dependencies: ["CZoo", "ModelZoo", "Zoo", "ZooCompiler"],
      swiftSettings: strict),
    .testTarget(
      name: "ZooTrainTests",
      dependencies: [
        "CZoo", "CZooKernels", "CZooTrainKernels", "EmulatedTiles", "ModelZoo", "TestSupport",
        "Zoo", "ZooCompiler", "ZooTrain",
      ], swiftSettings: strict),
    .testTarget(
      name: "ZooFetchTests", dependencies: ["ModelZoo", "ZooFetch"], swiftSettings: strict),
    .testTarget(
      name: "ZooGoldenTests",
      dependencies: ["CZoo", "CZooPlatform", "TestSupport", "Zoo", "ZooCompiler", "ZooImage"],
      swiftSettings: strict),
    .testTarget(
      name: "ZooImageTests", dependencies: ["CZoo", "TestSupport", "Zoo", "ZooImage"],
      exclude: ["Fixtures"], swiftSettings: strict),
    .testTarget(
      name: "CZooKernelsTests", dependencies: ["CZooKernels", "EmulatedTiles"],
      swiftSettings: strict),
    .testTarget(
      name: "ZooMeasureTests", dependencies: ["CZooKernels", "CZooMeasure", "ZooMeasure"],
      swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
