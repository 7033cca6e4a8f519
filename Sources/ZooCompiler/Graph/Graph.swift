// The host's intermediate representation: values connected by nodes, in the order they run.
package import CZoo
package import Zoo

/// A handle of a value in one graph.
package struct ValueID: Hashable, Sendable {
  package let index: Int

  package init(index: Int) { self.index = index }
}

/// Elements known when the model is compiled, row-major.
package struct Constant: Sendable {
  /// Floats stay what they are: large weights are not copied to look at them.
  private enum Storage {
    case bytes([UInt8])
    case floats([Float])
  }

  package let type: zoo_type
  private var storage: Storage

  package init(type: zoo_type, bytes: [UInt8]) {
    self.type = type
    storage = .bytes(bytes)
  }

  package init(_ floats: [Float]) {
    type = ZOO_F32
    storage = .floats(floats)
  }

  package var byteCount: Int {
    switch storage {
    case .bytes(let bytes): bytes.count
    case .floats(let floats): floats.count * 4
    }
  }

  /// Calls `body` with the bytes of the elements.
  package func withBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // The standard library's form does not keep the type of the error.
    let result: Swift.Result<Result, Failure> =
      switch storage {
      case .bytes(let bytes):
        bytes.withUnsafeBytes { raw in Swift.Result { () throws(Failure) in try body(raw) } }
      case .floats(let floats):
        floats.withUnsafeBytes { raw in Swift.Result { () throws(Failure) in try body(raw) } }
      }
    return try result.get()
  }

  /// A copy of the bytes of the elements.
  package var bytes: [UInt8] { withBytes { Array($0) } }

  /// The elements; only for f32.
  package var floats: [Float] {
    if case .floats(let floats) = storage { return floats }
    return withBytes { bytes in
      [Float](unsafeUninitializedCapacity: bytes.count / 4) { floats, count in
        count = floats.count
        UnsafeMutableRawBufferPointer(floats).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: bytes.prefix(floats.count * 4)))
      }
    }
  }
}

/// How integers stand for real numbers: real = scale (q - zero point).
package struct Quantization: Sendable {
  package var scales: [Float]
  package var zeroPoints: [Int32]
  /// The axis of the scales, if there is more than one.
  package var axis: Int

  package init(scales: [Float], zeroPoints: [Int32], axis: Int) {
    self.scales = scales
    self.zeroPoints = zeroPoints
    self.axis = axis
  }
}

/// An edge of the graph: a tensor that a node produces, that the caller writes, or that is constant.
package struct Value {
  package var name: String
  package var type: zoo_type
  package var shape: Shape
  package var constant: Constant?
  package var quantization: Quantization?

  package init(
    name: String, type: zoo_type, shape: Shape, constant: Constant? = nil,
    quantization: Quantization? = nil
  ) {
    self.name = name
    self.type = type
    self.shape = shape
    self.constant = constant
    self.quantization = quantization
  }
}

/// An operation applied to values.
package struct GraphNode {
  package var name: String
  package var operation: any Operation
  package var inputs: [ValueID?]
  package var output: ValueID

  package init(
    name: String, operation: any Operation, inputs: [ValueID?], output: ValueID
  ) {
    self.name = name
    self.operation = operation
    self.inputs = inputs
    self.output = output
  }
}

/// A network: nodes in an order in which each runs after those it needs.
package struct Graph {
  package var values: [Value] = []
  package var nodes: [GraphNode] = []
  package var inputs: [ValueID] = []
  package var outputs: [ValueID] = []
  package var info = ModelInfo()

  package init() {}

  package subscript(id: ValueID) -> Value {
    get { values[id.index] }
    set { values[id.index] = newValue }
  }

  /// A value the caller writes before each run.
  package mutating func addInput(_ name: String, _ shape: Shape, type: zoo_type = ZOO_F32)
    -> ValueID
  {
    let id = addValue(Value(name: name, type: type, shape: shape))
    inputs.append(id)
    return id
  }

  /// A constant of f32; `floats.count` is the element count of `shape`.
  package mutating func addConstant(_ name: String, _ shape: Shape, _ floats: [Float]) -> ValueID {
    addValue(Value(name: name, type: ZOO_F32, shape: shape, constant: Constant(floats)))
  }

  package mutating func addValue(_ value: Value) -> ValueID {
    values.append(value)
    return ValueID(index: values.count - 1)
  }

  /// Appends a node and returns its output, whose shape follows from the operation.
  ///
  /// - Throws: `CompileError` naming the node if the operation refuses its inputs.
  @discardableResult
  package mutating func add(
    _ operation: any Operation, _ inputs: [ValueID?], name: String
  ) throws(CompileError) -> ValueID {
    let shape = try inferShape(operation, inputs, name: name)
    let type = inputs.first.flatMap { $0 }.map { self[$0].type } ?? ZOO_F32
    let output = addValue(Value(name: name, type: type, shape: shape))
    nodes.append(GraphNode(name: name, operation: operation, inputs: inputs, output: output))
    return output
  }

  /// The output shape of `operation` on `inputs`.
  package func inferShape(
    _ operation: any Operation, _ inputs: [ValueID?], name: String
  ) throws(CompileError) -> Shape {
    if let custom = operation as? CustomOperation { return custom.shape }
    let counts = type(of: operation).inputCounts
    guard counts.contains(inputs.count) else {
      throw CompileError(
        "node '\(name)': \(operationName(operation)) takes \(counts) inputs, got \(inputs.count)")
    }
    let views = inputs.map { id -> zoo_tensor in
      guard let id else { return zoo_tensor() }
      return zoo_tensor(self[id].type, self[id].shape)
    }
    for (index, view) in views.enumerated() where inputs[index] != nil && view.size == 0 {
      throw CompileError("node '\(name)': input \(index) has no valid shape")
    }
    do {
      let shape = try views.withUnsafeBufferPointer { buffer throws(ZooError) -> Shape in
        try operation.outputShape(Operands(buffer.baseAddress, count: buffer.count))
      }
      guard shape.checkedElementCount != nil else {
        throw CompileError("node '\(name)': output would have \(describe(shape)) elements")
      }
      return shape
    } catch let error as ZooError {
      throw CompileError(
        "node '\(name)' (\(operationName(operation))): \(text(error)); inputs "
          + inputs.map { $0.map { describe(self[$0].shape) } ?? "-" }.joined(separator: ", "))
    } catch let error as CompileError {
      throw error
    } catch {
      throw CompileError("node '\(name)': \(error)")
    }
  }
}
