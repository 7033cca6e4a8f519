// A file that appears whole or not at all.
import Foundation

/// A new version of a file: written in pieces to a file without a name, or with a temporary one, in the same folder, then put in the place
/// of the old version.
///
/// Without `commit` the old version stays. A link stays a link, to the new version. What is not a file, a device or a pipe, is written
/// to as it is.
package final class ReplacingFile {
  private let path: String
  /// Where the file is, which `path` may be a link to.
  private let place: String
  /// Nil if there is no file to replace.
  private let temporary: String?
  /// Whether there is a file of the temporary name now.
  private var isNamed = false
  private var descriptor: Int32

  /// Opens the file to be written.
  ///
  /// - Throws: `CompileError` naming `path` if the folder is missing or does not allow it.
  package init(_ path: String) throws(CompileError) {
    self.path = path
    var status = stat()
    let exists = stat(path, &status) == 0
    place = exists ? URL(fileURLWithPath: path).resolvingSymlinksInPath().path : path
    if exists && status.st_mode & S_IFMT != S_IFREG {
      temporary = nil
      descriptor = open(path, O_WRONLY | O_CLOEXEC)
    } else {
      let name = "\(place).\(UUID().uuidString).tmp"
      temporary = name
      descriptor = unnamedFile(beside: place)
      if descriptor < 0 {
        descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        isNamed = descriptor >= 0
      }
    }
    guard descriptor >= 0 else { throw failure() }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    if let temporary, isNamed { unlink(temporary) }
  }

  /// Appends bytes.
  ///
  /// - Throws: `CompileError` if the disk is full or fails.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(CompileError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      // A single write takes at most 2 GiB on Linux; it says how much it took.
      let count = Foundation.write(
        descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure() }
      rest = rest.dropFirst(count)
    }
  }

  /// Appends elements as they lie in memory.
  ///
  /// - Throws: as above.
  package func write<Element: BitwiseCopyable>(_ elements: [Element]) throws(CompileError) {
    let result = elements.withUnsafeBytes { raw in
      Result { () throws(CompileError) in try write(raw) }
    }
    try result.get()
  }

  /// Replaces bytes that were written before.
  ///
  /// - Throws: as above.
  package func overwrite(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(CompileError) {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure() }
      done += count
    }
  }

  /// Makes what was written the file at `path`, safely on the disk.
  ///
  /// - Throws: `CompileError` if the disk is full or fails, or a folder has that name.
  package func commit() throws(CompileError) {
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure() }
    if let temporary, !isNamed {
      guard name(descriptor, temporary) else { throw failure() }
      isNamed = true
    }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0 else { throw failure() }
    if let temporary {
      guard rename(temporary, place) == 0 else { throw failure() }
      isNamed = false
    }
  }

  private func failure() -> CompileError {
    CompileError("\(path): cannot write: \(String(cString: strerror(errno)))")
  }
}

// MARK: Files without a name, of which nothing is left however the program ends

/// A file without a name in the folder of `path`, or -1 where the file system has none.
private func unnamedFile(beside path: String) -> Int32 {
  #if os(Linux)
  // O_TMPFILE, a macro that Swift does not import; its other half is O_DIRECTORY.
  let unnamed: Int32 = 0o20000000 | O_DIRECTORY
  guard access("/proc/self/fd", X_OK) == 0 else { return -1 }
  let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
  return open(folder, O_WRONLY | O_CLOEXEC | unnamed, 0o666)
  #else
  return -1
  #endif
}

/// Gives it one.
private func name(_ descriptor: Int32, _ path: String) -> Bool {
  #if os(Linux)
  return linkat(
    AT_FDCWD, "/proc/self/fd/\(descriptor)", AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0
  #else
  return false
  #endif
}
