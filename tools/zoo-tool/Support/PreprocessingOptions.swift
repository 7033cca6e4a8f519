// What a person may say about preprocessing, and what is guessed otherwise.
import ArgumentParser
import Foundation
import Zoo
import ZooCompiler

struct PreprocessingOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "Subtracted from each channel: M or R,G,B in the network's order.")
  var mean: String?

  @Option(
    parsing: .unconditional, help: "Multiplied after the mean: S or R,G,B in the network's order.")
  var scale: String?

  @Option(help: "Channel order of the network: rgb, bgr or gray.")
  var channels: String?

  @Option(help: "How photos get the input's size: stretch, shortside:N, letterbox, digit or none.")
  var resize: String?

  @Option(help: "Interpolation: bilinear, bicubic, box or nearest.")
  var filter: String?

  var isGiven: Bool {
    mean != nil || scale != nil || channels != nil || resize != nil || filter != nil
  }

  func validate() throws {
    var anything = Preprocessing()
    try apply(to: &anything)
  }

  /// The preprocessing of a graph whose input is `input` (NHWC), and whether any of it is a guess.
  func settle(_ graph: Graph, input: Shape) throws -> (Preprocessing, isGuessed: Bool) {
    var result = graph.info.preprocessing ?? guess(input)
    let isGuessed =
      graph.info.preprocessing == nil
      && (mean == nil || scale == nil || resize == nil)
    try apply(to: &result)
    return (result, isGuessed)
  }

  /// Replaces what was given.
  private func apply(to result: inout Preprocessing) throws {
    if let mean { result.mean = try triple(mean, "--mean") }
    if let scale { result.scale = try triple(scale, "--scale") }
    if let channels {
      switch channels {
      case "rgb": result.channelOrder = .rgb
      case "bgr": result.channelOrder = .bgr
      case "gray", "grey": result.channelOrder = .gray
      default: throw ValidationError("--channels is rgb, bgr or gray, not '\(channels)'")
      }
    }
    if let resize {
      switch resize.split(separator: ":").first {
      case "stretch": result.resizeMode = .stretch
      case "letterbox": result.resizeMode = .letterbox
      case "digit": result.resizeMode = .digit
      case "none": result.resizeMode = .none
      case "shortside":
        guard let side = resize.split(separator: ":").dropFirst().first.flatMap({ Int32($0) }),
          side > 0
        else { throw ValidationError("--resize shortside:N wants a number, as in shortside:256") }
        result.resizeMode = .shortSide
        result.resizeSide = side
      default:
        throw ValidationError(
          "--resize is stretch, shortside:N, letterbox, digit or none, not '\(resize)'")
      }
    }
    if let filter {
      switch filter {
      case "bilinear": result.filter = .bilinear
      case "bicubic": result.filter = .bicubic
      case "box": result.filter = .box
      case "nearest": result.filter = .nearest
      default:
        throw ValidationError("--filter is bilinear, bicubic, box or nearest, not '\(filter)'")
      }
    }
  }

  /// ImageNet's usual preprocessing for colour inputs, 0...1 for grey ones.
  private func guess(_ input: Shape) -> Preprocessing {
    var result = Preprocessing()
    if input[3] == 3 {
      result.mean = (123.675, 116.28, 103.53)
      result.scale = (1 / 58.395, 1 / 57.12, 1 / 57.375)
      if input[1] >= 96 {
        result.resizeMode = .shortSide
        result.resizeSide = Int32((Double(min(input[1], input[2])) / 0.875).rounded())
      }
    } else {
      result.channelOrder = .gray
      result.scale = (1 / 255, 1 / 255, 1 / 255)
    }
    return result
  }

  private func triple(_ text: String, _ option: String) throws -> (Float, Float, Float) {
    let parts = text.split(separator: ",").map { Float($0.trimmingCharacters(in: .whitespaces)) }
    let values = parts.compactMap { $0 }.filter(\.isFinite)
    guard values.count == parts.count, values.count == 1 || values.count == 3 else {
      throw ValidationError("\(option) wants one number or three, got '\(text)'")
    }
    return values.count == 1
      ? (values[0], values[0], values[0]) : (values[0], values[1], values[2])
  }
}

/// One line about a preprocessing.
func describe(_ p: Preprocessing) -> String {
  func numbers(_ t: (Float, Float, Float)) -> String {
    t.0 == t.1 && t.1 == t.2 ? "\(t.0)" : "(\(t.0), \(t.1), \(t.2))"
  }
  let geometry =
    switch p.resizeMode {
    case .none: "no resize"
    case .stretch: "stretch"
    case .shortSide: "short side to \(p.resizeSide), centre crop"
    case .letterbox: "letterbox"
    case .digit: "digit (grey, light on dark, centred)"
    }
  return
    "\(geometry), \(p.filter), \(p.channelOrder), y = (x - \(numbers(p.mean))) * \(numbers(p.scale))"
}
