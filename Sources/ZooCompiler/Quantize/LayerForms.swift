// What each layer of a network in integers computes in: 8 bits, 16 bits beside weights of 8, or floats.

/// What a layer that loses too much with activations of int8 may become.
package enum Fallback: String, CaseIterable, Sendable {
  /// Activations of int16 where that helps, floats where it does not.
  case wide = "16x8"
  /// Floats at once.
  case float
}

/// Activations of all layers to begin with.
package enum ActivationForm: String, CaseIterable, Sendable {
  case int8
  case int16
}

/// Layers by name that are not what the others are.
struct LayerForms {
  var wide: Set<String> = []
  var float: Set<String> = []
}
