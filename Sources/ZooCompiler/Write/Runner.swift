// A session for host code: a model and its arena in one object.
package import CZoo
package import Foundation
import Zoo

/// A model ready to run, through the same C functions that everyone else uses.
package final class Runner {
  /// What an observer sees: the node and whether it has run.
  package typealias Observer = (_ node: UnsafePointer<zoo_node>, _ done: Bool) -> Void

  private let model: UnsafeMutableRawPointer
  private let arena: UnsafeMutableRawPointer
  private let scratch: UnsafeMutableRawPointer
  private var session: OpaquePointer?
  private let parallel: UnsafeMutablePointer<zoo_parallel>?
  package var observer: Observer?
  package let arenaByteCount: Int

  /// Copies `data` to aligned memory and makes a session.
  ///
  /// `parallel` must outlive the runner; its value is copied. Without scratch memory layers give the same bits in bands and whole.
  package init(
    _ data: Data, isa: zoo_isa = ZOO_ISA_AUTO, parallel: zoo_parallel? = nil,
    hasScratch: Bool = true
  ) throws(CompileError) {
    let model = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, data.count), alignment: ModelFormat.alignment)
    data.withUnsafeBytes { source in
      if let base = source.baseAddress { model.copyMemory(from: base, byteCount: source.count) }
    }
    self.model = model
    self.parallel = parallel.map { value in
      let pointer = UnsafeMutablePointer<zoo_parallel>.allocate(capacity: 1)
      pointer.initialize(to: value)
      return pointer
    }
    var options = zoo_options()
    options.struct_size = UInt32(MemoryLayout<zoo_options>.size)
    options.isa = isa
    options.parallel = UnsafePointer(self.parallel)
    var error = zoo_error()
    var byteCount = 0
    let sized = zoo_session_arena_size(model, data.count, &options, &byteCount, &error)
    arenaByteCount = byteCount
    arena = .allocate(byteCount: max(1, byteCount), alignment: ModelFormat.alignment)
    if sized == ZOO_OK, hasScratch {
      var scratchByteCount = 0
      _ = zoo_session_scratch_size(model, data.count, &options, &scratchByteCount, &error)
      options.scratch_size = scratchByteCount
    }
    scratch = .allocate(byteCount: max(1, options.scratch_size), alignment: ModelFormat.alignment)
    if options.scratch_size > 0 { options.scratch = scratch }
    guard sized == ZOO_OK else { throw CompileError(message(error)) }
    options.observer = { context, node, done in
      guard let context, let node else { return }
      Unmanaged<Runner>.fromOpaque(context).takeUnretainedValue().observer?(node, done != 0)
    }
    options.observer_context = Unmanaged.passUnretained(self).toOpaque()
    guard
      zoo_session_init(model, data.count, arena, byteCount, &options, &session, &error) == ZOO_OK
    else { throw CompileError(message(error)) }
  }

  deinit {
    model.deallocate()
    arena.deallocate()
    scratch.deallocate()
    parallel?.deallocate()
  }

  package var isa: zoo_isa { zoo_session_isa(session) }
  package var inputCount: Int { zoo_input_count(session) }
  package var outputCount: Int { zoo_output_count(session) }
  /// The handle, for the C functions.
  package var handle: OpaquePointer? { session }

  package func input(_ index: Int) -> zoo_tensor {
    zoo_input(session, index)?.pointee ?? zoo_tensor()
  }
  package func output(_ index: Int) -> zoo_tensor {
    zoo_output(session, index)?.pointee ?? zoo_tensor()
  }

  /// Copies raw bytes into an input.
  package func write(_ bytes: [UInt8], toInput index: Int) throws(CompileError) {
    let tensor = input(index)
    guard let data = tensor.data, tensor.size == bytes.count else {
      throw CompileError("input \(index) takes \(tensor.size) bytes, got \(bytes.count)")
    }
    data.copyMemory(from: bytes, byteCount: bytes.count)
  }

  /// Copies real numbers into an input of f32, or into one of i8 or i16 as its integers.
  package func write(_ floats: [Float], toInput index: Int) throws(CompileError) {
    let tensor = input(index)
    func integers<Element: IntegerElement>(_ type: Element.Type, _ q: Quantization) -> [UInt8] {
      floats.map { q.integer(Double($0), type) }.withUnsafeBytes { Array($0) }
    }
    switch (tensor.type, Quantization(tensor)) {
    case (ZOO_I8, let q?): try write(integers(Int8.self, q), toInput: index)
    case (ZOO_I16, let q?): try write(integers(Int16.self, q), toInput: index)
    default: try write(floats.withUnsafeBytes { Array($0) }, toInput: index)
    }
  }

  package func run() throws(CompileError) {
    var error = zoo_error()
    guard zoo_run(session, &error) == ZOO_OK else { throw CompileError(message(error)) }
  }

  package func outputBytes(_ index: Int) -> [UInt8] {
    let tensor = output(index)
    guard let data = tensor.data else { return [] }
    return Array(UnsafeRawBufferPointer(start: data, count: tensor.size))
  }

  /// The elements of an output of f32, or those of i8 or i16 as the real numbers they stand for.
  package func outputFloats(_ index: Int) -> [Float] {
    realNumbers(output(index))
  }
}

/// The message of a zoo_error as a String.
package func message(_ error: zoo_error) -> String {
  withUnsafeBytes(of: error.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}

/// The elements of a dense tensor of f32, bf16, i8 or i16 as real numbers.
package func realNumbers(_ tensor: zoo_tensor) -> [Float] {
  realNumbers(tensor, at: 0, count: tensor.extent.elementCount)
}

/// Elements `start` ... `start` + `count` - 1, in the order of memory, of a tensor of f32 or bf16, or of i8 or i16 with one scale, as real
/// numbers; none of other types.
package func realNumbers(_ tensor: zoo_tensor, at start: Int, count: Int) -> [Float] {
  guard tensor.data != nil else { return [] }
  func reals<Element: IntegerElement>(_ type: Element.Type, _ q: Quantization) -> [Float] {
    let integers = tensor.integers(type) + start
    return (0..<count).map { Float(q.real(integers[$0])) }
  }
  switch (tensor.type, Quantization(tensor)) {
  case (ZOO_I8, let q?): return reals(Int8.self, q)
  case (ZOO_I16, let q?): return reals(Int16.self, q)
  case (ZOO_F32, _): return Array(UnsafeBufferPointer(start: tensor.floats + start, count: count))
  case (ZOO_BF16, _):
    return tensor.data.map {
      let numbers = $0.assumingMemoryBound(to: UInt16.self) + start
      return (0..<count).map { Float(bitPattern: UInt32(numbers[$0]) << 16) }
    } ?? []
  default: return []
  }
}

extension zoo_tensor {
  /// Whether the elements are activations of integers.
  var isInteger: Bool { type == ZOO_I8 || type == ZOO_I16 }
}

extension Value {
  /// Whether the elements are activations of integers.
  var isInteger: Bool { type == ZOO_I8 || type == ZOO_I16 }
}

extension Quantization {
  /// The one scale and zero point of a tensor, if it has them.
  package init?(_ tensor: zoo_tensor) {
    guard tensor.scale_count == 1 else { return nil }
    self.init(scale: tensor.scales[0], zeroPoint: tensor.zero_points[0])
  }
}
