// Real data beside the repository, which not everyone has.
import Foundation

/// The path of `name` in ../shared/data (or in `data` of the folder that ZOO_SHARED names), or nil where it is absent.
package func sharedData(_ name: String) -> String? {
  var root = URL(fileURLWithPath: #filePath)
  for _ in 0..<4 { root.deleteLastPathComponent() }
  let shared =
    ProcessInfo.processInfo.environment["ZOO_SHARED"] ?? root.appendingPathComponent("shared").path
  let path = shared + "/data/" + name
  return FileManager.default.fileExists(atPath: path) ? path : nil
}
