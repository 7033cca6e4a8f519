// How long each operator of a model takes.
import CZoo
import CZooPlatform
import Zoo
import ZooCompiler

/// The times of a model's operators over some runs, and of whole runs without looking.
struct OperatorTimes {
  /// Median nanoseconds of each operator, in the order they run.
  let operators: [Double]
  /// Median nanoseconds of a run without an observer.
  let wholeRun: Double
  /// The shortest of those runs: what is left when nothing else ran on the machine.
  let bestRun: Double
  let runs: Int

  /// Runs `plain` and `observed`, two sessions of one model, in turns.
  ///
  /// - Parameter runs: how many of each; nil for as many as fit into a second or so, 10 to 1000.
  init(plain: Session, observed: Session, nodeCount: Int, runs wanted: Int?) throws {
    // Two times for each operator, kept outside of arrays so that taking them costs nothing but the clock.
    let stamps = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * nodeCount)
    stamps.initialize(repeating: 0, count: 2 * nodeCount)
    defer { stamps.deallocate() }
    observed.observer = { node, isDone in
      stamps[2 * Int(node.pointee.index) + (isDone ? 1 : 0)] = zoo_platform_nanoseconds()
    }
    defer { observed.observer = nil }
    var times = [[UInt64]](repeating: [], count: nodeCount)
    var whole: [UInt64] = []
    let noise = InputNoise(plain)
    for session in [plain, observed, plain, observed] {
      noise.write(to: session)
      try session.run()
    }
    let begin = zoo_platform_nanoseconds()
    func isEnough() -> Bool {
      if let wanted { return whole.count >= wanted }
      let elapsed = zoo_platform_nanoseconds() - begin
      return whole.count >= 1000 || whole.count >= 10 && elapsed > 1_000_000_000
    }
    // Some of each in a row: the threads of a session fall asleep while another runs.
    while !isEnough() {
      let turn = min(8, (wanted ?? Int.max) - whole.count)
      for _ in 0..<turn {
        noise.write(to: plain)
        let start = zoo_platform_nanoseconds()
        try plain.run()
        whole.append(zoo_platform_nanoseconds() - start)
      }
      for _ in 0..<turn {
        noise.write(to: observed)
        try observed.run()
        for index in 0..<nodeCount {
          times[index].append(stamps[2 * index + 1] - stamps[2 * index])
        }
      }
    }
    operators = times.map(OperatorTimes.median)
    wholeRun = OperatorTimes.median(whole)
    bestRun = Double(whole.min() ?? 0)
    self.runs = whole.count
  }

  private static func median(_ times: [UInt64]) -> Double {
    Double(times.sorted()[times.count / 2])
  }
}

/// What an operator does with memory.
struct MovedBytes {
  /// Read and written; what is in its place already is not moved.
  var count = 0
  /// Whether input or output are bf16, as a session keeps some tensors between layers.
  var isRounded = false
}

/// What the operators move, in the order they run.
///
/// - Parameter session: one with an observer; it is run once.
func bytesMoved(_ session: Session, _ graph: Graph) throws -> [MovedBytes] {
  var moved = [MovedBytes](repeating: MovedBytes(), count: graph.nodes.count)
  session.observer = { node, isDone in
    let index = Int(node.pointee.index)
    guard !isDone, index < moved.count, let inputs = node.pointee.inputs,
      let outputs = node.pointee.outputs
    else { return }
    let output = outputs[0]
    func bytes(_ tensor: zoo_tensor) -> Int { tensor.extent.elementCount * tensor.type.byteWidth }
    let present = (0..<Int(node.pointee.input_count)).map { inputs[$0] }.filter { $0.data != nil }
    moved[index].isRounded = output.type == ZOO_BF16 || inputs[0].type == ZOO_BF16
    switch graph.nodes[index].operation {
    case is Reshape, is Concat:
      let copied = present.filter { !isInside($0, output) }
      moved[index].count = 2 * copied.reduce(0) { $0 + bytes($1) }
    case is Slice: moved[index].count = 2 * bytes(output)
    default: moved[index].count = present.reduce(bytes(output)) { $0 + bytes($1) }
    }
  }
  defer { session.observer = nil }
  fillWithNoise(session)
  try session.run()
  return moved
}

/// Whether the plan has put the elements of `part` into the memory of `whole`.
private func isInside(_ part: zoo_tensor, _ whole: zoo_tensor) -> Bool {
  guard let start = part.data, let base = whole.data else { return false }
  return start >= base && start + part.size <= base + whole.size
}
