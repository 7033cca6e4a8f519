// Photos that a person names.
import Foundation

/// Directories replaced by the photos in them, in order of their names.
func expandedPhotos(_ names: [String]) throws -> [String] {
  var result: [String] = []
  for name in names {
    var isDirectory: ObjCBool = false
    guard name != "-", FileManager.default.fileExists(atPath: name, isDirectory: &isDirectory),
      isDirectory.boolValue
    else {
      result.append(name)
      continue
    }
    let inside = try FileManager.default.contentsOfDirectory(atPath: name).sorted().filter {
      ["png", "jpg", "jpeg"].contains(($0 as NSString).pathExtension.lowercased())
    }
    guard !inside.isEmpty else {
      throw ToolError("\(name): no PNG or JPEG files in this directory")
    }
    result += inside.map { (name as NSString).appendingPathComponent($0) }
  }
  return result
}
