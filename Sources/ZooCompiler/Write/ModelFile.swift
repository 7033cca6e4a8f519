// Reading a .zoo file back into a graph: for summaries, other batch sizes, plans and exports.
import CZoo
package import Foundation
import Zoo

/// A .zoo file on the host: its bytes and the graph they describe.
package struct ModelFile {
  package let data: Data
  package let graph: Graph
  /// Bytes of the planned region as stored in the file.
  package let planByteCount: Int
  package let planLowerBound: Int

  /// Reads and checks the file at `path`.
  package init(path: String) throws(CompileError) {
    let data = try mapFile(path)
    do throws(CompileError) {
      try self.init(data)
    } catch {
      throw CompileError("\(path): \(error)")
    }
  }

  package init(_ data: Data) throws(CompileError) {
    // The reader wants aligned memory, which Data does not promise.
    let copy = UnsafeMutableRawPointer.allocate(
      byteCount: max(1, data.count), alignment: ModelFormat.alignment)
    defer { copy.deallocate() }
    data.withUnsafeBytes { source in
      if let base = source.baseAddress { copy.copyMemory(from: base, byteCount: source.count) }
    }
    do {
      let reader = try ModelReader(copy, byteCount: data.count, verify: .everything)
      planByteCount = reader.planByteCount
      planLowerBound = reader.planLowerBound
      graph = try decodeGraph(reader)
    } catch let error as ZooError {
      throw CompileError(text(error))
    } catch let error as CompileError {
      throw error
    } catch {
      throw CompileError("\(error)")
    }
    self.data = data
  }
}

private func decodeGraph(_ reader: ModelReader) throws(CompileError) -> Graph {
  var graph = Graph()
  for index in 0..<reader.tensorCount {
    let view = reader.tensor(index, arena: nil)
    var value = Value(name: String(cString: view.name), type: view.type, shape: view.extent)
    if reader.isConstant(index), let data = view.data {
      let bytes = Array(UnsafeRawBufferPointer(start: data, count: view.size))
      let plain =
        switch view.layout {
        case ZOO_LAYOUT_PANELS16: unpackPanels(bytes, view.extent, width: view.type.byteWidth)
        case ZOO_LAYOUT_QUADS16: unpackQuads(bytes, view.extent)
        case ZOO_LAYOUT_PAIRS16: unpackPairs(bytes, view.extent)
        default: bytes
        }
      value.constant = Constant(type: view.type, bytes: plain)
    }
    if view.scale_count > 0 {
      let count = Int(view.scale_count)
      value.quantization = Quantization(
        scales: Array(UnsafeBufferPointer(start: view.scales, count: count)),
        zeroPoints: Array(UnsafeBufferPointer(start: view.zero_points, count: count)),
        axis: Int(view.scale_axis))
    }
    _ = graph.addValue(value)
  }
  for index in 0..<reader.nodeCount { graph.nodes.append(try decodeNode(reader, index, graph)) }
  graph.inputs = (0..<reader.inputs.count).map { ValueID(index: reader.word(reader.inputs, $0)) }
  graph.outputs = (0..<reader.outputs.count).map { ValueID(index: reader.word(reader.outputs, $0)) }
  graph.info.labels = (0..<reader.labels.count).map { String(cString: reader.label($0)) }
  graph.info.card = (0..<reader.metadata.count).map {
    let entry = reader.metadataEntry($0)
    return (String(cString: entry.key), String(cString: entry.value))
  }
  graph.info.preprocessing = reader.preprocessing
  graph.info.outputsProbabilities = reader.flags & ModelFormat.Flag.outputsProbabilities != 0
  graph.info.hasBackgroundClass = reader.flags & ModelFormat.Flag.backgroundClass != 0
  try graph.verify(after: "reading")
  return graph
}

private func decodeNode(
  _ reader: ModelReader, _ index: Int, _ graph: Graph
) throws(CompileError) -> GraphNode {
  let record = reader.node(index)
  let name = String(cString: record.name)
  let inputs = (0..<record.inputCount).map {
    reader.operand(record.firstOperand + $0).map { ValueID(index: $0) }
  }
  guard record.outputCount == 1,
    let output = reader.operand(record.firstOperand + record.inputCount)
  else { throw CompileError("node '\(name)' has \(record.outputCount) outputs, expected 1") }
  let id = ValueID(index: output)
  if record.code == 0 {
    let bytes = UnsafeRawBufferPointer(
      start: record.attributes, count: record.attributesByteCount)
    let custom = CustomOperation(
      name: String(cString: record.customName), attributes: Array(bytes), shape: graph[id].shape)
    return GraphNode(name: name, operation: custom, inputs: inputs, output: id)
  }
  guard let type = operationType(code: record.code) else {
    throw CompileError("node '\(name)': operator code \(record.code) is not known")
  }
  var operation = type.init()
  var attributes = AttributeReader(record.attributes, byteCount: record.attributesByteCount)
  operation.archive(&attributes)
  guard attributes.isValid else { throw CompileError("node '\(name)': attribute out of range") }
  return GraphNode(name: name, operation: operation, inputs: inputs, output: id)
}
