// Files in pieces: what large conversions are made of.
import CZoo
import Foundation
import TestSupport
import Testing
import Zoo
import ZooCompiler

struct LargeFileTests {
  @Test func theChecksumOfPiecesIsThatOfTheWhole() {
    let bytes = (0..<400).map { UInt8(truncatingIfNeeded: $0 * 31 + 7) }
    for count in [0, 1, 3, 4, 63, 64, 65, 127, 128, 300, 400] {
      let whole = bytes.withUnsafeBytes { raw in
        raw.baseAddress.map { laneChecksum($0, count: count) }
      }
      for size in [1, 5, 64, 100, 400] {
        var sum = StreamSums()
        for start in stride(from: 0, to: count, by: size) {
          Array(bytes[start..<min(start + size, count)]).withUnsafeBytes { sum.update($0) }
        }
        #expect(sum.finish() == whole, "\(count) bytes by \(size)")
      }
    }
  }

  /// Files of before there were sums have XXH32 of all their weights.
  @Test func aFileWithTheOlderChecksumIsReadAndItsDamageSeen() throws {
    typealias Header = ModelFormat.Header
    var graph = Graph()
    let x = graph.addInput("x", Shape(n: 1, h: 1, w: 1, c: 20))
    let w = graph.addConstant("w", try Shape([20, 20]), (0..<400).map { Float($0) })
    graph.outputs = [try graph.add(Dense(), [x, w], name: "d")]
    var data = try ModelWriter.encode(graph)
    func seal(_ flags: UInt32, _ data: inout Data) {
      data.withUnsafeMutableBytes { raw in
        guard let base = raw.baseAddress else { return }
        let weights = Int(raw.loadUnaligned(fromByteOffset: Header.weightsOffset, as: UInt64.self))
        raw.storeBytes(of: flags, toByteOffset: Header.flags, as: UInt32.self)
        let sum = checksum(base + weights, count: raw.count - weights)
        raw.storeBytes(of: sum, toByteOffset: Header.weightsChecksum, as: UInt32.self)
        raw.storeBytes(
          of: checksum(base + Header.fileByteCount, count: weights - Header.fileByteCount),
          toByteOffset: Header.structureChecksum, as: UInt32.self)
      }
    }
    seal(0, &data)
    _ = try Runner(data)
    data[data.count - 1] ^= 1
    #expect(throws: CompileError.self) { _ = try Runner(data) }
    seal(ModelFormat.Flag.laneSums, &data)  // the older sum under the newer flag
    #expect(throws: CompileError.self) { _ = try Runner(data) }
  }

  @Test func aFileWrittenInPiecesIsTheEncodedOne() throws {
    var graph = Graph()
    let x = graph.addInput("x", Shape(n: 1, h: 1, w: 2, c: 5))
    var values = x
    for (index, columns) in [20, 16, 7].enumerated() {
      let rows = graph[values].shape.last
      let w = graph.addConstant(
        "w\(index)", try Shape([rows, columns]), (0..<rows * columns).map { Float($0) })
      values = try graph.add(Dense(), [values, w], name: "d\(index)")
    }
    graph.outputs = [values]
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("\(UUID().uuidString).zoo").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    var written = 0
    let size = try ModelWriter.write(graph, to: path) { written += $0 }
    let data = try ModelWriter.encode(graph)
    #expect(FileManager.default.contents(atPath: path) == data)
    #expect(size.byteCount == data.count)
    #expect(size.planByteCount == ModelWriter.planByteCount(data))
    #expect(written > 0 && written < data.count)
    _ = try ModelFile(path: path)
  }

  /// Tensors of every form, read in pieces of a file.
  @Test func tensorsReadInPiecesAreInOurOrder() throws {
    func spec(_ role: ParameterRole, _ shape: [Int]) -> ParameterSpec {
      ParameterSpec(
        name: "w", role: role, shape: shape, fanIn: 1, fanOut: 1, initializer: .zeros)
    }
    var dense = spec(.dense, [3 * 5 * 300, 70])
    dense.flattened = (3, 5, 300)
    for parameter in [
      dense, spec(.dense, [70_000, 1]), spec(.depthwise, [3, 3, 9000]),
      spec(.convolution(height: 3, width: 2), [1, 6 * 130, 100]),
      spec(.convolution(height: 3, width: 2), [4, 6 * 30, 100]),
    ] {
      let layout = TorchLayout(parameter)
      let ours = (0..<parameter.count).map { Float($0) }
      let path = FileManager.default.temporaryDirectory
        .appendingPathComponent("\(UUID().uuidString).safetensors").path
      defer { try? FileManager.default.removeItem(atPath: path) }
      let tensor = NamedTensor(
        name: "w", shape: layout.torchShape, floats: layout.torchOrder(ours))
      try writeSafeTensors([tensor], to: path)
      let file = try openTensorFile(path)
      #expect(file.hasPieces("w"))
      #expect(try StateDictWeights(file).values(parameter) == ours)
      #expect(try file.floats("w", 7..<99) == Array(try file.floats("w")[7..<99]))
    }
  }
}
