// Chains of windows run in bands of rows: which rows each stage needs, and how many are kept between stages.
import CZoo

/// One node of a chain: how its output rows follow from its input rows.
package struct BandStage {
  let axis: WindowAxis
  package let outputHeight: Int

  package init(axis: WindowAxis, outputHeight: Int) {
    self.axis = axis
    self.outputHeight = outputHeight
  }

  /// Rows of the input that output rows `rows` read; not empty for a stage that `isSound`.
  package func inputRows(_ rows: Range<Int>) -> Range<Int> {
    let first = max(0, axis.origin(rows.lowerBound))
    return first..<min(axis.input, axis.origin(rows.upperBound - 1) + axis.reach)
  }

  /// Rows of the input that `count` output rows read at most.
  package func inputRowCount(_ count: Int) -> Int {
    min(axis.input, (count - 1) * axis.stride + axis.reach)
  }

  /// Padding before the first of the input rows that output rows from `first` on read.
  func padding(before first: Int) -> Int { max(0, -axis.origin(first)) }

  /// Whether every window has a row inside the image.
  package var isSound: Bool {
    axis.padBefore < axis.reach && axis.origin(outputHeight - 1) < axis.input
  }
}

/// Nodes `first...last` of a model that run band by band: the tensors between them exist a few rows at a time.
///
/// While a band of the last node's rows is made, every stage adds the rows that are new and keeps those that the next band reads
/// again, so nothing is computed twice but where a thread begins or takes over bands of another.
/// Source: fused-layer convolution: Alwani and others, "Fused-Layer CNN Accelerators", MICRO 2016; rows kept between bands:
/// Goetschalckx and Verhelst, "Breaking High-Resolution CNN Bandwidth Barriers", arXiv:1902.10441.
struct BandChain {
  static let mostStages = 4
  /// Operands and output of one stage.
  static let mostViews = 8
  /// Words of a stage's attributes.
  static let mostWords = 32

  let model: ModelReader
  let rounded: RoundedTensors
  let first: Int
  let count: Int
  /// Rows of the last node's output in one band.
  private(set) var rows = 1
  /// Of each stage: its geometry, its output without memory, and the bytes of it that one thread keeps.
  private var stages: InlineArray<4, BandStage>
  private var outputs = InlineArray<4, zoo_tensor>(repeating: zoo_tensor())
  private var kept = InlineArray<4, Int>(repeating: 0)

  var last: Int { first + count - 1 }

  init(
    _ model: ModelReader, _ rounded: RoundedTensors = RoundedTensors(), first: Int, following: Int
  ) {
    self.model = model
    self.rounded = rounded
    self.first = first
    count = min(following + 1, BandChain.mostStages)
    stages = InlineArray(repeating: BandStage(axis: Window().vertical(0), outputHeight: 0))
    for position in 0..<count {
      let record = model.node(first + position)
      let input = BandChain.tensor(model, rounded, record.firstOperand)
      outputs[position] = BandChain.tensor(
        model, rounded, record.firstOperand + record.inputCount)
      // The attributes begin with a window.
      var window = Window()
      var reader = AttributeReader(record.attributes, byteCount: record.attributesByteCount)
      window.archive(&reader)
      stages[position] = BandStage(
        axis: window.vertical(input.height), outputHeight: outputs[position].height)
    }
    // A file may say anything; more rows than there are would only overflow.
    setRows(min(model.node(first).bandRows, output(count - 1).height))
  }

  private static func tensor(
    _ model: ModelReader, _ rounded: RoundedTensors, _ operand: Int
  ) -> zoo_tensor {
    model.operand(operand).map { rounded.view(model, $0, arena: nil) } ?? zoo_tensor()
  }

  private mutating func setRows(_ count: Int) {
    rows = count
    var needed = count
    for position in (0..<self.count).reversed() {
      // Files whose stages do not fit together are refused, but after this.
      needed = min(needed, stages[position].outputHeight)
      kept[position] = needed * outputs[position].lineByteCount
      needed = stages[position].inputRowCount(needed)
    }
  }

  /// Whether an operator, by its code, is one whose window slides over rows and that may be in a chain.
  static func canHold(_ code: Int) -> Bool {
    switch code {
    case Conv2D.code, DepthwiseConv2D.code, Pool.code, IntegerConv2D<Int8>.code,
      IntegerDepthwiseConv2D<Int8>.code, IntegerPool<Int8>.code, IntegerConv2D<Int16>.code,
      IntegerDepthwiseConv2D<Int16>.code, IntegerPool<Int16>.code:
      true
    default: false
    }
  }

  /// Node `position` of the chain.
  func node(_ position: Int) -> NodeRecord { model.node(first + position) }

  func output(_ position: Int) -> zoo_tensor { outputs[position] }

  /// The geometry of stage `position`.
  func stage(_ position: Int) -> BandStage { stages[position] }

  var bandCount: Int { (output(count - 1).height + rows - 1) / rows }

  /// Rows of the last node's output.
  func rows(ofBand band: Int) -> Range<Int> {
    band * rows..<min(output(count - 1).height, (band + 1) * rows)
  }

  /// Bytes of the output of stage `position` that one thread keeps.
  func keptByteCount(_ position: Int) -> Int { kept[position] }

  /// Makes bands as large as all the room there is allows, for threads that share every stage.
  mutating func useAllRoom() {
    let height = output(count - 1).height
    let fewer = rows
    var most = min(height, rows * workerCount)
    while most > fewer {
      setRows(most)
      if workerCount > 0 { return }
      most -= 1
    }
    setRows(fewer)
  }

  /// Whether the work for one image takes longer than to hand rows to other threads (about 10 us).
  var isWorthSharing: Bool {
    operationCount >= (isOfIntegers ? 1_048_576 : 262_144)
  }

  private var isOfIntegers: Bool {
    let type = output(count - 1).type
    return type == ZOO_I8 || type == ZOO_I16
  }

  /// Multiply-accumulates for one image; a window without weights counts as one for each output.
  private var operationCount: Float {
    var result: Float = 0
    for position in 0..<count {
      let record = node(position)
      let weights =
        record.inputCount > 1
        ? BandChain.tensor(model, rounded, record.firstOperand + 1).extent.elementCount : 0
      let output = output(position)
      let perPixel = weights > 0 ? weights : output.extent.last
      result += Float(output.height) * Float(output.width) * Float(perPixel)
    }
    return result
  }

  /// How many threads have room for rows of their own.
  var workerCount: Int {
    var result = Int.max
    for position in 0..<count - 1 {
      result = min(result, output(position).size / max(1, keptByteCount(position)))
    }
    return result
  }
}

extension zoo_tensor {
  /// Bytes from one line of an image to the next.
  var lineByteCount: Int { width * rowStride * type.byteWidth }

  /// Lines `lines` of image `image`, at `data`.
  func band(at data: UnsafeMutableRawPointer?, lines: Range<Int>) -> zoo_tensor {
    var view = self
    view.data = data
    view.shape.0 = 1
    view.shape.1 = Int32(truncatingIfNeeded: lines.count)
    view.size = zoo_tensor.byteCount(type, view.extent, rowStride: rowStride) ?? 0
    return view
  }

  /// Lines `lines` of image `image` of a tensor that is there as a whole.
  func band(image: Int, lines: Range<Int>) -> zoo_tensor {
    band(at: data.map { $0 + (image * height + lines.lowerBound) * lineByteCount }, lines: lines)
  }
}
