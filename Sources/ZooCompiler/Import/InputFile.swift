// Whole files as mapped memory, with messages for people.
import CZooPlatform
package import Foundation

/// The bytes of the file at `path`, mapped where the file system allows.
///
/// - Throws: `CompileError` naming the path if it is missing, a folder or unreadable.
package func mapFile(_ path: String) throws(CompileError) -> Data {
  var isDirectory: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
    throw CompileError("\(path): no such file")
  }
  guard !isDirectory.boolValue else { throw CompileError("\(path): is a directory") }
  // Foundation reads files of some sizes into memory, whatever it is asked for.
  var bytes: UnsafeRawPointer?
  var byteCount = 0
  let status = zoo_platform_file_map(path, &bytes, &byteCount)
  if status == ZOO_PLATFORM_FILE_OK, let bytes {
    return Data(
      bytesNoCopy: UnsafeMutableRawPointer(mutating: bytes), count: byteCount,
      deallocator: .custom { start, count in zoo_platform_file_unmap(start, count) })
  }
  // Empty files and pipes have nothing to map.
  do {
    return try Data(contentsOf: URL(fileURLWithPath: path))
  } catch {
    throw CompileError("\(path): cannot read: \(reason(error))")
  }
}

/// Tells the system that mapped `bytes` were read for now, so that they do not count as this program's memory. They are read from the
/// file again where they are touched again; memory that is not mapped keeps what it holds.
func releasePages(_ bytes: UnsafeRawBufferPointer) {
  #if os(Linux)
  let page = Int(getpagesize())
  guard let base = bytes.baseAddress, bytes.count >= page else { return }
  let start = (Int(bitPattern: base) + page - 1) / page * page
  let end = (Int(bitPattern: base) + bytes.count) / page * page
  // MADV_PAGEOUT, since Linux 5.4; others refuse it, and nothing happens.
  if start < end { madvise(UnsafeMutableRawPointer(bitPattern: start), end - start, 21) }
  #endif
}

extension Data {
  /// Calls `body` with the bytes; unlike `withUnsafeBytes` it keeps the type of the error.
  func withBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws(CompileError) -> Result
  ) throws(CompileError) -> Result {
    try withUnsafeBytes { raw in
      Swift.Result { () throws(CompileError) in try body(raw) }
    }.get()
  }
}
