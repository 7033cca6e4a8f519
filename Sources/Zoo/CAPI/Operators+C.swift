// swift-format-ignore-file: AlwaysUseLowerCamelCase

// What custom operators may call.
public import CZoo

private func runtime(_ node: UnsafePointer<zoo_node>?) -> Runtime? {
  guard let node, let runtime = node.pointee.runtime else { return nil }
  return UnsafePointer<Runtime>(runtime).pointee
}

@c @implementation
public func zoo_parallel_for(
  _ node: UnsafePointer<zoo_node>?, _ count: Int, _ task: zoo_task?,
  _ context: UnsafeMutableRawPointer?
) {
  guard let task, let runtime = runtime(node), count > 0 else { return }
  runtime.forEach(count, context, task)
}

@c @implementation
public func zoo_thread_count(_ node: UnsafePointer<zoo_node>?) -> UInt32 {
  UInt32(runtime(node)?.threadCount ?? 1)
}
