// From the output tensor to classes, probabilities and labels.
package import CZoo

extension SessionState {
  /// Writes the most probable classes of output 0, best first, and returns how many.
  ///
  /// Probabilities are softmax of logits, or the outputs themselves if the model says so. Quantised outputs are
  /// dequantised first. Equal scores keep the order of classes.
  package func top(_ predictions: UnsafeMutablePointer<zoo_prediction>, room: Int) throws(ZooError)
    -> Int
  {
    let output = outputs[0]
    guard Scores.supports(output) else {
      throw ZooError(ZOO_UNSUPPORTED_TYPE, "output 0 is not a list of scores")
    }
    let scores = Scores(output)
    let count = output.extent.last
    let isProbability = model.flags & ModelFormat.Flag.outputsProbabilities != 0
    let first = model.flags & ModelFormat.Flag.backgroundClass != 0 && count > 1 ? 1 : 0
    var largest = scores[0]
    for index in 0..<count where scores[index] > largest { largest = scores[index] }
    var sum: Float = 0
    for index in 0..<count { sum += exponential(scores[index] - largest) }
    let wanted = min(room, count - first)
    var written = 0
    for index in first..<count {
      let score = scores[index]
      var place = written
      // NaN compares false and so ends up last.
      while place > 0 && score > predictions[place - 1].probability { place -= 1 }
      guard place < wanted else { continue }
      var move = min(written, wanted - 1)
      while move > place {
        predictions[move] = predictions[move - 1]
        move -= 1
      }
      predictions[place] = zoo_prediction(
        index: UInt32(index), probability: score, label: model.labelOrEmpty(index))
      written = min(written + 1, wanted)
    }
    if !isProbability {
      for place in 0..<written {
        predictions[place].probability =
          exponential(predictions[place].probability - largest) / sum
      }
    }
    return written
  }
}

extension ModelReader {
  /// Label `index`, or "" if the model has none for it.
  package func labelOrEmpty(_ index: Int) -> UnsafePointer<CChar> {
    index >= 0 && index < labels.count ? label(index) : emptyText
  }
}

/// A zero-terminated "".
var emptyText: UnsafePointer<CChar> {
  UnsafeRawPointer(("" as StaticString).utf8Start).assumingMemoryBound(to: CChar.self)
}

/// The first innermost vector of a tensor as floats, whatever its type.
struct Scores {
  private let tensor: zoo_tensor

  init(_ tensor: zoo_tensor) { self.tensor = tensor }

  static func supports(_ tensor: zoo_tensor) -> Bool {
    switch tensor.type {
    case ZOO_F32, ZOO_I8, ZOO_U8, ZOO_I16, ZOO_I32: true
    default: false
    }
  }

  subscript(index: Int) -> Float {
    let data = tensor.data.unsafelyUnwrapped
    let raw: Int32
    switch tensor.type {
    case ZOO_I8: raw = Int32(data.assumingMemoryBound(to: Int8.self)[index])
    case ZOO_I16: raw = Int32(data.assumingMemoryBound(to: Int16.self)[index])
    case ZOO_U8: raw = Int32(data.assumingMemoryBound(to: UInt8.self)[index])
    case ZOO_I32: raw = data.assumingMemoryBound(to: Int32.self)[index]
    default: return data.assumingMemoryBound(to: Float.self)[index]
    }
    guard tensor.scale_count > 0 else { return Float(Int(raw)) }
    return tensor.scales[0] * Float(Int(raw &- tensor.zero_points[0]))
  }
}
