// Turning a ZooError into the caller's zoo_error, without String.
package import CZoo

extension ZooError {
  /// Fills `error`, if there is one, and returns the status.
  package func report(to error: UnsafeMutablePointer<zoo_error>?) -> zoo_status {
    guard let error else { return status }
    if let message, message.status == status {
      error.pointee = message
      return status
    }
    error.pointee.status = status
    error.pointee.node = node
    withUnsafeMutableBytes(of: &error.pointee.message) { buffer in
      var writer = MessageWriter(buffer)
      if node != UInt32.max {
        writer.write("node ")
        writer.write(Int(node))
        writer.write(": ")
      }
      writer.write(what)
      if let expected {
        writer.write(", expected ")
        writer.write(expected)
      }
      if let got {
        writer.write(expected == nil ? " " : ", got ")
        writer.write(got)
      }
      writer.finish()
    }
    return status
  }
}

extension ZooError {
  /// A failure that an operator already described is passed on; only its status and place are kept here.
  static func reported(_ failure: zoo_error, status: zoo_status, node: UInt32) -> ZooError {
    var result = ZooError(status, "operator refused its node", node: node)
    result.message = failure
    return result
  }
}

/// Appends text and numbers to a fixed buffer; what does not fit is dropped.
package struct MessageWriter {
  private let buffer: UnsafeMutableRawBufferPointer
  private var position = 0

  package init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

  private mutating func put(_ byte: UInt8) {
    guard position < buffer.count - 1 else { return }
    buffer[position] = byte
    position += 1
  }

  package mutating func write(_ text: StaticString) {
    for index in 0..<text.utf8CodeUnitCount { put(text.utf8Start[index]) }
  }

  package mutating func write(cString text: UnsafePointer<CChar>) {
    var next = text
    while next.pointee != 0 {
      put(UInt8(bitPattern: next.pointee))
      next += 1
    }
  }

  package mutating func write(_ number: Int) {
    if number < 0 { put(UInt8(ascii: "-")) }
    var rest = number.magnitude
    var divisor: UInt = 1
    while rest / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      put(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / divisor))
      rest %= divisor
      divisor /= 10
    }
  }

  package mutating func finish() {
    if position < buffer.count { buffer[position] = 0 }
  }
}
