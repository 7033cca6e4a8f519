// A file from the network: whole and verified, or not there.
import Foundation

/// A download that failed, in words for the person who asked for it.
package struct FetchError: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// Brings the file at an address to a path, through `curl`, which honours http_proxy, https_proxy and no_proxy.
///
/// What has arrived is kept beside the path with the suffix ".part", and the next attempt goes on there. The path itself
/// appears by renaming, after the checksum was found right.
package struct Download {
  package let address: String
  package let path: String
  /// The first digits of the SHA-256, 8 to 64 of them; nil if unknown.
  package let checksum: String?
  /// Seconds without a byte until a server counts as stalled.
  package var patience = 30
  /// Attempts without a byte until the download is given up.
  package var attempts = 3
  package var showsProgress = false

  package init(_ address: String, to path: String, checksum: String?) {
    (self.address, self.path, self.checksum) = (address, path, checksum?.lowercased())
  }

  private var part: String { path + ".part" }

  /// Downloads, verifies and renames. A file that is there already and has the right checksum is left.
  ///
  /// - Throws: `FetchError` that says what went wrong and whether the same command goes on later.
  package func run() throws(FetchError) {
    let files = FileManager.default
    if checksum != nil, files.fileExists(atPath: path) {
      let hash = try SHA256.hash(ofFile: path)
      if isRight(hash) { return }
    }
    // Two fetches of the same file would append to each other's part.
    let lock = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard lock >= 0 else { throw FetchError("\(part): cannot write: \(posixReason())") }
    defer { close(lock) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      throw FetchError("\(part): another fetch is writing this file")
    }
    do throws(FetchError) {
      let isResumed = size > 0
      try receive()
      do throws(FetchError) {
        try verify()
      } catch  where isResumed {
        // What was here may be of another file: once more, from the start.
        try receive()
        try verify()
      }
    } catch {
      if size == 0 { try? files.removeItem(atPath: part) }
      throw error
    }
    guard rename(part, path) == 0 else {
      throw FetchError("\(path): cannot write: \(posixReason())")
    }
  }

  /// Bytes that have arrived.
  private var size: Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: part)
    return (attributes?[.size] as? NSNumber)?.intValue ?? 0
  }

  private func receive() throws(FetchError) {
    // An earlier run may have ended between the last byte and the renaming.
    if checksum?.count == 64, size > 0 {
      let hash = try SHA256.hash(ofFile: part)
      if isRight(hash) { return }
    }
    var failures = 0
    while true {
      let before = size
      let result = try Curl(
        address, to: part, from: before, patience: patience, showsProgress: showsProgress
      ).run()
      switch result {
      case .complete: return
      case .notResumable:
        // The server cannot continue, or has less than is here: all again.
        guard before > 0, truncate(part, 0) == 0 else {
          throw FetchError("\(address): the server sends nothing")
        }
      case .interrupted(let reason):
        failures = size > before ? 1 : failures + 1
        guard failures < attempts else {
          let rest = size > 0 ? "; \(size) bytes are kept, the same command goes on there" : ""
          throw FetchError("\(address): \(reason)\(rest)")
        }
        if failures > 1 { sleep(1) }
      case .cannotWrite:
        // Room for others; and what is here cannot be completed now.
        truncate(part, 0)
        throw FetchError("\(part): cannot write; no space left on the disk?")
      case .refused(let reason): throw FetchError("\(address): \(reason)")
      }
    }
  }

  private func verify() throws(FetchError) {
    guard let checksum else { return }
    let hash = try SHA256.hash(ofFile: part)
    guard isRight(hash) else {
      truncate(part, 0)
      throw FetchError(
        "\(address): SHA-256 is \(hash.prefix(max(8, checksum.count))), expected \(checksum); the file was removed"
      )
    }
  }

  private func isRight(_ hash: String) -> Bool { hash.hasPrefix(checksum ?? "") }
}

/// The reason of the last failed system call.
func posixReason() -> String { String(cString: strerror(errno)) }
