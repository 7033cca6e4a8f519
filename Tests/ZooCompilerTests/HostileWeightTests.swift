// Weight files that mean harm.
import Foundation
import Testing
import ZooCompiler

/// What `TorchFile` says about a pickle.
private func refusal(_ pickle: [UInt8], _ storages: [[UInt8]] = []) -> String {
  message { _ = try TorchFile(torchArchive(pickle, storages)) }
}

struct HostilePickleTests {
  @Test func callsOfTheSystemAreRefused() {
    var writer = PickleWriter()
    writer.global("os", "system")
    writer.opcodes("(S'id'\ntR.")
    let text = refusal(writer.bytes)
    #expect(text.contains("refuses os.system: a weight file may hold only tensors"))
    #expect(text.contains("state_dict()"))
  }

  @Test func namesFromTheStackAreRefused() {
    var writer = PickleWriter()
    writer.text("builtins")
    writer.text("eval")
    writer.bytes += [0x93]
    writer.opcodes(".")
    #expect(refusal(writer.bytes).contains("refuses builtins.eval"))
  }

  @Test func instancesByNameAreRefused() {
    var writer = PickleWriter()
    writer.opcodes("(S'id'\nios\nsystem\n.")
    #expect(refusal(writer.bytes).contains("refuses os.system"))
  }

  @Test(arguments: [
    ("torch", "load"), ("torch._utils", "_rebuild_device_tensor_from_numpy"), ("torch", "Storage"),
    ("__torch__x", "Net"), ("collections", "OrderedDict.fromkeys"), ("torch.hub", "load"),
    ("torchvision.models.resnet", "ResNet"), ("numpy.core.multiarray", "scalar"), ("", ""),
  ])
  func otherNamesAreRefused(_ module: String, _ name: String) {
    let pickle = PickleWriter.dictionary { $0.global(module, name) }
    #expect(refusal(pickle).contains("refuses \(module).\(name)"))
  }

  @Test(arguments: ["P1\n", "\u{82}\u{1}", "\u{92}", "\u{8F}", "o", "\u{96}", "?"])
  func otherOpcodesAreRefused(_ opcodes: String) {
    var writer = PickleWriter()
    writer.opcodes("()(")
    writer.bytes += opcodes.unicodeScalars.map { UInt8($0.value) }
    #expect(refusal(writer.bytes).contains("refuses opcode 0x"))
  }

  @Test func statesAndCallsOfOtherThingsAreRefused() {
    #expect(refusal(PickleWriter.dictionary { $0.opcodes("]}b") }).contains("the state of a list"))
    #expect(
      refusal(PickleWriter.dictionary { $0.opcodes("N}b") }).contains("refuses the state of None"))
    #expect(refusal(PickleWriter.dictionary { $0.opcodes("N)R") }).contains("refuses a call of"))
    let storage = PickleWriter.dictionary {
      $0.global("torch", "FloatStorage")
      $0.opcodes(")R")
    }
    #expect(refusal(storage).contains("refuses a call of torch.FloatStorage"))
    let object = PickleWriter.dictionary {
      $0.global("torch", "Size")
      $0.opcodes(")")
      $0.bytes += [0x81]
    }
    #expect(refusal(object).contains("refuses an object of torch.Size"))
    let module = PickleWriter.dictionary {
      $0.global("__torch__", "Net")
      $0.opcodes(")")
      $0.bytes += [0x81]
      $0.opcodes("]b")
    }
    #expect(refusal(module).contains("whose state is not a dictionary"))
  }

  @Test func aDictionaryInsideItselfIsRefused() {
    var writer = PickleWriter()
    writer.opcodes("}q\0")
    writer.text("x")
    writer.opcodes("h\0s.")
    #expect(refusal(writer.bytes).contains("is nested without end"))
  }

  @Test func aStateDictionaryInsideItselfIsRefused() {
    var writer = PickleWriter()
    writer.opcodes("}q\0")
    writer.text("state_dict")
    writer.opcodes("h\0s.")
    #expect(refusal(writer.bytes).contains("is nested without end"))
  }

  @Test func longNamesAreRefused() {
    var writer = PickleWriter()
    writer.opcodes("}")
    writer.text(String(repeating: "x", count: 5000))
    writer.opcodes("](" + String(repeating: "N", count: 1000) + "es.")
    #expect(refusal(writer.bytes).contains("xxx...' is longer than 4096 bytes"))
  }

  @Test func deepListsAreRefused() {
    let depth = 200_000
    let pickle = PickleWriter.dictionary {
      $0.opcodes(String(repeating: "]", count: depth))
      $0.opcodes(String(repeating: "a", count: depth - 1))
    }
    #expect(refusal(pickle).contains("is nested without end"))
  }

  /// Each list holds the one before ten times: 10 to the power of 30 visits.
  @Test func sharedListsWithoutEndAreRefused() {
    let pickle = PickleWriter.dictionary {
      $0.opcodes("]q\0")
      for _ in 0..<30 { $0.opcodes("0](h\0h\0h\0h\0h\0h\0h\0h\0h\0h\0eq\0") }
    }
    #expect(refusal(pickle).contains("is nested without end"))
  }

  /// Each copy costs four bytes in the file and a thousand values in memory.
  @Test func copiesWithoutEndAreRefused() {
    let pickle = PickleWriter.dictionary {
      $0.opcodes("]q\u{1}(")
      for _ in 0..<10_000 {
        $0.opcodes("NN")
        $0.bytes += [0x86]
      }
      $0.opcodes("e0")
      $0.global("collections", "OrderedDict")
      $0.opcodes("q\u{2}0h\u{1}")
      $0.bytes += [0x85]
      $0.opcodes("q\u{3}0](")
      for _ in 0..<1000 { $0.opcodes("h\u{2}h\u{3}R") }
      $0.opcodes("e")
    }
    #expect(refusal(pickle).contains("more than 16777216 values"))
  }

  @Test func theStackAndTheMemoAreGuarded() {
    for opcodes in [
      "", ".", "0.", "1.", "t.", "a.", "s.", "(u.", "h\u{5}.", "q\0.", "R.", "b.", "Q.",
    ] {
      var writer = PickleWriter()
      writer.opcodes(opcodes)
      #expect(refusal(writer.bytes).hasPrefix("pickle, byte "), "\(opcodes)")
    }
    #expect(refusal([0x80, 9]).contains("protocol 9"))
    #expect(refusal(PickleWriter.dictionary { $0.opcodes("N(0") }).contains("stack is empty"))
    // A count of 2^63 bytes.
    #expect(refusal([0x8D, 0, 0, 0, 0, 0, 0, 0, 128]).contains("cut short"))
    #expect(refusal([0x8B, 255, 255, 255, 255]).contains("cut short"))
  }

  @Test func tensorsOutsideTheirStorageAreRefused() {
    func tensor(_ shape: [Int], _ strides: [Int], offset: Int = 0, of count: Int = 4) -> String {
      refusal(
        PickleWriter.dictionary { $0.tensor(shape, strides, offset: offset, of: count) },
        [le([1, 2, 3, 4])])
    }
    #expect(tensor([2, 2], [2, 1]) == "no error")
    #expect(tensor([2, 2], [3, 1]).contains("reads element 4 of a storage of 4"))
    #expect(tensor([2], [1], offset: 3).contains("reads element 4"))
    #expect(tensor([2], [1], offset: Int.max).contains("are too large"))
    #expect(tensor([3], [Int.max]).contains("are too large"))
    #expect(tensor([2], [-1]).contains("strides [-1]"))
    #expect(tensor([2], [1], offset: -1).contains("offset -1"))
    #expect(tensor([-2], [1]).contains("shape [-2]"))
    #expect(tensor([5], [0]).contains("shape [5]"), "one element repeated")
    #expect(tensor([1 << 32, 1 << 32], [0, 0]).contains("in a storage of 4 elements"))
    #expect(tensor([2], [1, 1]).contains("a tensor needs storage"))
    #expect(
      tensor([Int](repeating: 1, count: 65), [Int](repeating: 1, count: 65))
        .contains("a tensor needs storage"))
    #expect(tensor([2], [1], of: 5).contains("has 16 bytes, expected 5 elements of F32"))
    #expect(tensor([2], [1], of: Int.max).contains("has 16 bytes"))
    #expect(tensor([2], [1], of: -1).contains("does not name a storage"))
  }

  @Test func missingAndAmbiguousStoragesAreRefused() {
    let pickle = PickleWriter.dictionary { $0.tensor([1], [1], of: 1) }
    #expect(refusal(pickle) == "storage '0' is missing")
    let two = PickleWriter.dictionary {
      $0.storage("0", 1)
      $0.opcodes("0")
      $0.storage("0", 2)
    }
    #expect(refusal(two, [le([1])]).contains("described in two ways"))
  }

  @Test func everyTruncationIsAnError() {
    let storages = [le([0, 1, 2, 3, 4, 5]), [0x00, 0x47, 0x40, 0x48]]
    for pickle in [checkpointProtocol2, checkpointProtocol4] {
      for count in 0..<pickle.count {
        #expect(refusal(Array(pickle.prefix(count)), storages) != "no error", "pickle of \(count)")
      }
    }
    for count in 0..<legacyFile.count {
      #expect(throws: CompileError.self) { try TorchFile(Data(legacyFile.prefix(count))) }
    }
  }

  @Test func changedBytesNeverCrash() throws {
    let storages = [le([0, 1, 2, 3, 4, 5]), [0x00, 0x47, 0x40, 0x48]]
    var generator = SplitMix64(state: 11)
    for pickle in [checkpointProtocol2, checkpointProtocol4] {
      for _ in 0..<4000 {
        var changed = Array(pickle)
        for _ in 0...generator.next() % 3 {
          changed[Int(generator.next() % UInt64(changed.count))] = UInt8(
            truncatingIfNeeded: generator.next())
        }
        guard let file = try? TorchFile(torchArchive(changed, storages)) else { continue }
        for name in file.names { _ = try? file.floats(name) }
      }
    }
  }
}

struct HostileZipTests {
  /// `numpy.savez` has .npy files inside; a ZIP is read whichever format it carries.
  private func refusal(_ parts: [ZipPart]) -> String {
    message { _ = try NumpyArchive(zipArchive(parts)) }
  }

  private let array = Array(
    numpyFile("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }", [7]))

  @Test func bombsAreRefused() {
    var part = ZipPart(name: "x.npy", bytes: [3, 0], method: 8, byteCount: .max - 1)
    #expect(refusal([part]).contains("which deflate cannot"))
    // Possible for deflate, but too much in all.
    part.bytes = [UInt8](repeating: 0, count: 600_000)
    part.byteCount = 600_000_000
    var other = part
    other.name = "y.npy"
    #expect(refusal([part, other]) == "ZIP: unpacks to more than 1073741824 bytes")
  }

  @Test func entriesThatOverlapAreRefused() {
    var parts = [ZipPart(name: "x.npy", bytes: array), ZipPart(name: "y.npy", bytes: array)]
    parts[1].offset = 0
    #expect(refusal(parts).contains("overlaps another entry"))
  }

  @Test func sizesThatLieAreRefused() {
    // A stored block of deflate: final, length 4, its complement.
    var part = ZipPart(name: "x.npy", bytes: [1, 4, 0, 0xFB, 0xFF, 1, 2, 3, 4], method: 8)
    for count in [0, 3, 5] as [UInt32] {
      part.byteCount = count
      #expect(refusal([part]).contains("does not unpack to the \(count) bytes"))
    }
    part.byteCount = 4
    part.crc = checksum([1, 2, 3, 4])
    #expect(refusal([part]).contains("array 'x': cut short"))
    let stored = ZipPart(name: "x.npy", bytes: array, byteCount: 5)
    #expect(refusal([stored]).contains("has two sizes"))
  }

  @Test func otherDamageIsRefused() {
    let good = ZipPart(name: "x.npy", bytes: array)
    #expect(refusal([good]) == "no error")
    #expect(refusal([good, good]).contains("'x.npy' is there twice"))
    var part = good
    part.crc = 1
    #expect(refusal([part]).contains("checksum does not match"))
    part = good
    part.flags = 1
    #expect(refusal([part]).contains("is encrypted"))
    part = good
    part.method = 12
    #expect(refusal([part]).contains("packed by method 12"))
    part = good
    part.offset = 3
    #expect(refusal([part]).contains("has no local header"))
    part.offset = .max - 1
    #expect(refusal([part]).contains("has no local header"))
  }

  @Test func everyTruncationIsAnError() {
    for whole in [deflatedArchive, checkpointFile(checkpointProtocol2)] {
      for count in 0..<whole.count {
        #expect(throws: CompileError.self, "\(count)") {
          try NumpyArchive(Data(whole.prefix(count)))
        }
        #expect(throws: CompileError.self, "\(count)") { try TorchFile(Data(whole.prefix(count))) }
      }
    }
  }

  @Test func changedBytesNeverCrash() {
    var generator = SplitMix64(state: 13)
    for _ in 0..<4000 {
      var changed = deflatedArchive
      for _ in 0...generator.next() % 3 {
        changed[Int(generator.next() % UInt64(changed.count))] = UInt8(
          truncatingIfNeeded: generator.next())
      }
      guard let file = try? NumpyArchive(changed) else { continue }
      for name in file.names { _ = try? file.floats(name) }
    }
  }
}
