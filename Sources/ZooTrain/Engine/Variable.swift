// Tensors that remember their gradient.
package import Zoo

/// Floats at a multiple of 64 bytes, zero at first.
package final class Buffer {
  package let base: UnsafeMutablePointer<Float>
  package let count: Int

  package init(count: Int) {
    let raw = UnsafeMutableRawPointer.allocate(byteCount: max(64, count * 4), alignment: 64)
    base = raw.bindMemory(to: Float.self, capacity: max(1, count))
    base.initialize(repeating: 0, count: count)
    self.count = count
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }

  package var floats: [Float] {
    get { Array(UnsafeBufferPointer(start: base, count: count)) }
    set { base.update(from: newValue, count: min(count, newValue.count)) }
  }

  package func clear() { base.update(repeating: 0, count: count) }
}

/// A value of the network for a whole batch, and the derivative of the loss by it.
package final class Variable {
  package let name: String
  package let shape: Shape
  package let value: UnsafeMutablePointer<Float>
  /// Nil for values that nothing learned depends on.
  package let gradient: UnsafeMutablePointer<Float>?
  /// Whether something has been written to `gradient` in this step; the next contribution is added.
  package var hasGradient = false
  /// Whether the layer before can complete `gradient` part by part, while it reads it.
  var takesLateGradient = false
  /// Writes rows of `gradient`, which is not there yet; called for each row once, on any thread.
  var lateGradient: ((Range<Int>) -> Void)?
  /// Whether the layer that reads `value` can normalise while it adds: see `LateNorm`.
  var takesLateNorm = false
  /// What `value` would be, which is not there.
  var lateNorm: LateNorm?
  private let owners: [Buffer]

  package var count: Int { shape.elementCount }

  /// An activation with memory of its own.
  package convenience init(name: String, shape: Shape, needsGradient: Bool) {
    self.init(
      name: name, shape: shape, gradient: needsGradient ? Buffer(count: shape.elementCount) : nil)
  }

  /// An activation whose gradient may lie where that of another is.
  init(name: String, shape: Shape, gradient gradientBuffer: Buffer?) {
    self.name = name
    self.shape = shape
    let buffer = Buffer(count: shape.elementCount)
    value = buffer.base
    gradient = gradientBuffer?.base
    owners = [buffer] + (gradientBuffer.map { [$0] } ?? [])
  }

  /// A parameter inside the blocks of `ParameterStore`.
  package init(
    name: String, shape: Shape, value: UnsafeMutablePointer<Float>,
    gradient: UnsafeMutablePointer<Float>?, owners: [Buffer]
  ) {
    self.name = name
    self.shape = shape
    self.value = value
    self.gradient = gradient
    self.owners = owners
  }

  /// Where to put a contribution to the gradient: whether it is added to what is there. Nil if none is wanted.
  package func contribute() -> (target: UnsafeMutablePointer<Float>, adds: Bool)? {
    guard let gradient else { return nil }
    defer { hasGradient = true }
    return (gradient, hasGradient)
  }

  /// As `contribute`, for rules that can only add: the gradient is cleared first if need be.
  package func contributeByAdding() -> UnsafeMutablePointer<Float>? {
    guard let (target, adds) = contribute() else { return nil }
    if !adds { target.update(repeating: 0, count: count) }
    return target
  }
}
