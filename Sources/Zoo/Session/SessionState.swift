// A session: what lives in the arena beside the planned tensors.
import CZoo
import CZooKernels

/// The state behind `zoo_session`, at a fixed place in the arena.
///
/// The arena holds, in this order: the planned region of the file; this struct; the kernels; views of the model's inputs and
/// outputs; views of operands; the operator of each node; which tensors are rounded. On small machines these are views of the operands of
/// the node that runs, made anew each time, and all of it is a few hundred bytes beyond the plan. Where memory is plenty views of all
/// operands are kept: making them took 0.1 us for each node of bytes, 6 % of MobileNet v1 0.25.
package struct SessionState {
  package let model: ModelReader
  let arena: UnsafeMutableRawPointer
  var runtime: Runtime
  let layout: SessionLayout
  let observer: zoo_observer?
  let observerContext: UnsafeMutableRawPointer?
  let clock: zoo_clock?
  var threadChoice = ThreadChoice()
  /// What the host tier keeps with the session; nil for sessions in caller-owned memory.
  package var owner: UnsafeMutableRawPointer?

  var inputs: UnsafeMutablePointer<zoo_tensor> { (arena + layout.inputs).view() }
  var outputs: UnsafeMutablePointer<zoo_tensor> { (arena + layout.outputs).view() }
  private var operands: UnsafeMutablePointer<zoo_tensor> { (arena + layout.operands).view() }
  var roundedTensors: RoundedTensors {
    #if arch(x86_64)
    RoundedTensors((arena + layout.roundedTensors).assumingMemoryBound(to: UInt32.self))
    #else
    RoundedTensors()
    #endif
  }
  var operators: UnsafeMutablePointer<UnsafePointer<zoo_operator>> {
    (arena + layout.operators).assumingMemoryBound(to: UnsafePointer<zoo_operator>.self)
  }
}

extension UnsafeMutableRawPointer {
  fileprivate func view() -> UnsafeMutablePointer<zoo_tensor> {
    assumingMemoryBound(to: zoo_tensor.self)
  }
}

/// Byte offsets of a session's parts in its arena.
struct SessionLayout {
  let state: Int
  let kernels: Int
  let inputs: Int
  let outputs: Int
  let operands: Int
  let operators: Int
  let roundedTensors: Int
  let byteCount: Int

  /// Whether views of the operands of all nodes are kept.
  #if arch(x86_64) || arch(arm64)
  static let keepsOperands = true
  #else
  static let keepsOperands = false
  #endif

  init(_ model: ModelReader) {
    var end = model.planByteCount
    func place(_ count: Int, _ stride: Int, _ alignment: Int) -> Int {
      end = (end + alignment - 1) / alignment * alignment
      defer { end += count * stride }
      return end
    }
    var most = 0
    for index in 0..<model.nodeCount {
      let node = model.node(index)
      most = max(most, node.inputCount + node.outputCount)
    }
    let view = MemoryLayout<zoo_tensor>.self
    state = place(1, MemoryLayout<SessionState>.size, ModelFormat.minimumAlignment)
    kernels = place(1, MemoryLayout<zoo_kernels>.size, MemoryLayout<zoo_kernels>.alignment)
    inputs = place(model.inputs.count, view.stride, view.alignment)
    outputs = place(model.outputs.count, view.stride, view.alignment)
    operands = place(
      SessionLayout.keepsOperands ? model.operands.count : most, view.stride, view.alignment)
    operators = place(
      model.nodeCount, MemoryLayout<UnsafePointer<zoo_operator>>.stride,
      MemoryLayout<UnsafePointer<zoo_operator>>.alignment)
    #if arch(x86_64)
    roundedTensors = place(model.tensors.count, 4, 4)
    #else
    roundedTensors = end
    #endif
    byteCount = place(0, 0, ModelFormat.minimumAlignment)
  }
}

extension SessionState {
  /// Runs the model, by the calling thread alone if that is found to be faster.
  mutating func run() throws(ZooError) {
    guard let clock, runtime.threadCount > 1, observer == nil else { return try runNodes() }
    let start = threadChoice.isTimed ? clock() : 0
    if threadChoice.isAlone {
      let parallel = runtime.parallel
      runtime.parallel = nil
      defer { runtime.parallel = parallel }
      try runNodes()
    } else {
      try runNodes()
    }
    threadChoice.count(threadChoice.isTimed ? clock() &- start : 0)
  }

  /// Runs all nodes in order.
  private func runNodes() throws(ZooError) {
    var index = 0
    while index < model.nodeCount {
      let following = model.node(index).bandNodes
      defer { index += 1 + following }
      if following > 0 {
        try runBands(index, following)
        continue
      }
      let entry = operators[index]
      var failure = zoo_error()
      let status = withNode(index, prepares: false) { node in
        observer?(observerContext, node, 0)
        let status = entry.pointee.run(node, &failure)
        observer?(observerContext, node, 1)
        return status
      }
      guard status == ZOO_OK else {
        throw ZooError(
          ZOO_OPERATOR_FAILED, "operator failed with status", got: Int(status.rawValue),
          node: UInt32(index))
      }
    }
  }

  /// Makes the views that are kept. All nodes have been prepared, and it is known which tensors are rounded.
  func keepOperands() {
    guard SessionLayout.keepsOperands else { return }
    for index in 0..<model.nodeCount {
      let record = model.node(index)
      makeViews(record, operands + record.firstOperand, prepares: false)
    }
  }

  /// The operands of a node as views of the arena, of nothing while preparing.
  private func makeViews(
    _ record: NodeRecord, _ views: UnsafeMutablePointer<zoo_tensor>, prepares: Bool
  ) {
    for position in 0..<record.inputCount + record.outputCount {
      if let tensor = model.operand(record.firstOperand + position) {
        views[position] =
          prepares
          ? model.tensor(tensor, arena: nil) : roundedTensors.view(model, tensor, arena: arena)
      } else {
        views[position] = zoo_tensor()
      }
    }
  }

  /// Calls `body` with node `index`, its operands as views of the arena (of nothing while preparing).
  func withNode<Result>(
    _ index: Int, prepares: Bool, _ body: (UnsafePointer<zoo_node>) -> Result
  ) -> Result {
    let record = model.node(index)
    let views = operands + (SessionLayout.keepsOperands ? record.firstOperand : 0)
    if prepares || !SessionLayout.keepsOperands { makeViews(record, views, prepares: prepares) }
    return withUnsafePointer(to: runtime) { runtime in
      var node = zoo_node()
      node.index = UInt32(index)
      node.input_count = UInt32(record.inputCount)
      node.output_count = UInt32(record.outputCount)
      node.name = record.name
      node.inputs = UnsafePointer(views)
      node.outputs = UnsafePointer(views + record.inputCount)
      node.attributes = record.attributes
      node.attributes_size = record.attributesByteCount
      node.scratch = prepares || record.scratchByteCount == 0 ? nil : arena + record.scratchOffset
      node.scratch_size = record.scratchByteCount
      node.runtime = OpaquePointer(runtime)
      return withUnsafePointer(to: node) { body($0) }
    }
  }
}
