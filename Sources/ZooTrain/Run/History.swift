// What happened in a run, epoch by epoch.

/// One epoch.
package struct EpochRecord: Codable, Sendable, Equatable {
  package var epoch: Int
  package var steps: Int
  package var rate: Double
  /// Mean over the training batches, as they were seen (augmented, with dropout).
  package var loss: Double
  package var accuracy: Double
  package var validationLoss: Double?
  package var validationAccuracy: Double?
  package var seconds: Double
  package var imagesPerSecond: Double
}
