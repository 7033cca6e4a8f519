// A .zoo file as bytes: every untrusted number of it is met and checked here.
import CZoo

/// A model whose structure has been checked: reads of it cannot leave its bytes.
///
/// `init` checks sizes, offsets, counts, strings and enumerations of everything that later code reads; what
/// operators demand of shapes is checked by their `prepare`.
package struct ModelReader {
  package let base: UnsafeRawPointer
  package let byteCount: Int
  let weightsOffset: Int
  /// Bytes of the planned region of the arena.
  package let planByteCount: Int
  /// Most bytes alive at one step of the plan.
  package let planLowerBound: Int
  /// `ModelFormat.Flag` bits.
  package let flags: UInt32
  let tensors: Section
  let nodes: Section
  let operands: Section
  let attributes: Section
  package let inputs: Section
  package let outputs: Section
  let strings: Section
  package let labels: Section
  package let metadata: Section
  let quantizations: Section
  let preprocessingRecord: Section

  /// An offset and a count of records.
  package struct Section {
    let offset: Int
    package let count: Int
  }

  /// Which checksums to compute. Computing the one of the weights reads all of them.
  package enum Verification {
    case structureOnly
    case everything
  }

  /// Checks `byteCount` bytes at `base`, which must be a multiple of 16.
  package init(
    _ base: UnsafeRawPointer, byteCount: Int, verify: Verification
  ) throws(ZooError) {
    typealias Header = ModelFormat.Header
    guard UInt(bitPattern: base) % UInt(ModelFormat.minimumAlignment) == 0 else {
      throw ZooError(
        ZOO_MISALIGNED, "model must start at a multiple of",
        expected: ModelFormat.minimumAlignment)
    }
    guard byteCount >= 8, base.loadLE(UInt64.self, at: 0) == ModelFormat.magic else {
      throw ZooError(ZOO_NOT_A_MODEL, "the bytes do not begin like a .zoo file")
    }
    guard byteCount >= Header.byteCount else {
      throw ZooError(
        ZOO_MODEL_TRUNCATED, "header cut short", expected: Header.byteCount, got: byteCount)
    }
    let major = base.loadLE(UInt16.self, at: Header.majorVersion)
    guard major == ModelFormat.majorVersion else {
      throw ZooError(
        ZOO_MODEL_VERSION, "format version", expected: Int(ModelFormat.majorVersion),
        got: Int(major))
    }
    let fileByteCount = base.loadSize(at: Header.fileByteCount)
    guard fileByteCount == byteCount else {
      throw ZooError(
        ZOO_MODEL_TRUNCATED, "size of the file", expected: fileByteCount, got: byteCount)
    }
    weightsOffset = base.loadSize(at: Header.weightsOffset)
    guard weightsOffset >= Header.byteCount, weightsOffset <= byteCount,
      weightsOffset % ModelFormat.alignment == 0
    else { throw .corrupt("offset of the weights", got: weightsOffset) }
    guard
      checksum(base + Header.fileByteCount, count: weightsOffset - Header.fileByteCount)
        == base.loadLE(UInt32.self, at: Header.structureChecksum)
    else { throw ZooError(ZOO_CHECKSUM_MISMATCH, "structure of the model was damaged") }
    flags = base.loadLE(UInt32.self, at: Header.flags)
    guard flags & ~ModelFormat.Flag.all == 0 else {
      throw .corrupt("flags", got: Int(truncatingIfNeeded: flags))
    }
    if case .everything = verify {
      let count = byteCount - weightsOffset
      let sum =
        flags & ModelFormat.Flag.laneSums != 0
        ? laneChecksum(base + weightsOffset, count: count)
        : checksum(base + weightsOffset, count: count)
      guard sum == base.loadLE(UInt32.self, at: Header.weightsChecksum) else {
        throw ZooError(ZOO_CHECKSUM_MISMATCH, "weights of the model were damaged")
      }
    }
    self.base = base
    self.byteCount = byteCount
    planByteCount = base.loadSize(at: Header.planByteCount)
    planLowerBound = base.loadSize(at: Header.planLowerBound)
    guard planByteCount <= Int.max / 4, planLowerBound <= planByteCount else {
      throw .corrupt("size of the plan", got: planByteCount)
    }

    let end = weightsOffset
    func section(_ at: Int, stride: Int) throws(ZooError) -> Section {
      let offset = Int(capped: base.loadLE(UInt32.self, at: at))
      let count = Int(capped: base.loadLE(UInt32.self, at: at + 4))
      guard offset % 4 == 0, offset <= end, count <= (end - offset) / stride else {
        throw .corrupt("section past the structure, header offset", got: at)
      }
      return Section(offset: offset, count: count)
    }
    tensors = try section(Header.tensors, stride: ModelFormat.Tensor.byteStride)
    nodes = try section(Header.nodes, stride: ModelFormat.Node.byteStride)
    operands = try section(Header.operands, stride: 4)
    attributes = try section(Header.attributes, stride: 1)
    inputs = try section(Header.inputs, stride: 4)
    outputs = try section(Header.outputs, stride: 4)
    strings = try section(Header.strings, stride: 1)
    labels = try section(Header.labels, stride: 4)
    metadata = try section(Header.metadata, stride: 8)
    quantizations = try section(
      Header.quantizations, stride: ModelFormat.Quantization.byteStride)
    preprocessingRecord = try section(Header.preprocessing, stride: 1)
    try checkRecords()
  }

  package var tensorCount: Int { tensors.count }
  package var nodeCount: Int { nodes.count }

  /// Word `index` of a section of u32.
  package func word(_ section: Section, _ index: Int) -> Int {
    Int(truncatingIfNeeded: base.loadLE(UInt32.self, at: section.offset + index * 4))
  }

  /// The zero-terminated string at `offset` of the string section.
  func string(_ offset: Int) -> UnsafePointer<CChar> {
    (base + strings.offset + offset).assumingMemoryBound(to: CChar.self)
  }

  /// Label `index`, which must be below `labels.count`.
  package func label(_ index: Int) -> UnsafePointer<CChar> { string(word(labels, index)) }

  /// Key and value `index` of the metadata.
  package func metadataEntry(
    _ index: Int
  ) -> (key: UnsafePointer<CChar>, value: UnsafePointer<CChar>) {
    (string(word(metadata, index * 2)), string(word(metadata, index * 2 + 1)))
  }

  /// How a photo becomes the input, if the model says so.
  package var preprocessing: Preprocessing? {
    guard preprocessingRecord.count > 0 else { return nil }
    var reader = AttributeReader(
      base + preprocessingRecord.offset, byteCount: preprocessingRecord.count)
    var result = Preprocessing()
    result.archive(&reader)
    return reader.isValid ? result : nil
  }
}
