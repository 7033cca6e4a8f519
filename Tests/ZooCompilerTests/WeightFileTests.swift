// PyTorch and NumPy files: what is read, made by hand and from the real world.
import Foundation
import TestSupport
import Testing
import ZooCompiler

struct TorchFileTests {
  @Test(arguments: [checkpointProtocol2, checkpointProtocol4])
  func viewsParametersAndNestedDictionariesAreRead(_ pickle: Data) throws {
    let file = try TorchFile(checkpointFile(pickle))
    #expect(file.format == "PyTorch")
    #expect(file.names == ["w", "wt", "row", "h", "bü"])
    #expect(
      file.metadata == [
        "epoch": "3", "acc": "0.5", "name": "näme", "best": "true", "neg": "-70000",
      ])
    #expect(try file.tensor("w").shape == [2, 3])
    #expect(try file.floats("w") == [0, 1, 2, 3, 4, 5])
    #expect(file.shape("wt") == [3, 2])
    #expect(try file.floats("wt") == [0, 3, 1, 4, 2, 5])
    #expect(try file.floats("row") == [3, 4, 5])
    #expect(file.shape("h") == [])
    #expect(file.type("h") == .f16)
    #expect(try file.floats("h") == [8.5])
    #expect(try file.floats("bü") == [0, 1])
    #expect(message { _ = try file.floats("v") } == "no tensor 'v' among the 5 of the PyTorch file")
  }

  @Test func theLegacyFormIsRead() throws {
    let file = try TorchFile(legacyFile)
    #expect(file.format == "PyTorch, legacy")
    #expect(file.names == ["x"])
    #expect(try file.floats("x") == [1, 3, 2, 4])
  }

  @Test func strangeStridesOfSingleElementsDoNotMatter() throws {
    let pickle = PickleWriter.dictionary {
      $0.tensor([1, 2, 1, 2], [Int.max, 1, Int.max, 2], of: 4)
    }
    let file = try TorchFile(torchArchive(pickle, [le([1, 2, 3, 4])]))
    #expect(try file.floats("x") == [1, 3, 2, 4])
    let empty = PickleWriter.dictionary { $0.tensor([0, 5], [Int.max, Int.max], of: 4) }
    #expect(try TorchFile(torchArchive(empty, [le([1, 2, 3, 4])])).floats("x") == [])
  }

  @Test func everyStorageTypeIsRead() throws {
    let types: [(String, TensorElement)] = [
      ("DoubleStorage", .f64), ("FloatStorage", .f32), ("HalfStorage", .f16),
      ("BFloat16Storage", .bf16), ("LongStorage", .i64), ("IntStorage", .i32),
      ("ShortStorage", .i16), ("CharStorage", .i8), ("ByteStorage", .u8), ("BoolStorage", .bool),
    ]
    for (name, type) in types {
      var writer = PickleWriter()
      writer.global("torch._utils", "_rebuild_tensor")
      writer.opcodes("(")
      writer.storage("0", 3, type: name)
      writer.integer(0)
      writer.integers([3])
      writer.integers([1])
      writer.opcodes("tR.")
      let bytes = [UInt8](repeating: 0, count: 3 * type.byteWidth)
      let file = try TorchFile(torchArchive(writer.bytes, [bytes]))
      #expect(file.names == ["tensor"])
      #expect(file.type("tensor") == type)
      #expect(try file.floats("tensor") == [0, 0, 0])
    }
  }

  @Test func onlyAPrefixOfAllNamesIsDropped() throws {
    var writer = PickleWriter()
    writer.opcodes("}(")
    for name in ["module.a", "b"] {
      writer.text(name)
      writer.tensor([1], [1], of: 1)
    }
    writer.opcodes("u.")
    #expect(try TorchFile(torchArchive(writer.bytes, [le([1])])).names == ["module.a", "b"])
  }

  @Test func numbersAndTextsOfProtocol0AreRead() throws {
    var writer = PickleWriter()
    writer.bytes = []
    writer.opcodes("(dp0\nS'a'\nI5\nsVb\nL-7L\nsg0\nS'c'\nF0.25\nsS'd'\nI01\nsS'e'\n(lp1\nI1\nas0.")
    let file = try TorchFile(torchArchive(writer.bytes))
    #expect(file.metadata == ["a": "5", "b": "-7", "c": "0.25", "d": "true"])
    #expect(file.names == [])
  }
}

/// A legacy file of a transposed 2 x 2 tensor "x".
let legacyFile: Data = {
  var bytes: [UInt8] = [
    0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E,
  ]
  bytes += [0x80, 2, 0x4D, 0xE9, 3, 0x2E]
  var system = PickleWriter()
  system.opcodes("}")
  system.text("little_endian")
  system.bytes += [0x88]
  system.opcodes("s.")
  bytes += system.bytes
  bytes += PickleWriter.dictionary { $0.tensor([2, 2], [1, 2], of: 4) }
  var keys = PickleWriter()
  keys.opcodes("]")
  keys.text("0")
  keys.opcodes("a.")
  return Data(bytes + keys.bytes + le(Int64(4)) + le([1, 2, 3, 4]))
}()

struct NumpyArchiveTests {
  @Test func deflatedArraysOfNumPyAreRead() throws {
    let file = try NumpyArchive(deflatedArchive)
    #expect(file.names == ["a", "f", "h", "i", "u", "s"])
    #expect(file.names.map { file.type($0) } == [.f32, .f64, .f16, .i64, .u8, .f32])
    #expect(try file.floats("a") == [0, 1, 2, 3, 4, 5])
    #expect(file.shape("f") == [2, 3])
    #expect(try file.floats("f") == [0, 1, 2, 3, 4, 5], "Fortran order")
    #expect(try file.floats("h") == [1.5])
    #expect(try file.floats("i") == [-1])
    #expect(try file.floats("u") == [255])
    #expect(file.shape("s") == [])
    #expect(try file.floats("s") == [4])
  }

  @Test func storedArraysBehindOtherBytesAreRead() throws {
    let array = numpyFile(
      "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 1, 2), }\n", [1, 2, 3, 4])
    let file = try NumpyArchive(zipArchive([ZipPart(name: "x.npy", bytes: Array(array))]))
    #expect(file.shape("x") == [2, 1, 2])
    #expect(try file.floats("x") == [1, 3, 2, 4])
    for version in 1...3 {
      let header = "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }"
      let single = try NumpyArchive(numpyFile(header, [1, 0], version: UInt8(version)))
      #expect(single.names == ["array"])
      #expect(try single.floats("array") == [1, 0])
    }
  }

  @Test func otherHeadersAreRefused() {
    func refusal(_ header: String, _ bytes: [UInt8] = [0, 0, 0, 0]) -> String {
      message { _ = try NumpyArchive(numpyFile(header, bytes)) }
    }
    #expect(refusal("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }") == "no error")
    #expect(
      refusal("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }")
        .hasPrefix("array 'array': type '|O' is not supported, expected <f2"))
    #expect(refusal("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }").contains("'>f4'"))
    #expect(refusal("{'fortran_order': False, 'shape': (1,), }").contains("no 'descr'"))
    #expect(refusal("{'descr': '<f4', 'shape': (1,), }").contains("no 'fortran_order'"))
    #expect(refusal("{'descr': '<f4', 'fortran_order': False, }").contains("no 'shape'"))
    #expect(
      refusal("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }")
        .contains("4 bytes for <f4 of shape [2], expected 8"))
    for shape in ["(-1,)", "(x,)", "(4611686018427387904, 4)", "(99999999999999999999,)"] {
      #expect(
        refusal("{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }")
          .contains("is not possible"), "\(shape)")
    }
    let whole = numpyFile(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", [0, 0, 0, 0])
    for count in 0..<whole.count {
      #expect(throws: CompileError.self) { try NumpyArchive(Data(whole.prefix(count))) }
    }
  }
}

private let noSharedData = Comment("skipped: ../shared/data is not here")

@Suite(.enabled(if: sharedData("weights") != nil, noSharedData))
struct RealWeightTests {
  private func open(_ file: String) throws -> any TensorFile {
    try openTensorFile(try #require(sharedData("weights")) + "/" + file)
  }

  /// The same network after 3752 and after 7504 steps of training; the values below are NumPy's.
  @Test func twoContainersHoldTheSameNetwork() throws {
    let safe = try open("mnist.safetensors")
    let torch = try open("mnist.pt")
    #expect(safe.names.count == 20)
    #expect(safe.names.sorted() == torch.names.sorted())
    for name in safe.names {
      #expect(safe.shape(name) == torch.shape(name), "\(name)")
      #expect(safe.type(name) == torch.type(name), "\(name)")
    }
    #expect(try safe.floats("norm1.num_batches_tracked") == [7504])
    #expect(try torch.floats("norm1.num_batches_tracked") == [3752])
    let safeBits = try safe.floats("conv1.bias").prefix(3).map(\.bitPattern)
    #expect(safeBits == [0x3DDE_4C89, 0xBC11_FB49, 0x3D16_0114])
    let torchBits = try torch.floats("conv1.bias").prefix(3).map(\.bitPattern)
    #expect(torchBits == [0x3E08_F607, 0xBCF4_AB10, 0x3CE1_66E8])
  }

  @Test(arguments: ["mnist.pt", "cifar10_resnet20.th"])
  func weightsSurviveTheWayThroughSafeTensors(_ name: String) throws {
    let file = try open(name)
    let folder = try TemporaryFolder()
    let path = folder.path + "/copy.safetensors"
    let tensors = try file.names.map { try file.tensor($0) }
    try writeSafeTensors(tensors, metadata: file.metadata, to: path)
    let copy = try openTensorFile(path)
    #expect(copy.format == "safetensors")
    #expect(copy.names == file.names)
    #expect(copy.metadata == file.metadata)
    for tensor in tensors {
      #expect(copy.shape(tensor.name) == tensor.shape)
      #expect(try copy.floats(tensor.name).map(\.bitPattern) == tensor.floats.map(\.bitPattern))
    }
  }

  @Test func theLegacyResNetIsComplete() throws {
    let file = try open("cifar10_resnet20.th")
    #expect(file.format == "PyTorch, legacy")
    // 19 convolutions, 19 batch norms of 4 tensors, a dense layer of 2.
    #expect(file.names.count == 19 + 19 * 4 + 2)
    #expect(file.shape("conv1.weight") == [16, 3, 3, 3])
    #expect(file.shape("layer2.0.conv1.weight") == [32, 16, 3, 3])
    #expect(file.shape("layer3.2.bn2.running_var") == [64])
    #expect(file.shape("linear.weight") == [10, 64])
    let learned = try file.names.filter { !$0.contains("running") }
      .reduce(0) { $0 + (try file.floats($1)).count }
    #expect(learned == 269_722)
    #expect(file.metadata["best_prec1"]?.hasPrefix("91.78") == true)
    for name in file.names where name.hasSuffix("running_var") {
      #expect(try file.floats(name).allSatisfy { $0 > 0 }, "\(name)")
    }
  }

  @Test func parametersOfTorchScriptAreRead() throws {
    let file = try open("pytorch_lenet5.pt")
    #expect(file.format == "TorchScript")
    #expect(file.names.count == 10)
    #expect(file.shape("mnist.conv2.weight") == [16, 6, 5, 5])
    #expect(file.shape("mnist.fc2.bias") == [10])
  }

  @Test(arguments: ["mnist.pt", "mnist.safetensors", "cifar10_resnet20.th", "pytorch_lenet5.pt"])
  func allWeightsAreFinite(_ name: String) throws {
    let file = try open(name)
    for tensor in file.names {
      let floats = try file.floats(tensor)
      #expect(floats.count == file.shape(tensor)?.reduce(1, *), "\(tensor)")
      #expect(floats.allSatisfy { $0.isFinite }, "\(tensor)")
    }
  }

  @Test func networksAreNotWeights() throws {
    #expect(message { _ = try open("mnist_cntk.onnx") }.contains("expected safetensors, PyTorch"))
    #expect(message { _ = try open("none.pt") }.hasSuffix("none.pt: no such file"))
    #expect(message { _ = try open(".") }.hasSuffix("is a directory"))
  }

  @Test(arguments: ["mnist.pt", "mnist.safetensors", "cifar10_resnet20.th", "pytorch_lenet5.pt"])
  func damageIsAnErrorNotACrash(_ name: String) throws {
    let path = try #require(sharedData("weights/" + name))
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    func attempt(_ data: Data) -> Bool {
      guard let file = try? openTensorFile(data) else { return false }
      for tensor in file.names { _ = try? file.floats(tensor) }
      return true
    }
    for count in stride(from: 0, to: whole.count, by: max(1, whole.count / 150)) {
      #expect(!attempt(whole.prefix(count)), "cut at \(count)")
    }
    var generator = SplitMix64(state: 7)
    // Where the structure is: at both ends, but for most of them at the front.
    for round in 0..<400 {
      var changed = whole
      let reach = min(14_000, whole.count)
      let near = Int(generator.next() % UInt64(reach))
      let at = round % 3 == 0 ? whole.count - 1 - near : near
      changed[at] ^= UInt8(generator.next() % 255 + 1)
      _ = attempt(changed)
    }
  }
}
