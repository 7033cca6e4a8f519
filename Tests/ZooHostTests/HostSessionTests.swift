// Sessions of the host tier from Swift: results do not depend on threads or on the way in.
import CTinyModel
import CZoo
import CZooImage
import Foundation
import Testing

@Suite struct HostSessionTests {
  /// Calls `body` with the path of a file that holds the classifier.
  private func withModelFile(_ body: (String) throws -> Void) throws {
    var bytes = [UInt8](repeating: 0, count: Int(TINY_MODEL_CAPACITY))
    let size = tiny_model_build(TINY_CLASSIFIER, &bytes)
    let url = FileManager.default.temporaryDirectory.appendingPathComponent(
      "zoo-\(UUID().uuidString).zoo")
    try Data(bytes.prefix(size)).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    try body(url.path)
  }

  private func open(_ path: String, threads: UInt32) -> OpaquePointer? {
    var options = zoo_host_options()
    options.struct_size = UInt32(MemoryLayout<zoo_host_options>.size)
    options.threads = threads
    var session: OpaquePointer?
    #expect(zoo_open(path, &options, &session, nil) == ZOO_OK)
    return session
  }

  private let pixels = (0..<Int(TINY_SIDE * TINY_SIDE) * 3).map { Float($0 * 13 % 32) / 32 }

  /// The classifier in the order the format's documentation says, in double precision.
  private var expected: [Double] {
    let side = Int(TINY_SIDE)
    let filters = Int(TINY_FILTERS)
    var pooled = [Double](repeating: 0, count: filters)
    for row in 0..<side {
      for column in 0..<side {
        for filter in 0..<filters {
          var sum = Double(tiny_weight(UInt32(filter)))
          for tap in 0..<9 {
            let y = row + tap / 3 - 1
            let x = column + tap % 3 - 1
            guard 0..<side ~= y && 0..<side ~= x else { continue }
            for channel in 0..<3 {
              sum +=
                Double(pixels[(y * side + x) * 3 + channel])
                * Double(tiny_weight(UInt32((tap * 3 + channel) * filters + filter)))
            }
          }
          pooled[filter] += max(sum, 0) / Double(side * side)
        }
      }
    }
    let classes = Int(TINY_CLASS_COUNT)
    let scores = (0..<classes).map { index in
      (0..<filters).reduce(Double(tiny_weight(UInt32(index)))) {
        $0 + pooled[$1] * Double(tiny_weight(UInt32($1 * classes + index)))
      }
    }
    let exponentials = scores.map { exp($0) }
    let sum = exponentials.reduce(0, +)
    return exponentials.map { $0 / sum }
  }

  private func probabilities(_ session: OpaquePointer?) -> [Float] {
    if let input = zoo_input(session, 0)?.pointee {
      UnsafeMutableRawBufferPointer(start: input.data, count: input.size)
        .copyBytes(from: pixels.withUnsafeBytes { Array($0) })
    }
    #expect(zoo_run(session, nil) == ZOO_OK)
    guard let output = zoo_output(session, 0)?.pointee else { return [] }
    let scores = output.data.assumingMemoryBound(to: Float.self)
    return (0..<Int(TINY_CLASS_COUNT)).map { scores[$0] }
  }

  @Test func resultsAreRightForAnyNumberOfThreads() throws {
    try withModelFile { path in
      var first: [Float]?
      for threads in [1, 2, 3, 8, 0] as [UInt32] {
        let session = open(path, threads: threads)
        defer { zoo_close(session) }
        let result = probabilities(session)
        for (a, b) in zip(result, expected) { #expect(abs(Double(a) - b) < 1e-6) }
        #expect(result == first ?? result)
        first = result
      }
    }
  }

  @Test func topNamesTheClasses() throws {
    try withModelFile { path in
      let session = open(path, threads: 1)
      defer { zoo_close(session) }
      let result = probabilities(session)
      var top = [zoo_prediction](repeating: zoo_prediction(), count: 2)
      var count = 2
      #expect(zoo_top(session, &top, &count, nil) == ZOO_OK)
      #expect(count == 2)
      let best = result.indices.max { result[$0] < result[$1] }
      #expect(Int(top[0].index) == best && top[0].probability == result.max())
      #expect(String(cString: top[0].label) == String(cString: zoo_label(session, best ?? 0)))
      #expect(String(cString: zoo_metadata(session, "name")) == "tiny")
    }
  }
}
