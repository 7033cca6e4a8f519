// safetensors files: round trips, hostile headers, full disks.
import Foundation
import Testing
import ZooCompiler

/// A path in a folder of its own, removed with all it holds when the test is done.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "zoo-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  var files: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
  }
}

/// The message of the `CompileError` that `body` throws.
func message(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "no error"
  } catch let error as CompileError {
    return error.description
  } catch {
    return "another error: \(error)"
  }
}

/// A safetensors file of a header as text and `byteCount` bytes of data.
private func file(_ header: String, byteCount: Int = 0) -> Data {
  var data = Data()
  withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { data.append(contentsOf: $0) }
  return data + Data(header.utf8) + Data(count: byteCount)
}

private func refusal(_ header: String, byteCount: Int = 0) -> String {
  message { _ = try SafeTensors(file(header, byteCount: byteCount)) }
}

struct SafeTensorsTests {
  @Test func floatsBytesAndTextsComeBackBitForBit() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a.safetensors"
    var generator = SplitMix64(state: 1)
    // Any pattern of bits: among them are NaNs with payloads, infinities, -0 and subnormals.
    let floats = (0..<6000).map { _ in
      Float(bitPattern: UInt32(truncatingIfNeeded: generator.next()))
    }
    let strange = "quote \" backslash \\ tab \t null \0 \u{1F9A9} ü"
    try writeSafeTensors(
      [
        NamedTensor(name: "state", bytes: [0, 1, 255]),
        NamedTensor(name: "w", shape: [10, 20, 30], floats: floats),
        NamedTensor(name: strange, shape: [], floats: [-0.0]),
        NamedTensor(name: "empty", shape: [0, 4], floats: []),
      ], metadata: ["epoch": "3", strange: strange], to: path)
    let read = try SafeTensors(path: path)
    #expect(read.names == ["w", strange, "empty", "state"])
    #expect(read.metadata == ["epoch": "3", strange: strange])
    #expect(read.shape("w") == [10, 20, 30])
    #expect(read.shape(strange) == [])
    #expect(try read.floats("w").map(\.bitPattern) == floats.map(\.bitPattern))
    #expect(try read.floats(strange).map(\.bitPattern) == [0x8000_0000])
    #expect(try read.floats("empty") == [])
    #expect(read.type("state") == .u8)
    #expect(try read.bytes("state") == [0, 1, 255])
    #expect(try read.tensor("state").floats == [0, 1, 255])
    #expect(read.shape("no") == nil)
    #expect(message { _ = try read.floats("no") }.contains("no tensor 'no' among the 4"))
    #expect(try folder.files == ["a.safetensors"])
  }

  @Test func everyTypeBecomesFloats() throws {
    let cases: [(String, [UInt8], [Float])] = [
      ("F64", [0, 0, 0, 0, 0, 0, 0xF8, 0x3F], [1.5]),
      ("F32", [0, 0, 0xC0, 0x3F], [1.5]),
      ("F16", [0x00, 0x3E, 0x01, 0x00], [1.5, 0x1p-24]),
      ("BF16", [0xC0, 0x3F, 0x80, 0xFF], [1.5, -.infinity]),
      ("I64", [254, 255, 255, 255, 255, 255, 255, 255], [-2]),
      ("I32", [254, 255, 255, 255], [-2]),
      ("I16", [254, 255], [-2]),
      ("I8", [254, 127], [-2, 127]),
      ("U64", [0, 0, 0, 0, 0, 0, 0, 128], [0x1p63]),
      ("U32", [255, 255, 0, 0], [65535]),
      ("U16", [255, 255], [65535]),
      ("U8", [200, 0], [200, 0]),
      ("BOOL", [1, 0, 2], [1, 0, 1]),
    ]
    for (type, bytes, floats) in cases {
      let header =
        "{\"x\":{\"dtype\":\"\(type)\",\"shape\":[\(floats.count)],\"data_offsets\":[0,\(bytes.count)]}}"
      let read = try SafeTensors(file(header) + Data(bytes))
      #expect(try read.floats("x") == floats, "\(type)")
      #expect(read.type("x")?.rawValue == type)
    }
    #expect(cases.count == TensorElement.allCases.count)
  }

  @Test func spacesAndEscapesOfJSONAreRead() throws {
    let header = """
      { "a\\u00e9\\ud83e\\udda9\\n" : { "shape" : [ 1 , 2 ] ,
        "data_offsets":[0,8], "dtype":"F32" } , "__metadata__" : { } }

      """
    let read = try SafeTensors(file(header, byteCount: 8))
    #expect(read.names == ["aé\u{1F9A9}\n"])
    #expect(try SafeTensors(file("{}")).names == [])
  }

  @Test func headersThatBeginLikeAPickleAreRead() throws {
    // 640 is 80 02 in hexadecimal: the start of a pickle of protocol 2.
    let header = "{}" + String(repeating: " ", count: 638)
    #expect(try openTensorFile(file(header)).format == "safetensors")
  }

  @Test func hugeHeadersAreRefused() {
    let data = Data([255, 255, 255, 255, 255, 255, 255, 127]) + Data("{}".utf8)
    #expect(message { _ = try SafeTensors(data) }.contains("expected at most 100000000"))
    let short = Data([255, 0, 0, 0, 0, 0, 0, 0]) + Data("{}".utf8)
    #expect(message { _ = try SafeTensors(short) }.contains("cut short"))
    #expect(message { _ = try SafeTensors(Data([1, 2])) }.contains("not a safetensors file"))
  }

  @Test func overlappingTensorsAreRefused() {
    let header = """
      {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}
      """
    #expect(refusal(header, byteCount: 12) == "tensors 'a' and 'b' overlap")
  }

  @Test func gapsAreRefused() {
    let header = """
      {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}
      """
    #expect(refusal(header, byteCount: 12) == "bytes 4 to 8 of the data belong to no tensor")
    let tail = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"
    #expect(refusal(tail, byteCount: 5) == "bytes 4 to 5 of the data belong to no tensor")
    #expect(refusal("{}", byteCount: 1) == "bytes 0 to 1 of the data belong to no tensor")
  }

  @Test func tensorsOutsideTheFileAreRefused() {
    for offsets in ["[0,8]", "[4,0]", "[9223372036854775800,9223372036854775804]"] {
      let header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":\(offsets)}}"
      #expect(refusal(header, byteCount: 4).contains("leave the data of 4 bytes"), "\(offsets)")
    }
  }

  @Test func impossibleShapesAreRefused() {
    func shape(_ shape: String) -> String {
      refusal("{\"a\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[0,4]}}", byteCount: 4)
    }
    #expect(shape("[1]") == "no error")
    #expect(shape("[-1]").contains("a negative number"))
    #expect(shape("[4611686018427387904,4611686018427387904]").contains("is too large"))
    #expect(shape("[99999999999999999999]").contains("the number is too large"))
    #expect(shape("[2]").contains("4 bytes for F32 of shape [2], expected 8"))
    #expect(shape("[0]").contains("expected 0"))
    #expect(shape("[1.5]").contains("expected ']', got '.'"))
    #expect(shape("[[1]]").contains("expected a number"))
  }

  @Test func duplicatesAreRefused() {
    let entry = "\"a\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}"
    #expect(refusal("{\(entry),\(entry)}") == "'a' is there twice")
    #expect(refusal("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}").contains("'k' is there twice"))
    #expect(
      refusal("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F16\"}}").contains("'dtype' is there twice"))
  }

  @Test func badHeadersAreRefused() {
    #expect(refusal(" {}").contains("does not start with '{'"))
    #expect(refusal("{} x").contains("something follows"))
    #expect(refusal("{\"a\":1}").contains("expected '{', got '1'"))
    #expect(refusal("{\"a\":{}}").contains("needs 'dtype'"))
    #expect(refusal("{\"a\":{\"x\":1}}").contains("unknown field 'x'"))
    #expect(
      refusal("{\"a\":{\"dtype\":\"F4\",\"shape\":[],\"data_offsets\":[0,0]}}")
        .contains("dtype 'F4' is not supported, expected F64, F32"))
    #expect(refusal("{\"\\ud800\":{}}").contains("half a character"))
    #expect(refusal("{\"\\x\":{}}").contains("unknown escape"))
    #expect(refusal("{\"\\u00g0\":{}}").contains("four hexadecimal digits"))
    #expect(refusal("{\"__metadata__\":{\"a\":{}}}").contains("expected '\"', got '{'"))
    #expect(refusal(String(repeating: "{\"a\":", count: 10_000)).contains("unknown field"))
  }

  @Test func everyTruncationIsAnError() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a.safetensors"
    try writeSafeTensors(
      [("a", [2, 3], [1, 2, 3, 4, 5, 6]), ("b", [1], [7])], metadata: ["k": "v"], to: path)
    let whole = try Data(contentsOf: URL(fileURLWithPath: path))
    for count in 0..<whole.count {
      #expect(throws: CompileError.self) { try SafeTensors(Data(whole.prefix(count))) }
    }
    // Changed bytes may still be a file, but never a crash.
    var generator = SplitMix64(state: 3)
    for _ in 0..<5000 {
      var changed = whole
      changed[Int(generator.next() % UInt64(whole.count))] = UInt8(
        truncatingIfNeeded: generator.next())
      if let read = try? SafeTensors(changed) {
        for name in read.names { _ = try read.floats(name) }
      }
    }
  }

  @Test func whatCannotBeWrittenLeavesTheOldFile() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/a.safetensors"
    try writeSafeTensors([("a", [1], [1])], to: path)
    let old = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(
      message { try writeSafeTensors([("a", [2], [1])], to: path) }
        == "cannot write tensor 'a': 1 elements for shape [2]")
    #expect(
      message { try writeSafeTensors([("a", [1], [1]), ("a", [1], [1])], to: path) }
        == "cannot write tensor 'a': the name is taken")
    let inside = folder.path + "/none/a.safetensors"
    #expect(
      message { try writeSafeTensors([("a", [1], [1])], to: inside) }
        == "\(inside): cannot write: No such file or directory")
    // The name of a folder: everything is written, but cannot be renamed.
    let taken = folder.path + "/folder"
    try FileManager.default.createDirectory(atPath: taken, withIntermediateDirectories: true)
    #expect(
      message { try writeSafeTensors([("a", [1], [1])], to: taken) }.contains("Is a directory"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == old)
    #expect(try folder.files == ["a.safetensors", "folder"])
  }

  /// In a process of its own, because the limit holds for all of a process.
  @Test func aFullDiskLeavesTheOldFile() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      let path = folder.path + "/a.safetensors"
      try writeSafeTensors([("a", [1], [1])], to: path)
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 4096, rlim_max: 4096)
      try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      let floats = [Float](repeating: 2, count: 5000)
      let text = message { try writeSafeTensors([("a", [5000], floats)], to: path) }
      try #require(text == "\(path): cannot write: File too large")
      try #require(try SafeTensors(path: path).floats("a") == [1])
      try #require(try folder.files == ["a.safetensors"])
    }
  }
}
