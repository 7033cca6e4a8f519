// The numbers of a training run, as options.
import ArgumentParser
import Foundation
import Zoo
import ZooCompiler
import ZooTrain

extension OptimizerSettings.Kind: ExpressibleByArgument {}
extension Schedule.Kind: ExpressibleByArgument {}
extension LossKind: ExpressibleByArgument {}
extension ProductPrecision: ExpressibleByArgument {}

struct RecipeOptions: ParsableArguments {
  @Option(help: "Passes over the training images.")
  var epochs = 10
  @Option(help: "Images in a step.")
  var batch = 128
  @Option(help: "Decides first weights, order and augmentation.")
  var seed: UInt64 = 1
  @Option(
    help:
      "What convolutions and dense layers multiply: f32, or bf16 on CPUs with AVX-512 BF16 or AMX. Weights stay f32."
  )
  var precision = ProductPrecision.f32
  @Option(help: "Optimiser: sgd (with Nesterov momentum), rmsprop, adam or adamw.")
  var optimizer = OptimizerSettings.Kind.sgd
  @Option(help: "Highest learning rate; by default 0.1 for sgd, 0.001 for the others.")
  var rate: Float?
  @Option(help: "Learning rate over the run: constant, step, cosine or one-cycle.")
  var schedule = Schedule.Kind.cosine
  @Option(help: "Share of the run in which the rate rises.")
  var warmUp: Float = 0.05
  @Option(help: "Lowest learning rate, at the end.")
  var finalRate: Float = 0
  @Option(help: "For --schedule step: shares of the run after which the rate is divided by 10.")
  var milestones = "0.5,0.75"
  @Option(help: "Momentum of sgd.")
  var momentum: Float = 0.9
  @Option(help: "L2 decay of weights.")
  var decay: Float = 0
  @Option(help: "Longest gradient; 0 means any.")
  var clip: Float = 0
  @Option(help: "Loss: cross-entropy, binary or squared.")
  var loss = LossKind.crossEntropy
  @Option(help: "Share of the target spread over all classes.")
  var smoothing: Float = 0
  @Option(help: "Decay of the moving average of weights that is kept; 0 keeps the weights.")
  var averaging: Float = 0
  @Option(help: "Epochs without improvement after which to stop; 0 means never.")
  var patience = 0
  @Option(
    help: "Share of the training images held out; 0 validates on the test part if there is one.")
  var validation = 0.0
  @Flag(help: "Mirror pictures at random.")
  var flip = false
  @Option(help: "Shift pictures by up to this many pixels.")
  var crop = 0
  @Option(help: "Turn pictures by up to this share of a full turn.")
  var rotation: Float = 0
  @Option(help: "Zoom by up to this share.")
  var zoom: Float = 0
  @Option(help: "Change contrast by up to this share.")
  var contrast: Float = 0
  @Option(help: "Blank a square of this side.")
  var cutout = 0

  func validate() throws {
    func check(_ condition: Bool, _ text: String) throws {
      if !condition { throw ValidationError(text) }
    }
    try check(epochs > 0, "--epochs must be positive")
    try check(batch > 0, "--batch must be positive")
    try check(rate.map { $0 > 0 && $0.isFinite } ?? true, "--rate must be positive")
    try check((0..<1).contains(warmUp), "--warm-up must be in 0..<1")
    try check((0..<1).contains(momentum), "--momentum must be in 0..<1")
    try check((0..<1).contains(smoothing), "--smoothing must be in 0..<1")
    try check((0..<1).contains(averaging), "--averaging must be in 0..<1")
    try check((0..<1).contains(validation), "--validation must be in 0..<1")
    try check((0..<1).contains(zoom), "--zoom must be in 0..<1")
    try check(decay >= 0 && clip >= 0, "--decay and --clip must not be negative")
    try check(crop >= 0 && cutout >= 0, "--crop and --cutout must not be negative")
    _ = try shares()
  }

  private func shares() throws -> [Float] {
    let values = milestones.split(separator: ",").map { Float($0) }
    guard values.allSatisfy({ $0.map { $0 > 0 && $0 < 1 } ?? false }) else {
      throw ValidationError("--milestones wants shares of the run, as in 0.5,0.75")
    }
    return values.compactMap { $0 }
  }

  func recipe(_ architecture: String) throws -> Recipe {
    var recipe = Recipe()
    recipe.architecture = architecture
    recipe.epochs = epochs
    recipe.batch = batch
    recipe.seed = seed
    recipe.precision = precision
    recipe.optimizer.kind = optimizer
    recipe.optimizer.momentum = momentum
    recipe.optimizer.decay = decay
    recipe.optimizer.clipNorm = clip
    recipe.schedule.kind = schedule
    recipe.schedule.rate = rate ?? (optimizer == .sgd ? 0.1 : 0.001)
    recipe.schedule.final = finalRate
    recipe.schedule.warmUp = warmUp
    recipe.schedule.milestones = try shares()
    recipe.loss = loss
    recipe.smoothing = smoothing
    recipe.averaging = averaging
    recipe.patience = patience
    recipe.validation = validation
    recipe.augmentation.flip = flip
    recipe.augmentation.crop = crop
    recipe.augmentation.rotation = rotation
    recipe.augmentation.zoom = zoom
    recipe.augmentation.contrast = contrast
    recipe.augmentation.cutout = cutout
    return recipe
  }

  /// What to train on and what to validate on.
  func split(
    _ data: (training: Dataset?, test: Dataset?)
  ) throws -> (training: Dataset, validation: Dataset?) {
    guard let training = data.training else { throw ToolError("the data has no training part") }
    guard validation > 0 else { return (training, data.test) }
    let (kept, held) = try training.split(fraction: validation, seed: seed)
    return (kept, held)
  }
}

/// The data in `folder`, whatever its form; photos are brought to `height` x `width` as `preprocessing` says.
///
/// Pictures that cannot be read are named on standard error, left out and counted.
func loadDataset(
  _ folder: String, height: Int, width: Int, preprocessing: Preprocessing, _ workers: Workers
) throws -> (training: Dataset?, test: Dataset?) {
  var isDirectory: ObjCBool = false
  guard FileManager.default.fileExists(atPath: folder, isDirectory: &isDirectory) else {
    throw ToolError("\(folder): no such folder")
  }
  guard isDirectory.boolValue else { throw ToolError("\(folder): is a file, not a folder of data") }
  if CIFAR.isAt(folder) { return try CIFAR.load(folder) }
  if IDX.isAt(folder) { return try IDX.load(folder) }
  if PhotoFolder.isAt(folder) {
    let isLive = isatty(STDERR_FILENO) == 1
    let result = try PhotoFolder.load(
      folder, width: width, height: height, preprocessing: preprocessing, workers: workers
    ) { done, count in
      guard isLive, done % 32 == 0 else { return }
      FileHandle.standardError.write(Data("\r\u{1B}[Kpicture \(done) of \(count)".utf8))
    }
    if isLive { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
    for broken in result.broken { note("skipped \(broken.path): \(broken.reason)") }
    if !result.broken.isEmpty { note("\(result.broken.count) pictures could not be read") }
    return (result.training, result.test)
  }
  throw ToolError(
    "\(folder): neither IDX files, CIFAR batches nor a folder of pictures for each class")
}
