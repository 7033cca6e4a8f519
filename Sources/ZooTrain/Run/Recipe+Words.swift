// A recipe in words, for people who want to repeat it.
import Foundation

extension Recipe {
  /// What decides the run, as pairs of a name and a value; settings that are off are left out.
  package var words: [(name: String, value: String)] {
    var rows = [
      ("network", architecture), ("epochs", "\(epochs)"), ("batch", "\(batch)"),
      ("optimiser", optimizer.words), ("learning rate", schedule.words),
    ]
    if optimizer.decay > 0 { rows.append(("weight decay", "\(optimizer.decay)")) }
    if optimizer.clipNorm > 0 { rows.append(("longest gradient", "\(optimizer.clipNorm)")) }
    rows.append(
      ("loss", loss.rawValue + (smoothing > 0 ? ", \(smoothing) of the target spread" : "")))
    rows.append(("augmentation", augmentation.words))
    if averaging > 0 { rows.append(("weights kept", "moving average, decay \(averaging)")) }
    if patience > 0 { rows.append(("patience", "\(patience) epochs")) }
    if validation > 0 { rows.append(("held out", share(Float(validation)))) }
    if precision != .f32 { rows.append(("products", precision.rawValue)) }
    rows.append(("seed", "\(seed)"))
    return rows.map { (name: $0.0, value: $0.1) }
  }
}

extension OptimizerSettings {
  fileprivate var words: String {
    switch kind {
    case .sgd:
      "sgd" + (momentum > 0 ? ", \(nesterov ? "Nesterov " : "")momentum \(momentum)" : "")
    case .rmsprop: "rmsprop, rho \(rho)"
    case .adam, .adamw: "\(kind.rawValue), betas \(beta1) and \(beta2)"
    }
  }
}

extension Schedule {
  fileprivate var words: String {
    let rise = warmUp > 0 ? ", rising over the first \(share(warmUp))" : ""
    switch kind {
    case .constant: return "\(rate)" + rise
    case .step:
      let places = milestones.map { share($0) }.joined(separator: ", ")
      return "\(rate), times \(gamma) after \(places)" + rise
    case .cosine: return "cosine from \(rate) to \(final)" + rise
    case .oneCycle: return "one cycle up to \(rate), down to \(final)" + rise
    }
  }
}

extension Augmentation {
  fileprivate var words: String {
    var parts: [String] = []
    if flip { parts.append("mirrored at random") }
    if crop > 0 { parts.append("moved by up to \(crop) pixels") }
    if rotation > 0 {
      parts.append(String(format: "turned by up to %.3g\u{B0}", Double(rotation) * 360))
    }
    if zoom > 0 { parts.append("zoomed by up to \(share(zoom))") }
    if contrast > 0 { parts.append("contrast changed by up to \(share(contrast))") }
    if cutout > 0 { parts.append("a square of \(cutout) pixels blanked") }
    return parts.isEmpty ? "none" : parts.joined(separator: ", ")
  }
}

/// "5 %", "12.5 %".
private func share(_ part: Float) -> String { String(format: "%.3g %%", Double(part) * 100) }
