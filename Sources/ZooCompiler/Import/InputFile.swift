// Whole files as mapped memory, with messages for people.
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
  do {
    return try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
  } catch {
    throw CompileError("\(path): cannot read: \(reason(error))")
  }
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
