// What measured models are given.
import CZoo
import Zoo

/// Writes values into every input that no kernel can take a short cut on.
func fillWithNoise(_ session: Session) {
  for index in 0..<zoo_input_count(session.handle) {
    let tensor = session.input(index)
    guard let data = tensor.data else { continue }
    var state: UInt32 = 1
    guard tensor.type == ZOO_F32 else {
      let bytes = data.assumingMemoryBound(to: UInt8.self)
      for index in 0..<tensor.size {
        state = state &* 1_664_525 &+ 1_013_904_223
        bytes[index] = UInt8(state >> 24)
      }
      continue
    }
    let values = data.assumingMemoryBound(to: Float.self)
    for index in 0..<tensor.size / 4 {
      state = state &* 1_664_525 &+ 1_013_904_223
      values[index] = Float(state >> 8) * 0x1p-24 - 0.5
    }
  }
}

/// The same values for every run, written as quickly as a program copies an image it has: threads that wait for a run do not fall
/// asleep meanwhile.
struct InputNoise {
  private let inputs: [[UInt8]]

  /// Fills the inputs of `session`, too.
  init(_ session: Session) {
    fillWithNoise(session)
    inputs = (0..<zoo_input_count(session.handle)).map {
      let tensor = session.input($0)
      return [UInt8](UnsafeRawBufferPointer(start: tensor.data, count: tensor.size))
    }
  }

  /// - Parameter session: of the same model; runs may have left other things where its inputs were.
  func write(to session: Session) {
    for (index, bytes) in inputs.enumerated() {
      let tensor = session.input(index)
      guard let data = tensor.data else { continue }
      bytes.withUnsafeBytes {
        data.copyMemory(from: $0.baseAddress.unsafelyUnwrapped, byteCount: $0.count)
      }
    }
  }
}
