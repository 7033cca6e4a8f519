// Errors of the host tier: the runtime's, with the file they concern put in front.
import CZoo
import Zoo

/// A failure, worded as the C caller will get it.
struct HostError: Error {
  private var detail = zoo_error()

  /// A failure the runtime or another part of the library already worded.
  init(_ detail: zoo_error) { self.detail = detail }

  init(_ failure: ZooError) { _ = failure.report(to: &detail) }

  init(_ status: zoo_status, _ what: StaticString, expected: Int? = nil, got: Int? = nil) {
    self.init(ZooError(status, what, expected: expected, got: got))
  }

  /// The same failure, said of the file at `path`: "photo.jpg: not found".
  func of(_ path: UnsafePointer<CChar>) -> HostError {
    var result = self
    withUnsafeBytes(of: detail.message) { reason in
      withUnsafeMutableBytes(of: &result.detail.message) { target in
        writeMessage(path, reason, into: target)
      }
    }
    return result
  }

  /// Fills `error`, if there is one, and returns the status.
  func report(to error: UnsafeMutablePointer<zoo_error>?) -> zoo_status {
    error?.pointee = detail
    return detail.status
  }
}

/// Calls a function of the C interface that reports through a `zoo_error`, and throws what it reported.
func check(
  _ call: (UnsafeMutablePointer<zoo_error>) -> zoo_status
) throws(HostError) {
  var detail = zoo_error()
  guard call(&detail) == ZOO_OK else { throw HostError(detail) }
}

/// Writes "path: reason" and a zero byte into `target`.
///
/// Where both do not fit, the middle of the path makes way: its end, the file's name, says most. The reason is cut only
/// when less than `leastPath` bytes would be left. Characters of several bytes are kept whole or left out; control
/// characters become "?", so that a message is one line whatever a file is called.
private func writeMessage(
  _ path: UnsafePointer<CChar>, _ reason: UnsafeRawBufferPointer,
  into target: UnsafeMutableRawBufferPointer
) {
  let leastPath = 40
  let ellipsis: StaticString = "..."
  let separator: StaticString = ": "
  let pathBytes = UnsafeRawBufferPointer(start: path, count: length(of: path))
  let reasonCount = reason.firstIndex(of: 0) ?? reason.count
  var position = 0
  func put(_ byte: UInt8) {
    guard position < target.count - 1 else { return }
    target[position] = byte < 0x20 || byte == 0x7F ? UInt8(ascii: "?") : byte
    position += 1
  }
  func put(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount { put(text.utf8Start[index]) }
  }

  let room = max(leastPath, target.count - 1 - reasonCount - separator.utf8CodeUnitCount)
  if pathBytes.count <= room {
    for byte in pathBytes { put(byte) }
  } else {
    let kept = room - ellipsis.utf8CodeUnitCount
    var head = kept / 3
    var tail = pathBytes.count - (kept - head)
    while head > 0 && isContinuation(pathBytes[head]) { head -= 1 }
    while tail < pathBytes.count && isContinuation(pathBytes[tail]) { tail += 1 }
    for index in 0..<head { put(pathBytes[index]) }
    put(ellipsis)
    for index in tail..<pathBytes.count { put(pathBytes[index]) }
  }
  put(separator)
  for index in 0..<reasonCount { put(reason[index]) }
  target[position] = 0
}

/// Whether a byte continues a UTF-8 character that began before it.
private func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

/// Bytes of a zero-terminated string, the zero not counted.
private func length(of text: UnsafePointer<CChar>) -> Int {
  var count = 0
  while text[count] != 0 { count += 1 }
  return count
}
