// The content of a pickle: what a file of weights says about its tensors.

/// The content of a pickle written by PyTorch. Elements of tensors are outside, in storages.
struct Pickle {
  /// The value that the pickle stands for.
  var root = PickleValue.none
  private(set) var objects: [PickleObject] = []
  private(set) var storages: [PickleStorage] = []
  private(set) var tensors: [PickleTensor] = []
  /// Where the bytes after the pickle start.
  var end = 0

  private var storageNumbers: [String: Int] = [:]
  /// Values in all objects together.
  private var valueCount = 0

  /// The most values that all objects hold together. Objects can be copied by a few bytes; this bounds what they grow to.
  static let maximumValueCount = 1 << 24
  /// The most axes of a tensor; PyTorch has the same limit.
  static let maximumRank = 64

  // MARK: Content

  /// The elements of a list or tuple, else nil.
  func elements(_ value: PickleValue) -> [PickleValue]? {
    guard case .object(let number) = value else { return nil }
    switch objects[number].kind {
    case .list, .tuple: return objects[number].values
    case .dictionary, .module: return nil
    }
  }

  /// The members of a dictionary or module in their order, else nil.
  func members(_ value: PickleValue) -> [(key: PickleValue, value: PickleValue)]? {
    guard case .object(let number) = value else { return nil }
    let object = objects[number]
    guard object.kind == .dictionary || object.kind == .module else { return nil }
    return stride(from: 0, to: object.values.count - 1, by: 2).map {
      (object.values[$0], object.values[$0 + 1])
    }
  }

  // MARK: Making

  mutating func addObject(
    _ kind: PickleObject.Kind, _ values: [PickleValue] = []
  ) throws(CompileError) -> PickleValue {
    try count(values)
    objects.append(PickleObject(kind: kind, values: values))
    return .object(objects.count - 1)
  }

  mutating func extend(_ object: Int, _ values: [PickleValue]) throws(CompileError) {
    try count(values)
    objects[object].values += values
  }

  private mutating func count(_ values: [PickleValue]) throws(CompileError) {
    valueCount += values.count
    guard valueCount <= Pickle.maximumValueCount else {
      throw CompileError("more than \(Pickle.maximumValueCount) values")
    }
  }

  /// The storage that `("storage", type, key, device, element count[, None])` names.
  mutating func addStorage(_ reference: PickleValue) throws(CompileError) -> PickleValue {
    guard let values = elements(reference), values.count >= 5, values[0].text == "storage",
      case .global(let type) = values[1], case .storage(let element) = type.meaning,
      let key = values[2].text, let count = values[4].integer, count >= 0
    else { throw CompileError("a reference that does not name a storage") }
    if values.count > 5 {
      guard case .none = values[5] else {
        throw CompileError("views of storages are not supported")
      }
    }
    if let known = storageNumbers[key] {
      guard storages[known].type == element, storages[known].count == count else {
        throw CompileError("storage '\(key)' is described in two ways")
      }
      return .storage(known)
    }
    storages.append(PickleStorage(key: key, type: element, count: count))
    storageNumbers[key] = storages.count - 1
    return .storage(storages.count - 1)
  }

  /// The tensor `(storage, offset, shape, strides, ...)`, checked to lie inside its storage.
  mutating func addTensor(_ values: [PickleValue]) throws(CompileError) -> PickleValue {
    guard values.count >= 4, case .storage(let storage) = values[0],
      let offset = values[1].integer, let shape = integers(values[2]),
      let strides = integers(values[3]), shape.count == strides.count
    else { throw CompileError("a tensor needs storage, offset, shape and strides") }
    let available = storages[storage].count
    guard offset >= 0, strides.allSatisfy({ $0 >= 0 }),
      // No more elements than stored: a tensor of a few bytes must not fill the memory.
      let count = elementCount(of: shape, limit: available)
    else {
      throw CompileError(
        "tensor of shape \(shape), strides \(strides), offset \(offset) in a storage of \(available) elements"
      )
    }
    var last = offset
    for (extent, stride) in zip(shape, strides) where count > 0 {
      let (distance, overflow) = stride.multipliedReportingOverflow(by: extent - 1)
      let (sum, carry) = last.addingReportingOverflow(distance)
      guard !overflow, !carry else { throw CompileError("strides \(strides) are too large") }
      last = sum
    }
    guard count == 0 || last < available else {
      throw CompileError("a tensor reads element \(last) of a storage of \(available) elements")
    }
    // Along an axis of one element nothing moves, whatever its stride says.
    let steps = zip(shape, strides).map { $0 == 1 ? 0 : $1 }
    tensors.append(PickleTensor(storage: storage, offset: offset, shape: shape, strides: steps))
    return .tensor(tensors.count - 1)
  }

  private func integers(_ value: PickleValue) -> [Int]? {
    guard let values = elements(value), values.count <= Pickle.maximumRank else { return nil }
    let integers = values.compactMap(\.integer)
    return integers.count == values.count ? integers : nil
  }
}
