// A file's bytes for as long as they are needed.
import CZoo
import CZooPlatform
import Zoo

/// A read-only mapping that ends with its owner.
struct MappedFile: ~Copyable {
  private let base: UnsafeRawPointer
  private let byteCount: Int

  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: byteCount) }

  /// Maps the file at `path`; the error names it.
  init(_ path: UnsafePointer<CChar>) throws(HostError) {
    var bytes: UnsafeRawPointer?
    var count = 0
    let status = zoo_platform_file_map(path, &bytes, &count)
    guard status == ZOO_PLATFORM_FILE_OK, let bytes else { throw HostError(status).of(path) }
    base = bytes
    byteCount = count
  }

  deinit { zoo_platform_file_unmap(base, byteCount) }
}

extension HostError {
  /// An image's failure.
  init(_ failure: ImageError) {
    var detail = zoo_error()
    _ = failure.report(to: &detail)
    self.init(detail)
  }
}
