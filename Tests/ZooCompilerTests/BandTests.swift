// Chains of layers in bands: the same answers, smaller arenas, and files that lie about them.
import CZoo
import CZooPlatform
import Foundation
import TestSupport
import Testing
import Zoo
import ZooCompiler

/// A random chain of convolutions, depthwise convolutions and pools on one image, some with a sum.
func randomChain(seed: UInt64) throws -> Graph {
  var generator = SplitMix64(state: seed)
  func pick(_ count: Int) -> Int { Int(generator.next() % UInt64(count)) }
  var builder = NetworkBuilder(RandomWeights(seed: seed))
  let size = (height: 9 + pick(24), width: 5 + pick(60))
  var x = builder.image(height: size.height, width: size.width, channels: 1 + pick(9))
  for index in 0..<3 + pick(4) {
    let name = "n\(index)"
    let shape = builder.shape(x)
    let kernel = [1, 2, 3, 5][pick(4)]
    guard shape[1] > kernel, shape[2] > kernel else { break }
    let padding: Padding = pick(2) == 0 ? .same : .valid
    switch pick(4) {
    case 0:
      x = try builder.depthwise(name, x, kernel: kernel, stride: 1 + pick(2), padding: padding)
    case 1:
      x = try builder.pool(pick(2) == 0 ? .max : .average, x, kernel: max(2, kernel), stride: 2)
    case 2:
      let layer = try builder.convolution(
        name, x, channels: shape[3], kernel: kernel, padding: .same)
      x = try builder.relu(try builder.addition(layer, x))
    default:
      x = try builder.convolution(
        name, x, channels: 3 + pick(20), kernel: kernel, stride: 1 + pick(2), padding: padding)
    }
  }
  var graph = try builder.finish(x)
  try optimize(&graph)
  return graph
}

struct BandTests {
  @Test(arguments: 0..<60)
  func chainsGiveTheSameBits(_ seed: Int) throws {
    let graph = try randomChain(seed: UInt64(seed))
    let plan = MemoryPlan(graph, bands: .memory)
    try plan.check(graph)
    #expect(plan.byteCount <= MemoryPlan(graph, bands: .off).byteCount)
    var generator = SplitMix64(state: 5)
    let count = graph[graph.inputs[0]].shape.elementCount
    let x = (0..<count).map { _ in Float(generator.next() >> 40) * 0x1p-23 - 1 }
    let pool = zoo_platform_pool_create(3)
    defer { zoo_platform_pool_destroy(pool) }
    let parallel = zoo_parallel(
      context: UnsafeMutableRawPointer(pool), thread_count: 3, run: zoo_platform_pool_run)
    func answer(_ bands: BandPolicy, _ isa: zoo_isa, _ parallel: zoo_parallel?) throws -> [UInt8] {
      let runner = try Runner(
        try ModelWriter.encode(graph, bands: bands), isa: isa, parallel: parallel, hasScratch: false
      )
      try runner.write(x, toInput: 0)
      try runner.run()
      return runner.outputBytes(0)
    }
    for isa in availableISAs {
      let want = try answer(.off, isa, nil)
      #expect(try answer(.memory, isa, nil) == want, "seed \(seed), \(name(of: isa))")
      #expect(try answer(.memory, isa, parallel) == want, "seed \(seed), \(name(of: isa)), threads")
    }
  }

  /// Handing rows to another thread takes longer than a small chain: LeNet-5 in integers was half as slow again with two threads.
  @Test(arguments: [(28, false), (600, true)])
  func onlyLongChainsAreShared(_ size: Int, _ isShared: Bool) throws {
    var builder = NetworkBuilder(RandomWeights(seed: 3))
    let image = builder.image(height: size, width: size, channels: 1)
    let layer = try builder.convolution("c", image, channels: 6, kernel: 5, padding: .valid)
    let pooled = try builder.pool(.average, layer, kernel: 2)
    var graph = try builder.finish(pooled)
    try optimize(&graph)
    #expect(MemoryPlan(graph, bands: .cache).bands.groups.count == 1)
    var handedOver = 0
    try withUnsafeMutablePointer(to: &handedOver) { count in
      let parallel = zoo_parallel(context: count, thread_count: 2) { counter, pieces, task, work in
        counter?.assumingMemoryBound(to: Int.self).pointee += 1
        for index in 0..<pieces { task?(work, index) }
      }
      let runner = try Runner(
        try ModelWriter.encode(graph, bands: .cache), parallel: parallel, hasScratch: false)
      try runner.run()
    }
    #expect((handedOver > 0) == isShared)
  }

  /// A thread that comes first makes its own bands and then, half by half, those of the others, which find nothing left.
  @Test func bandsTakenOverGiveTheSameBits() throws {
    var builder = NetworkBuilder(RandomWeights(seed: 5))
    let image = builder.image(height: 600, width: 600, channels: 3)
    let first = try builder.convolution("a", image, channels: 6, kernel: 5, padding: .same)
    let second = try builder.convolution("b", first, channels: 6, kernel: 3, padding: .same)
    let pooled = try builder.pool(.max, second, kernel: 2)
    var graph = try builder.finish(pooled)
    try optimize(&graph)
    let group = try #require(MemoryPlan(graph, bands: .cache).bands.groups.first)
    #expect(group.workers >= 2 && group.rows * 8 < 300, "\(group)")
    let backwards = zoo_parallel(context: nil, thread_count: 2) { _, pieces, task, work in
      for index in (0..<pieces).reversed() { task?(work, index) }
    }
    func answer(_ bands: BandPolicy, _ parallel: zoo_parallel?) throws -> [UInt8] {
      let runner = try Runner(
        try ModelWriter.encode(graph, bands: bands), parallel: parallel, hasScratch: false)
      try runner.write(
        (0..<1_080_000).map { Float($0 % 251) / 125 - 1 }, toInput: 0)
      try runner.run()
      return runner.outputBytes(0)
    }
    #expect(try answer(.cache, backwards) == answer(.off, nil))
  }

  /// Of the chains above enough lie on their inputs for their bits to be a test of that.
  @Test func outputsFallOnRowsThatWereRead() throws {
    let overlaps = try (0..<60).filter { seed in
      let plan = MemoryPlan(try randomChain(seed: UInt64(seed)), bands: .memory)
      return plan.placement.buffers.indices.contains { index in
        guard let over = plan.placement.buffers[index].over else { return false }
        let (start, end) = (plan.packing.offsets[index], plan.packing.offsets[over.buffer])
        return start <= end && end < start + plan.placement.buffers[index].byteCount
      }
    }
    #expect(overlaps.count >= 20, "\(overlaps)")
  }

  @Test func batchesRunImageByImage() throws {
    let one = try randomChain(seed: 3)
    let graph = try rebatched(one, batch: 3)
    let whole = try Runner(try ModelWriter.encode(graph, bands: .off))
    let banded = try Runner(try ModelWriter.encode(graph, bands: .memory))
    let x = (0..<graph[graph.inputs[0]].shape.elementCount).map { Float($0 % 37) / 18 - 1 }
    for runner in [whole, banded] {
      try runner.write(x, toInput: 0)
      try runner.run()
    }
    #expect(!MemoryPlan(graph, bands: .memory).bands.groups.isEmpty)
    #expect(whole.outputBytes(0) == banded.outputBytes(0))
  }

  /// Every number of a chain can lie; a session then refuses it or runs, but never leaves the arena.
  @Test func damagedChainsAreRefused() throws {
    let graph = try randomChain(seed: 3)
    let data = try ModelWriter.encode(graph, bands: .memory)
    typealias Node = ModelFormat.Node
    typealias Tensor = ModelFormat.Tensor
    func u32(_ at: Int) -> Int {
      data.withUnsafeBytes { Int($0.loadUnaligned(fromByteOffset: at, as: UInt32.self)) }
    }
    let nodes = u32(ModelFormat.Header.nodes)
    let tensors = u32(ModelFormat.Header.tensors)
    let first = try #require(
      (0..<graph.nodes.count).first { data[nodes + $0 * Node.byteStride + Node.bandNodes] > 0 })
    let node = nodes + first * Node.byteStride
    let link = try #require(
      (0..<u32(ModelFormat.Header.tensors + 4)).first {
        data[tensors + $0 * Tensor.byteStride + Tensor.storage] == ModelFormat.Storage.bands
      })
    let tensor = tensors + link * Tensor.byteStride
    let rows = u32(node + Node.bandRows)
    for (at, bytes) in [
      (node + Node.bandNodes, [UInt8(200)]), (node + Node.bandNodes, [0]),
      (node + Node.bandRows, [0, 0, 0, 0]), (node + Node.bandRows, [UInt8(rows + 100)]),
      (node + Node.bandRows, [255, 255, 255, 255]),
      (tensor + Tensor.byteCount, [0]), (tensor + Tensor.storage, [0]),
    ] {
      var damaged = data
      for (index, byte) in bytes.enumerated() { damaged[at + index] = byte }
      damaged.withUnsafeMutableBytes { raw in
        let weights = Int(
          raw.loadUnaligned(fromByteOffset: ModelFormat.Header.weightsOffset, as: UInt64.self))
        let sum = raw.baseAddress.map { Zoo.checksum($0 + 16, count: weights - 16) } ?? 0
        raw.storeBytes(of: sum, toByteOffset: ModelFormat.Header.structureChecksum, as: UInt32.self)
      }
      #expect(throws: CompileError.self) { _ = try Runner(damaged) }
    }
  }
}
