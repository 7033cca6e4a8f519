// swift-format-ignore-file: AlwaysUseLowerCamelCase

// Classes, labels and metadata for C.
public import CZoo

@c @implementation
public func zoo_argmax(_ tensor: UnsafePointer<zoo_tensor>?) -> Int {
  guard let tensor, tensor.pointee.data != nil, Scores.supports(tensor.pointee),
    tensor.pointee.isDense
  else { return 0 }
  let scores = Scores(tensor.pointee)
  var best = 0
  for index in 0..<tensor.pointee.extent.elementCount
  where scores[index] > scores[best] || scores[best] != scores[best] {
    best = index
  }
  return best
}

@c @implementation
public func zoo_top(
  _ session: OpaquePointer?, _ top: UnsafeMutablePointer<zoo_prediction>?,
  _ count: UnsafeMutablePointer<Int>?, _ error: UnsafeMutablePointer<zoo_error>?
) -> zoo_status {
  do throws(ZooError) {
    guard let state = state(session), let top, let count else {
      throw ZooError(ZOO_INVALID_ARGUMENT, "session, top or count is NULL")
    }
    guard count.pointee >= 0 else { throw ZooError(ZOO_INVALID_ARGUMENT, "count") }
    count.pointee = try state.pointee.top(top, room: count.pointee)
    return ZOO_OK
  } catch let failure { return failure.report(to: error) }
}

@c @implementation
public func zoo_label_count(_ session: OpaquePointer?) -> Int {
  state(session)?.pointee.model.labels.count ?? 0
}

@c @implementation
public func zoo_label(_ session: OpaquePointer?, _ index: Int) -> UnsafePointer<CChar>? {
  guard let state = state(session) else { return emptyText }
  return state.pointee.model.labelOrEmpty(index)
}

@c @implementation
public func zoo_metadata(
  _ session: OpaquePointer?, _ key: UnsafePointer<CChar>?
) -> UnsafePointer<CChar>? {
  guard let state = state(session), let key else { return nil }
  let model = state.pointee.model
  for index in 0..<model.metadata.count {
    let entry = model.metadataEntry(index)
    if equal(entry.key, key) { return entry.value }
  }
  return nil
}
