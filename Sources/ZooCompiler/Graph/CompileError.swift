// What can go wrong between a foreign file and a .zoo file.
import Foundation
package import Zoo

/// A failure of the compiler, in words for the person who runs it.
package struct CompileError: Error, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}

/// A runtime error in words.
package func text(_ error: ZooError) -> String {
  var result = "\(error.what)"
  if let expected = error.expected { result += ", expected \(expected)" }
  if let got = error.got { result += error.expected == nil ? " \(got)" : ", got \(got)" }
  return result
}

/// Why a file could not be read or written, in the words of the system call where Foundation tells which failed.
package func reason(_ error: any Error) -> String {
  let whole = error as NSError
  let cause = (whole.userInfo[NSUnderlyingErrorKey] as? any Error).map { $0 as NSError }
  let candidates = [cause, whole].compactMap { $0 }
  if let posix = candidates.first(where: { $0.domain == NSPOSIXErrorDomain }) {
    return String(cString: strerror(Int32(truncatingIfNeeded: posix.code)))
  }
  return whole.localizedDescription
}

/// A shape as "1x224x224x3"; "scalar" for rank 0.
package func describe(_ shape: Shape) -> String {
  shape.rank == 0
    ? "scalar" : (0..<shape.rank).map { String(shape[$0]) }.joined(separator: "x")
}

extension Shape {
  /// A shape from extents; refuses ranks past 6 and extents below 1.
  package init(_ extents: [Int]) throws(CompileError) {
    do {
      try self.init(rank: extents.count)
      for (axis, extent) in extents.enumerated() { try set(axis, to: extent) }
    } catch {
      throw CompileError("shape \(extents): \(text(error))")
    }
  }

  /// The extents as an array.
  package var extents: [Int] { (0..<rank).map { self[$0] } }
}
