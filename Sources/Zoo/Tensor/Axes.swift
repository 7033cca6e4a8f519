// A number for each axis of a tensor.

/// Six extents, strides or coordinates, outermost first. Axes out of range are 1 and stay so.
package struct Axes: Equatable, Sendable {
  private var values: (Int32, Int32, Int32, Int32, Int32, Int32)

  init(_ values: (Int32, Int32, Int32, Int32, Int32, Int32)) { self.values = values }

  package init(repeating value: Int32) { values = (value, value, value, value, value, value) }

  package subscript(axis: Int) -> Int {
    get {
      switch axis {
      case 0: Int(values.0)
      case 1: Int(values.1)
      case 2: Int(values.2)
      case 3: Int(values.3)
      case 4: Int(values.4)
      case 5: Int(values.5)
      default: 1
      }
    }
    set {
      let value = Int32(truncatingIfNeeded: newValue)
      switch axis {
      case 0: values.0 = value
      case 1: values.1 = value
      case 2: values.2 = value
      case 3: values.3 = value
      case 4: values.4 = value
      case 5: values.5 = value
      default: break
      }
    }
  }

  package static func == (a: Axes, b: Axes) -> Bool {
    for axis in 0..<Shape.maximumRank where a[axis] != b[axis] { return false }
    return true
  }

  mutating func archive<A: Archive>(_ archive: inout A, _ name: StaticString) {
    archive.field(name, &values.0)
    archive.field(name, &values.1)
    archive.field(name, &values.2)
    archive.field(name, &values.3)
    archive.field(name, &values.4)
    archive.field(name, &values.5)
  }
}
