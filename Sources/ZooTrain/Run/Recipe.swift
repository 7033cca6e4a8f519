// Everything that decides a training run, as one value that is stored with its results.

/// A training run: with the data, it determines the weights bit for bit on one kind of CPU.
package struct Recipe: Codable, Sendable, Equatable {
  /// Name in the zoo, or the name of a base model with a new head.
  package var architecture = ""
  package var epochs = 10
  package var batch = 128
  package var seed: UInt64 = 1
  package var precision = ProductPrecision.f32
  package var optimizer = OptimizerSettings()
  package var schedule = Schedule()
  package var loss = LossKind.crossEntropy
  package var smoothing: Float = 0
  package var augmentation = Augmentation()
  /// Decay of the moving average of weights that is evaluated and kept; 0 keeps the weights themselves.
  package var averaging: Float = 0
  /// Epochs without improvement on held-out images after which the run ends; 0 never.
  package var patience = 0
  /// Share of the training images held out to choose the best epoch by; 0 keeps the last epoch and uses the test
  /// part, if there is one, only to measure.
  package var validation: Double = 0

  package init() {}
}
