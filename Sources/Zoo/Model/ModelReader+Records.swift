// Tensors and nodes of a model: checked once, then read without checks.
package import CZoo

/// One node as the file holds it.
package struct NodeRecord {
  package let code: Int
  package let name: UnsafePointer<CChar>
  package let customName: UnsafePointer<CChar>
  package let inputCount: Int
  package let outputCount: Int
  package let firstOperand: Int
  package let attributes: UnsafeRawPointer
  package let attributesByteCount: Int
  package let scratchOffset: Int
  package let scratchByteCount: Int
  /// How many nodes after this one run with it, band by band.
  package let bandNodes: Int
  /// Rows of the last of them in one band.
  package let bandRows: Int
}

extension ModelReader {
  /// The node at `index`, which must be below `nodeCount`.
  package func node(_ index: Int) -> NodeRecord {
    typealias Node = ModelFormat.Node
    let record = base + nodes.offset + index * Node.byteStride
    func u32(_ at: Int) -> Int { Int(truncatingIfNeeded: record.loadLE(UInt32.self, at: at)) }
    return NodeRecord(
      code: Int(record.loadLE(UInt16.self, at: Node.code)),
      name: string(u32(Node.name)),
      customName: string(u32(Node.customName)),
      inputCount: Int(record.loadLE(UInt16.self, at: Node.inputCount)),
      outputCount: Int(record.loadLE(UInt16.self, at: Node.outputCount)),
      firstOperand: u32(Node.firstOperand),
      attributes: base + attributes.offset + u32(Node.attributesOffset),
      attributesByteCount: u32(Node.attributesByteCount),
      scratchOffset: record.loadSize(at: Node.scratchOffset),
      scratchByteCount: record.loadSize(at: Node.scratchByteCount),
      bandNodes: Int(record.loadLE(UInt16.self, at: Node.bandNodes)),
      bandRows: u32(Node.bandRows))
  }

  /// Operand `index` of all operands: a tensor index, or nil for an absent optional one.
  package func operand(_ index: Int) -> Int? {
    let value = base.loadLE(UInt32.self, at: operands.offset + index * 4)
    return value == ModelFormat.absent ? nil : Int(value)
  }

  /// Whether tensor `index` is a constant in the weights.
  package func isConstant(_ index: Int) -> Bool {
    (base + tensors.offset + index * ModelFormat.Tensor.byteStride)
      .load(fromByteOffset: ModelFormat.Tensor.storage, as: UInt8.self)
      == ModelFormat.Storage.weights
  }

  /// Whether tensor `index` is there some rows at a time only.
  package func isBanded(_ index: Int) -> Bool {
    (base + tensors.offset + index * ModelFormat.Tensor.byteStride)
      .load(fromByteOffset: ModelFormat.Tensor.storage, as: UInt8.self)
      == ModelFormat.Storage.bands
  }

  /// Bytes from the start of its region (planned arena, or weights) to tensor `index`.
  package func offset(ofTensor index: Int) -> Int {
    let record = base + tensors.offset + index * ModelFormat.Tensor.byteStride
    return record.loadSize(at: ModelFormat.Tensor.offset)
  }

  /// Tensor `index` as a view; activations point into `arena`, or to nothing if that is nil.
  package func tensor(_ index: Int, arena: UnsafeMutableRawPointer?) -> zoo_tensor {
    typealias Tensor = ModelFormat.Tensor
    let record = base + tensors.offset + index * Tensor.byteStride
    func i32(_ at: Int) -> Int32 { record.loadLE(Int32.self, at: at) }
    let offset = record.loadSize(at: Tensor.offset)
    let isWeight =
      record.load(fromByteOffset: Tensor.storage, as: UInt8.self) == ModelFormat.Storage.weights
    var view = zoo_tensor()
    view.data =
      isWeight
      ? UnsafeMutableRawPointer(mutating: base + weightsOffset + offset)
      : arena.map { $0 + offset }
    view.size = record.loadSize(at: Tensor.byteCount)
    view.name = string(Int(truncatingIfNeeded: record.loadLE(UInt32.self, at: Tensor.name)))
    view.type = zoo_type(
      rawValue: UInt32(record.load(fromByteOffset: Tensor.type, as: UInt8.self)))
    view.layout = zoo_layout(
      rawValue: UInt32(record.load(fromByteOffset: Tensor.layout, as: UInt8.self)))
    view.rank = UInt32(record.load(fromByteOffset: Tensor.rank, as: UInt8.self))
    view.shape = (i32(8), i32(12), i32(16), i32(20), i32(24), i32(28))
    view.row_stride = i32(Tensor.rowStride)
    let quantization = record.loadLE(UInt32.self, at: Tensor.quantization)
    if quantization != 0 {
      typealias Quantization = ModelFormat.Quantization
      let q = base + quantizations.offset + Int(quantization - 1) * Quantization.byteStride
      view.scale_count = q.loadLE(UInt32.self, at: Quantization.scaleCount)
      view.scale_axis = q.loadLE(UInt32.self, at: Quantization.axis)
      let scales = q.loadSize(at: Quantization.scales)
      let zeros = q.loadSize(at: Quantization.zeroPoints)
      view.scales = (base + weightsOffset + scales).assumingMemoryBound(to: Float.self)
      view.zero_points = (base + weightsOffset + zeros).assumingMemoryBound(to: Int32.self)
    }
    return view
  }

  /// Checks all records; called once, by `init`.
  func checkRecords() throws(ZooError) {
    guard strings.count > 0,
      base.load(fromByteOffset: strings.offset + strings.count - 1, as: UInt8.self) == 0
    else { throw .corrupt("strings do not end") }
    guard attributes.offset % 4 == 0, preprocessingRecord.offset % 4 == 0 else {
      throw .corrupt("attributes are misaligned")
    }
    for index in 0..<quantizations.count { try checkQuantization(index) }
    for index in 0..<tensors.count { try checkTensor(index) }
    for index in 0..<nodes.count {
      do throws(ZooError) { try checkNode(index) } catch { throw error.at(node: UInt32(index)) }
    }
    for index in 0..<labels.count { try checkString(word(labels, index)) }
    for index in 0..<metadata.count * 2 { try checkString(word(metadata, index)) }
    guard preprocessingRecord.count == 0 || preprocessing != nil else {
      throw .corrupt("preprocessing out of range")
    }
    try checkEnds(inputs, "an input")
    try checkEnds(outputs, "an output")
  }

  private func checkEnds(_ section: Section, _ what: StaticString) throws(ZooError) {
    guard section.count > 0 else { throw .corrupt("model without inputs or outputs") }
    for position in 0..<section.count {
      let index = word(section, position)
      guard index >= 0 && index < tensors.count, !isConstant(index), !isBanded(index) else {
        throw .corrupt("model input or output is no activation", got: index)
      }
      guard tensor(index, arena: nil).isDense else {
        throw .corrupt("model input or output is not dense", got: index)
      }
    }
  }

  private func checkString(_ offset: Int) throws(ZooError) {
    guard offset >= 0 && offset < strings.count else {
      throw .corrupt("string past the strings", expected: strings.count, got: offset)
    }
  }

  private func checkQuantization(_ index: Int) throws(ZooError) {
    typealias Quantization = ModelFormat.Quantization
    let record = base + quantizations.offset + index * Quantization.byteStride
    let count = Int(capped: record.loadLE(UInt32.self, at: Quantization.scaleCount))
    let room = byteCount - weightsOffset
    func isInside(_ field: Int) -> Bool {
      let offset = record.loadSize(at: field)
      return offset % 4 == 0 && offset <= room && count <= (room - offset) / 4
    }
    guard count > 0, isInside(Quantization.scales), isInside(Quantization.zeroPoints) else {
      throw .corrupt("quantisation past the weights", got: index)
    }
  }

  private func checkTensor(_ index: Int) throws(ZooError) {
    typealias Tensor = ModelFormat.Tensor
    let record = base + tensors.offset + index * Tensor.byteStride
    try checkString(Int(capped: record.loadLE(UInt32.self, at: Tensor.name)))
    let rank = record.load(fromByteOffset: Tensor.rank, as: UInt8.self)
    let storage = record.load(fromByteOffset: Tensor.storage, as: UInt8.self)
    let layout = record.load(fromByteOffset: Tensor.layout, as: UInt8.self)
    guard Int(rank) <= Shape.maximumRank, storage <= ModelFormat.Storage.bands,
      layout <= UInt8(ZOO_LAYOUT_PAIRS16.rawValue),
      layout == 0 || storage == ModelFormat.Storage.weights
    else { throw .corrupt("tensor kind", got: index) }
    let quantization = Int(capped: record.loadLE(UInt32.self, at: Tensor.quantization))
    guard quantization <= quantizations.count else {
      throw .corrupt("tensor quantisation", got: index)
    }
    let view = tensor(index, arena: nil)
    let shape = view.extent
    for axis in shape.rank..<Shape.maximumRank where shape[axis] != 1 {
      throw .corrupt("tensor extent past its rank", got: index)
    }
    if quantization != 0 && view.scale_count > 1 {
      guard view.scale_axis < view.rank, shape[Int(view.scale_axis)] == Int(view.scale_count) else {
        throw .corrupt("tensor scales do not match its axis", got: index)
      }
    }
    guard
      layout != UInt8(ZOO_LAYOUT_QUADS16.rawValue)
        || (view.type == ZOO_I8 && shape.rank >= 2 && shape[shape.rank - 2] % 4 == 0)
    else { throw .corrupt("tensor in quads", got: index) }
    guard layout != UInt8(ZOO_LAYOUT_PAIRS16.rawValue) || (view.type == ZOO_BF16 && shape.rank >= 2)
    else { throw .corrupt("tensor in pairs", got: index) }
    guard let whole = zoo_tensor.byteCount(view.type, shape, rowStride: view.rowStride),
      storage == ModelFormat.Storage.arena || view.isDense
    else { throw .corrupt("tensor shape or type", got: index) }
    let offset = record.loadSize(at: Tensor.offset)
    let bytes = record.loadSize(at: Tensor.byteCount)
    guard bytes == whole || storage == ModelFormat.Storage.bands else {
      throw .corrupt("tensor size, tensor", got: index)
    }
    let room =
      storage == ModelFormat.Storage.weights ? byteCount - weightsOffset : planByteCount
    guard offset % view.type.byteWidth == 0, offset <= room, bytes <= room - offset else {
      throw .corrupt("tensor past its region, tensor", got: index)
    }
  }

  private func checkNode(_ index: Int) throws(ZooError) {
    typealias Node = ModelFormat.Node
    let record = base + nodes.offset + index * Node.byteStride
    func u32(_ at: Int) -> Int { Int(capped: record.loadLE(UInt32.self, at: at)) }
    try checkString(u32(Node.name))
    try checkString(u32(Node.customName))
    let inputCount = Int(record.loadLE(UInt16.self, at: Node.inputCount))
    let outputCount = Int(record.loadLE(UInt16.self, at: Node.outputCount))
    let first = u32(Node.firstOperand)
    guard outputCount >= 1, first <= operands.count,
      inputCount + outputCount <= operands.count - first
    else { throw .corrupt("operands of a node") }
    for position in 0..<inputCount + outputCount {
      if let tensor = operand(first + position) {
        guard tensor < tensors.count else { throw .corrupt("operand of a node", got: tensor) }
        guard position < inputCount || !isConstant(tensor) else {
          throw .corrupt("output of a node is a constant", got: tensor)
        }
      } else if position >= inputCount {
        throw .corrupt("output of a node is absent")
      }
    }
    let attributesOffset = u32(Node.attributesOffset)
    guard attributesOffset % 4 == 0, attributesOffset <= attributes.count,
      u32(Node.attributesByteCount) <= attributes.count - attributesOffset
    else { throw .corrupt("attributes of a node") }
    let scratch = record.loadSize(at: Node.scratchOffset)
    guard scratch % ModelFormat.minimumAlignment == 0, scratch <= planByteCount,
      record.loadSize(at: Node.scratchByteCount) <= planByteCount - scratch
    else { throw .corrupt("scratch of a node") }
  }
}
