// Laying a planned graph out as the bytes of a .zoo file.
import CZoo
package import Foundation
import Zoo

/// Writes models: see zoo/FORMAT.md.
package enum ModelWriter {
  /// The bytes of `graph` as a .zoo file, with its memory plan.
  package static func encode(
    _ graph: Graph, bands: BandPolicy = .cache
  ) throws(CompileError) -> Data {
    try graph.verify(after: "compilation")
    let plan = MemoryPlan(graph, bands: bands)
    var layout = FileLayout(graph, plan)
    return try layout.encode()
  }

  /// Writes `graph` to `path` as a .zoo file, its weights in pieces: they are in memory once. The file is either the old one or the
  /// new one.
  ///
  /// - Parameter progress: is told how many bytes of weights were written since it was told last.
  package static func write(
    _ graph: Graph, to path: String, bands: BandPolicy = .cache,
    progress: (Int) -> Void = { _ in }
  ) throws(CompileError) -> (byteCount: Int, planByteCount: Int) {
    try refuseDirectory(path)
    try graph.verify(after: "compilation")
    let plan = MemoryPlan(graph, bands: bands)
    var layout = FileLayout(graph, plan)
    let file = try ReplacingFile(path)
    let byteCount = try layout.write(to: file, progress: progress)
    try file.commit()
    return (byteCount, plan.byteCount)
  }

  /// Bytes of the planned region, as the header of encoded `data` says.
  package static func planByteCount(_ data: Data) -> Int {
    data.withUnsafeBytes { raw in
      let at = ModelFormat.Header.planByteCount
      guard raw.count >= at + 8 else { return 0 }
      return Int(UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
    }
  }

  /// Writes `data` to `path` as a whole: the file is either the old one or the new one.
  package static func write(_ data: Data, to path: String) throws(CompileError) {
    try refuseDirectory(path)
    let file = try ReplacingFile(path)
    let result = data.withUnsafeBytes { raw in
      Result { () throws(CompileError) in try file.write(raw) }
    }
    try result.get()
    try file.commit()
  }
}

private func refuseDirectory(_ path: String) throws(CompileError) {
  var isDirectory: ObjCBool = false
  if FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue
  {
    throw CompileError("\(path): cannot write: it is a directory")
  }
}

/// Tables of the file while they grow.
private struct FileLayout {
  let graph: Graph
  let plan: MemoryPlan
  private var strings = StringTable()
  private var operands: [UInt32] = []
  private var attributes = AttributeWriter()
  private var weights = WeightSection()
  private var weightOffsets: [ValueID: Int] = [:]
  /// Graph values in file order: only those in use.
  private var tensorIndex: [ValueID: Int] = [:]
  private var tensorIDs: [ValueID] = []
  private var packed: Set<ValueID> = []
  /// Those of `packed` that integer layers read.
  private var inQuads: Set<ValueID> = []
  private var quantizations: [(count: Int, axis: Int, scales: Int, zeros: Int)] = []
  private var quantizationIndex: [ValueID: Int] = [:]

  init(_ graph: Graph, _ plan: MemoryPlan) {
    self.graph = graph
    self.plan = plan
  }

  mutating func encode() throws(CompileError) -> Data {
    var structure = try encodeStructure()
    var data = Data(count: structure.bytes.count)
    data.reserveCapacity(structure.bytes.count + weights.byteCount)
    var sum = StreamSums()
    try weights.forEachPiece(graph) { piece throws(CompileError) in
      sum.update(piece)
      data.append(contentsOf: piece)
    }
    seal(&structure, weightsChecksum: sum.finish())
    data.replaceSubrange(0..<structure.bytes.count, with: structure.bytes)
    return data
  }

  /// Returns the size of the file.
  mutating func write(
    to file: ReplacingFile, progress: (Int) -> Void
  ) throws(CompileError) -> Int {
    var structure = try encodeStructure()
    // The structure holds the checksum of what follows it: its place is kept.
    try file.write([UInt8](repeating: 0, count: structure.bytes.count))
    var sum = StreamSums()
    try weights.forEachPiece(graph) { piece throws(CompileError) in
      sum.update(piece)
      try file.write(piece)
      progress(piece.count)
    }
    seal(&structure, weightsChecksum: sum.finish())
    try structure.bytes.withRawBytes { raw throws(CompileError) in try file.overwrite(raw, at: 0) }
    return structure.bytes.count + weights.byteCount
  }

  /// Everything before the weights, but for the two checksums.
  private mutating func encodeStructure() throws(CompileError) -> ByteWriter {
    for id in graph.inputs + graph.nodes.flatMap({ $0.inputs.compactMap { $0 } + [$0.output] })
    where tensorIndex[id] == nil {
      tensorIndex[id] = tensorIDs.count
      tensorIDs.append(id)
    }
    for output in graph.outputs where tensorIndex[output] == nil {
      throw CompileError("output '\(graph[output].name)' is a constant")
    }
    for node in graph.nodes {
      if let position = packedOperand(node.operation), let id = node.inputs[position] {
        guard graph[id].constant != nil else {
          throw CompileError("node '\(node.name)': its weights are not constant")
        }
        packed.insert(id)
        if node.operation is any IntegerOperation { inQuads.insert(id) }
      }
    }
    for id in tensorIDs { addConstant(id) }
    let nodes = encodeNodes()
    let tensors = encodeTensors()
    var structure = ByteWriter()
    typealias Header = ModelFormat.Header
    structure.zeros(Header.byteCount)
    var sections: [(at: Int, offset: Int, count: Int)] = []
    func add(_ at: Int, _ bytes: [UInt8], count: Int) {
      structure.align(8)
      sections.append((at, structure.bytes.count, count))
      structure.bytes += bytes
    }
    add(Header.tensors, tensors, count: tensorIDs.count)
    add(Header.nodes, nodes, count: graph.nodes.count)
    add(Header.operands, words(operands), count: operands.count)
    add(Header.attributes, attributes.bytes, count: attributes.bytes.count)
    add(Header.inputs, words(graph.inputs.map(index)), count: graph.inputs.count)
    add(Header.outputs, words(graph.outputs.map(index)), count: graph.outputs.count)
    let labels = graph.info.labels.map { UInt32(strings.add($0)) }
    add(Header.labels, words(labels), count: labels.count)
    let metadata = graph.info.card.flatMap {
      [UInt32(strings.add($0.key)), UInt32(strings.add($0.value))]
    }
    add(Header.metadata, words(metadata), count: metadata.count / 2)
    add(Header.quantizations, encodeQuantizations(), count: quantizations.count)
    if var preprocessing = graph.info.preprocessing {
      var writer = AttributeWriter()
      preprocessing.archive(&writer)
      add(Header.preprocessing, writer.bytes, count: writer.bytes.count)
    }
    add(Header.strings, strings.bytes, count: strings.bytes.count)
    structure.align(ModelFormat.alignment)
    guard structure.bytes.count < Int(UInt32.max) else { throw CompileError("model too large") }
    fillHeader(&structure, sections)
    return structure
  }

  private func fillHeader(
    _ structure: inout ByteWriter, _ sections: [(at: Int, offset: Int, count: Int)]
  ) {
    typealias Header = ModelFormat.Header
    let weightsOffset = structure.bytes.count
    structure.put(ModelFormat.magic, at: 0)
    structure.put(ModelFormat.majorVersion, at: Header.majorVersion)
    structure.put(ModelFormat.minorVersion, at: Header.minorVersion)
    structure.put(UInt64(weightsOffset + weights.byteCount), at: Header.fileByteCount)
    structure.put(UInt64(weightsOffset), at: Header.weightsOffset)
    var flags = ModelFormat.Flag.laneSums
    if graph.info.outputsProbabilities { flags |= ModelFormat.Flag.outputsProbabilities }
    if graph.info.hasBackgroundClass { flags |= ModelFormat.Flag.backgroundClass }
    structure.put(flags, at: Header.flags)
    structure.put(UInt64(plan.byteCount), at: Header.planByteCount)
    structure.put(UInt64(plan.lowerBound), at: Header.planLowerBound)
    for section in sections {
      structure.put(UInt32(section.offset), at: section.at)
      structure.put(UInt32(section.count), at: section.at + 4)
    }
  }

  private func seal(_ structure: inout ByteWriter, weightsChecksum: UInt32) {
    typealias Header = ModelFormat.Header
    structure.put(weightsChecksum, at: Header.weightsChecksum)
    let sum = structure.bytes.withUnsafeBytes { raw in
      raw.baseAddress.map {
        checksum($0 + Header.fileByteCount, count: raw.count - Header.fileByteCount)
      } ?? 0
    }
    structure.put(sum, at: Header.structureChecksum)
  }

  private func index(_ id: ValueID) -> UInt32 { UInt32(tensorIndex[id] ?? 0) }

  private func words(_ values: [UInt32]) -> [UInt8] {
    var writer = ByteWriter()
    for value in values { writer.append(value) }
    return writer.bytes
  }

  private mutating func addConstant(_ id: ValueID) {
    let value = graph[id]
    if let constant = value.constant {
      weightOffsets[id] = weights.add(
        .constant(id, layout(id)), byteCount: constant.byteCount)
    }
    if let quantization = value.quantization {
      let scales = words(quantization.scales.map(\.bitPattern))
      let zeros = words(quantization.zeroPoints.map { UInt32(bitPattern: $0) })
      let scalesAt = weights.add(.bytes(scales), byteCount: scales.count)
      let zerosAt = weights.add(.bytes(zeros), byteCount: zeros.count)
      quantizations.append(
        (quantization.scales.count, quantization.axis, scalesAt, zerosAt))
      quantizationIndex[id] = quantizations.count
    }
  }

  /// In what order the elements of a value are stored.
  private func layout(_ id: ValueID) -> zoo_layout {
    guard packed.contains(id) else { return ZOO_LAYOUT_PLAIN }
    if inQuads.contains(id) { return ZOO_LAYOUT_QUADS16 }
    return graph[id].type == ZOO_BF16 ? ZOO_LAYOUT_PAIRS16 : ZOO_LAYOUT_PANELS16
  }

  private mutating func encodeTensors() -> [UInt8] {
    typealias Tensor = ModelFormat.Tensor
    var writer = ByteWriter()
    for id in tensorIDs {
      let value = graph[id]
      let at = writer.bytes.count
      writer.zeros(Tensor.byteStride)
      writer.put(UInt32(strings.add(value.name)), at: at + Tensor.name)
      writer.put(UInt8(value.type.rawValue), at: at + Tensor.type)
      writer.put(UInt8(value.shape.rank), at: at + Tensor.rank)
      let isConstant = value.constant != nil
      let kept = plan.bands.byteCounts[id]
      let storage =
        isConstant
        ? ModelFormat.Storage.weights
        : kept == nil ? ModelFormat.Storage.arena : ModelFormat.Storage.bands
      writer.put(storage, at: at + Tensor.storage)
      writer.put(UInt8(layout(id).rawValue), at: at + Tensor.layout)
      for axis in 0..<Shape.maximumRank {
        writer.put(Int32(value.shape[axis]), at: at + Tensor.shape + axis * 4)
      }
      let rowStride = plan.placement.places[id]?.rowStride ?? value.shape.last
      writer.put(Int32(rowStride), at: at + Tensor.rowStride)
      writer.put(UInt32(quantizationIndex[id] ?? 0), at: at + Tensor.quantization)
      writer.put(
        UInt64(isConstant ? weightOffsets[id] ?? 0 : plan.offset(id) ?? 0),
        at: at + Tensor.offset)
      let bytes = zoo_tensor.byteCount(value.type, value.shape, rowStride: rowStride) ?? 0
      writer.put(UInt64(kept ?? bytes), at: at + Tensor.byteCount)
    }
    return writer.bytes
  }

  private mutating func encodeNodes() -> [UInt8] {
    typealias Node = ModelFormat.Node
    var writer = ByteWriter()
    for (step, node) in graph.nodes.enumerated() {
      let at = writer.bytes.count
      writer.zeros(Node.byteStride)
      if let group = plan.bands.group(step), group.first == step {
        writer.put(UInt16(group.last - group.first), at: at + Node.bandNodes)
        writer.put(UInt32(group.rows), at: at + Node.bandRows)
      }
      let custom = node.operation as? CustomOperation
      writer.put(UInt32(strings.add(node.name)), at: at + Node.name)
      writer.put(UInt32(strings.add(custom?.name ?? "")), at: at + Node.customName)
      writer.put(UInt16(type(of: node.operation).code), at: at + Node.code)
      writer.put(UInt16(node.inputs.count), at: at + Node.inputCount)
      writer.put(UInt16(1), at: at + Node.outputCount)
      writer.put(UInt32(operands.count), at: at + Node.firstOperand)
      for input in node.inputs { operands.append(input.map(index) ?? ModelFormat.absent) }
      operands.append(index(node.output))
      let start = attributes.bytes.count
      if let custom {
        attributes.bytes += custom.attributes
        while attributes.bytes.count % 4 != 0 { attributes.bytes.append(0) }
      } else {
        var operation = node.operation
        operation.archive(&attributes)
      }
      writer.put(UInt32(start), at: at + Node.attributesOffset)
      writer.put(
        UInt32(custom?.attributes.count ?? attributes.bytes.count - start),
        at: at + Node.attributesByteCount)
    }
    return writer.bytes
  }

  private func encodeQuantizations() -> [UInt8] {
    var writer = ByteWriter()
    for entry in quantizations {
      writer.append(UInt32(entry.count))
      writer.append(UInt32(entry.axis))
      writer.append(UInt64(entry.scales))
      writer.append(UInt64(entry.zeros))
    }
    return writer.bytes
  }
}
