// Gradient of dense layers.
import CZooTrainKernels
import Zoo
import ZooCompiler

/// dL/dW = X^T dZ, dL/dX = dZ W^T, dL/db = sum of the rows of dZ.
///
/// Also for convolutions whose window is the whole image: any x and output of as many rows as `columns` leave.
final class DenseLayer: OperatorLayer {
  let site: LayerSite
  let call: OperatorCall
  private let operation: Dense
  private let packed: PackedWeights
  private let transposed: PackedWeights?
  /// Nil in f32.
  private let weightGradient: RoundedWeightGradient?
  private let rows: Int
  private let depth: Int
  private let columns: Int

  /// Rows of the weight matrix that one piece of work covers.
  private static let block = 48

  init(_ site: LayerSite, _ operation: Dense) throws(CompileError) {
    self.operation = operation
    guard let x = site.inputs[0], let weights = site.inputs[1] else {
      throw CompileError("'\(site.name)': dense layer without input or weights")
    }
    packed = PackedWeights(count: weights.count, site.context)
    transposed = x.gradient == nil ? nil : PackedWeights(count: weights.count, site.context)
    columns = weights.shape.last
    depth = weights.count / columns
    rows = site.output.count / columns
    weightGradient = RoundedWeightGradient(
      matrix: x.value, rows: rows, depth: depth, columns: columns, site.context)
    let outputShape = try Shape([rows, columns])
    var operands = site.inputs.map { $0.map { OperatorCall.Operand($0) } }
    operands[0] = OperatorCall.Operand(x, shape: try Shape([rows, depth]))
    operands[1] = OperatorCall.Operand(packed, shape: try Shape([depth, columns]))
    if operands.count > 3, let addend = site.inputs[3] {
      operands[3] = OperatorCall.Operand(addend, shape: outputShape)
    }
    self.site = site
    call = try OperatorCall(
      operation, name: site.name, operands,
      output: OperatorCall.Operand(site.output, shape: outputShape), site.context.workers)
  }

  func forward() {
    packed.pack(input(1).value, rows: depth, columns: columns)
    call.run()
  }

  func backward() {
    guard let dz = output.gradient else { return }
    undo(operation.activation)
    let x = input(0)
    let weights = input(1)
    if inputs.count > 3, let addend = inputs[3], let (target, adds) = addend.contribute() {
      workers.add(dz, to: target, adds: adds, count: output.count)
    }
    if inputs.count > 2 {
      addBiasGradient(inputs[2], dy: dz, rows: rows, channels: columns, workers)
    }
    if let weightGradient {
      if let (target, adds) = weights.contribute() {
        weightGradient.run(dz, to: target, adds: adds, workers)
      }
    } else if let target = weights.contributeByAdding() {
      addOuterProducts(x.value, dz, to: target)
    }
    guard let transposed, let (dx, adds) = x.contribute() else { return }
    transposed.packTransposed(weights.value, taps: [0], inputs: depth, outputs: columns)
    MatrixProduct(
      source: ImageSource(matrix: dz, rows: rows, depth: columns, rowStride: columns),
      rows: rows, columns: depth, depth: columns, weights: transposed.matrix,
      bias: nil,
      addend: adds ? UnsafePointer(dx) : nil, addendStride: depth, output: dx,
      outputStride: depth, activation: .none, runtime: workers.runtime.pointee
    ).start()
  }

  /// dL/dW in f32.
  private func addOuterProducts(
    _ x: UnsafePointer<Float>, _ dz: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>
  ) {
    workers.forEachPiece(of: depth, size: DenseLayer.block) { part in
      var walk = zoo_train_walk()
      walk.rows = 1
      walk.count = rows
      walk.a = x + part.lowerBound
      walk.a_pixel = depth
      walk.b = dz
      walk.b_pixel = columns
      workers.kernels.outer(
        part.count, columns, &walk, target + part.lowerBound * columns, columns)
    }
  }
}
