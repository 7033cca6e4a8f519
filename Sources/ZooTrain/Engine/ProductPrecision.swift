// What convolutions and dense layers multiply while a network is trained.
import CZoo
import Zoo

/// The type of the operands of products. Everything else is f32: weights as the optimiser knows them, activations, gradients, the sums in
/// products, batch norm, losses.
///
/// Source: Kalamkar and others, "A study of BFLOAT16 for deep learning training", arXiv:1905.12322.
package enum ProductPrecision: String, Sendable, CaseIterable, Codable {
  case f32
  /// Operands of dense layers and convolutions are rounded to bf16, to nearest, ties to even; but not those of depthwise convolutions, and
  /// of the weight gradients of other convolutions with groups or, as first layers have them, with windows of at most 32 numbers. CPUs without a matrix unit are faster by Winograd's transforms where these
  /// apply (ResNet-20 1.3 times): then weights are rounded, and the transforms compute in f32.
  case bf16

  var weights: zoo_type { self == .bf16 ? ZOO_BF16 : ZOO_F32 }
}

extension KeyedDecodingContainer {
  /// Recipes of before there was a choice do not name it.
  func decode(_ type: ProductPrecision.Type, forKey key: Key) throws -> ProductPrecision {
    try decodeIfPresent(type, forKey: key) ?? .f32
  }
}
