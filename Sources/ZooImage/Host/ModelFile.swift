// A model's file in memory, shared by sessions: what C sees as `zoo_model`.
import CZoo
import CZooPlatform
import Zoo

/// A mapped model and how many use it.
///
/// It lives in allocated memory behind a pointer, because sessions on different threads count on the same one.
struct ModelFile {
  let bytes: UnsafeRawPointer
  let byteCount: Int
  /// The opener and each session; changed atomically.
  fileprivate var uses: UInt32 = 1
  /// Above 0 once a session has verified the weights; changed atomically.
  fileprivate var verifications: UInt32 = 0

  private init(bytes: UnsafeRawPointer, byteCount: Int) {
    self.bytes = bytes
    self.byteCount = byteCount
  }

  /// The file behind a handle.
  static func at(_ handle: OpaquePointer) -> UnsafeMutablePointer<ModelFile> {
    UnsafeMutablePointer<ModelFile>(handle)
  }

  /// Maps the file at `path` and checks its structure; the caller has the one use there is.
  static func open(
    _ path: UnsafePointer<CChar>
  ) throws(HostError) -> UnsafeMutablePointer<ModelFile> {
    var bytes: UnsafeRawPointer?
    var byteCount = 0
    let status = zoo_platform_file_map(path, &bytes, &byteCount)
    guard status == ZOO_PLATFORM_FILE_OK, let bytes else { throw HostError(status).of(path) }
    do throws(ZooError) {
      _ = try ModelReader(bytes, byteCount: byteCount, verify: .structureOnly)
    } catch {
      zoo_platform_file_unmap(bytes, byteCount)
      throw HostError(error).of(path)
    }
    guard let memory = zoo_platform_allocate(MemoryLayout<ModelFile>.size) else {
      zoo_platform_file_unmap(bytes, byteCount)
      throw HostError(ZOO_OUT_OF_MEMORY, "no memory for the model").of(path)
    }
    let file = memory.bindMemory(to: ModelFile.self, capacity: 1)
    file.initialize(to: ModelFile(bytes: bytes, byteCount: byteCount))
    return file
  }
}

extension UnsafeMutablePointer<ModelFile> {
  /// Adds a use.
  func retain() { _ = zoo_platform_atomic_add(&pointee.uses, 1) }

  /// Takes a use away; the last one unmaps the file.
  func release() {
    guard zoo_platform_atomic_add(&pointee.uses, -1) == 0 else { return }
    zoo_platform_file_unmap(pointee.bytes, pointee.byteCount)
    zoo_platform_free(self)
  }

  /// Whether the weights' checksum has been found right.
  var isVerified: Bool { zoo_platform_atomic_add(&pointee.verifications, 0) > 0 }

  /// Notes that the weights' checksum is right.
  func markVerified() { _ = zoo_platform_atomic_add(&pointee.verifications, 1) }
}

extension HostError {
  /// Why a file could not be mapped.
  init(_ status: zoo_platform_file_status) {
    switch status {
    case ZOO_PLATFORM_FILE_NOT_FOUND: self.init(ZOO_FILE_NOT_FOUND, "file not found")
    case ZOO_PLATFORM_FILE_DENIED: self.init(ZOO_FILE_UNREADABLE, "no permission to read it")
    case ZOO_PLATFORM_FILE_DIRECTORY: self.init(ZOO_FILE_UNREADABLE, "is a directory, not a file")
    case ZOO_PLATFORM_FILE_NOT_REGULAR: self.init(ZOO_FILE_UNREADABLE, "is not a regular file")
    case ZOO_PLATFORM_FILE_EMPTY: self.init(ZOO_FILE_UNREADABLE, "file is empty")
    case ZOO_PLATFORM_FILE_TOO_LARGE: self.init(ZOO_OUT_OF_MEMORY, "no room to map the file")
    default: self.init(ZOO_FILE_UNREADABLE, "file cannot be read")
    }
  }
}
