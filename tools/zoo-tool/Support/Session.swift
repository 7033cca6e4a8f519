// A session of the C interface as a Swift object: the tool runs models as its users do.
import CZoo
import CZooImage
import Foundation
import ZooCompiler

/// A model opened by `zoo_open`.
final class Session {
  typealias Observer = (_ node: UnsafePointer<zoo_node>, _ done: Bool) -> Void

  let handle: OpaquePointer
  var observer: Observer?

  /// - Parameter observes: for `observer`. Every layer then writes its whole output: bands would never be there as one.
  /// - Throws: `ToolError` with the library's message, which names the file.
  init(path: String, isa: zoo_isa, threads: Int, maximumPixels: Int = 0, observes: Bool = false)
    throws
  {
    var options = zoo_host_options()
    options.struct_size = UInt32(MemoryLayout<zoo_host_options>.size)
    options.isa = isa
    options.threads = UInt32(threads)
    options.maximum_pixels = UInt64(maximumPixels)
    let box = Box()
    if observes {
      options.observer = { context, node, done in
        guard let context, let node else { return }
        Unmanaged<Box>.fromOpaque(context).takeUnretainedValue().session?.observer?(node, done != 0)
      }
      options.observer_context = Unmanaged.passUnretained(box).toOpaque()
    }
    var error = zoo_error()
    var session: OpaquePointer?
    var path = path
    let file = observes ? try unbanded(path) : nil
    defer { if let file { try? FileManager.default.removeItem(atPath: file) } }
    if let file { path = file }
    guard zoo_open(path, &options, &session, &error) == ZOO_OK, let session else {
      throw ToolError(message(error))
    }
    handle = session
    self.box = box
    box.session = self
  }

  /// Lets the C callback find the session without keeping it alive.
  private final class Box {
    weak var session: Session?
  }
  private let box: Box

  deinit { zoo_close(handle) }

  var isaName: String { String(cString: zoo_isa_name(zoo_session_isa(handle))) }

  func input(_ index: Int) -> zoo_tensor { zoo_input(handle, index)?.pointee ?? zoo_tensor() }
  func output(_ index: Int) -> zoo_tensor { zoo_output(handle, index)?.pointee ?? zoo_tensor() }

  func run() throws {
    var error = zoo_error()
    guard zoo_run(handle, &error) == ZOO_OK else { throw ToolError(message(error)) }
  }

  /// The best classes of a file's picture.
  func classify(path: String, top: Int) throws -> [zoo_prediction] {
    try predictions(top) { zoo_classify_file(self.handle, path, $0, &$1, &$2) }
  }

  /// The best classes of a decoded picture.
  func classify(image: OpaquePointer, top: Int) throws -> [zoo_prediction] {
    try predictions(top) { zoo_classify_image(self.handle, image, $0, &$1, &$2) }
  }

  private func predictions(
    _ top: Int,
    _ call: (UnsafeMutablePointer<zoo_prediction>, inout Int, inout zoo_error) -> zoo_status
  ) throws -> [zoo_prediction] {
    var error = zoo_error()
    var count = top
    var status = ZOO_OK
    let result = [zoo_prediction](unsafeUninitializedCapacity: top) { buffer, filled in
      guard let base = buffer.baseAddress else { return }
      status = call(base, &count, &error)
      filled = status == ZOO_OK ? count : 0
    }
    guard status == ZOO_OK else { throw ToolError(message(error)) }
    return result
  }

  /// Decodes `path` and writes it into input 0 as the model says.
  func setImage(path: String) throws {
    var error = zoo_error()
    var image: OpaquePointer?
    guard zoo_image_load(path, nil, &image, &error) == ZOO_OK else {
      throw ToolError(message(error))
    }
    defer { zoo_image_free(image) }
    guard zoo_set_image(handle, 0, image, &error) == ZOO_OK else {
      throw ToolError("\(path): \(message(error))")
    }
  }
}

/// Floats of a dense f32 tensor.
func floats(_ tensor: zoo_tensor) -> [Float] {
  guard let data = tensor.data, tensor.type == ZOO_F32 else { return [] }
  return Array(
    UnsafeBufferPointer(start: data.assumingMemoryBound(to: Float.self), count: tensor.size / 4))
}

/// The extents of a tensor.
func extents(_ tensor: zoo_tensor) -> [Int] {
  let all = [
    tensor.shape.0, tensor.shape.1, tensor.shape.2, tensor.shape.3, tensor.shape.4, tensor.shape.5,
  ]
  return all.prefix(Int(tensor.rank)).map { Int($0) }
}

/// A temporary copy of the model at `path` in which no nodes run in bands; nil if it has none.
private func unbanded(_ path: String) throws -> String? {
  let graph = try ModelFile(path: path).graph
  // Whichever way the file was written.
  let policies: [BandPolicy] = [.memory, .cache]
  guard policies.contains(where: { !MemoryPlan(graph, bands: $0).bands.groups.isEmpty }) else {
    return nil
  }
  let name =
    NSTemporaryDirectory() + "zoo-layers-\(ProcessInfo.processInfo.processIdentifier).zoo"
  _ = try ModelWriter.write(graph, to: name, bands: .off)
  return name
}
