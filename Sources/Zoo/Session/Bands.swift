// Running a chain of nodes band by band, and checking that it can be.
import CZoo
import CZooKernels

extension SessionState {
  /// Runs node `index` and the `following` ones as a chain. Observers see the last node, before and after the whole chain.
  func runBands(_ index: Int, _ following: Int) throws(ZooError) {
    var chain = BandChain(model, roundedTensors, first: index, following: following)
    // With room for every thread each has bands of its own and never waits; else all work on each stage of a band, if that is
    // worth it.
    // Threads with bands of their own begin at different rows, on which the tiles of transforms would depend.
    var scratch = runtime.scratch
    scratch?.isForExactOnly = chain.workerCount > 1
    let threads = min(runtime.threadCount, BandShares.most)
    let hasRoom =
      chain.workerCount >= threads && (threads..<Int(ZOO_SPAN_END)).contains(chain.bandCount)
      && chain.isWorthSharing
    if !hasRoom { chain.useAllRoom() }
    let inner = Runtime(
      table: runtime.table, parallel: hasRoom ? nil : runtime.parallel, scratch: scratch)
    observe(chain.last, done: 0)
    for image in 0..<Int(chain.output(following).shape.0) {
      BandShares.run(chain.bandCount, hasRoom ? threads : 1) { shares in
        BandWork(session: self, runtime: inner, chain: chain, image: image, shares: shares).start()
      }
    }
    observe(chain.last, done: 1)
  }

  private func observe(_ index: Int, done: Int32) {
    guard let observer else { return }
    withNode(index, prepares: false) { observer(observerContext, $0, done) }
  }

  /// Checks what `runBands` relies on; nodes have been prepared.
  func checkBands() throws(ZooError) {
    var index = 0
    while index < model.nodeCount {
      let following = model.node(index).bandNodes
      do throws(ZooError) {
        if following > 0 { try checkChain(index, following) }
        for position in 0...following where index + position < model.nodeCount {
          try checkOperands(index + position, isFirst: position == 0, isLast: position == following)
        }
      } catch { throw error.at(node: UInt32(index)) }
      index += 1 + following
    }
  }

  private func checkChain(_ index: Int, _ following: Int) throws(ZooError) {
    guard following < BandChain.mostStages, index + following < model.nodeCount else {
      throw .corrupt("nodes in bands", expected: BandChain.mostStages, got: following + 1)
    }
    let chain = BandChain(model, first: index, following: following)
    guard chain.rows > 0 else { throw .corrupt("rows of a band") }
    for position in 0...following {
      let record = chain.node(position)
      guard BandChain.canHold(record.code) else {
        throw .corrupt("operator in bands, code", got: record.code)
      }
      guard record.inputCount < BandChain.mostViews,
        record.attributesByteCount >= Window.wordCount * 4,
        record.attributesByteCount <= BandChain.mostWords * 4, chain.stage(position).isSound
      else { throw .corrupt("node in bands") }
    }
    guard chain.workerCount > 0 else { throw .corrupt("room for the rows of a band") }
  }

  /// Rows of bands are read and written inside their chain only; what else a chain reads has the rows of its output.
  private func checkOperands(_ index: Int, isFirst: Bool, isLast: Bool) throws(ZooError) {
    let record = model.node(index)
    guard isFirst || record.bandNodes == 0 else { throw .corrupt("chains in bands overlap") }
    let output = record.firstOperand + record.inputCount
    for position in 0...record.inputCount {
      let operand = record.firstOperand + position
      guard let tensor = model.operand(operand) else { continue }
      let isLink = operand == output ? !isLast : position == 0 && !isFirst
      guard model.isBanded(tensor) == isLink else { throw .corrupt("tensor in bands", got: tensor) }
      if isLink && operand != output {
        let before = model.node(index - 1)
        guard model.operand(before.firstOperand + before.inputCount) == tensor else {
          throw .corrupt("link of nodes in bands", got: tensor)
        }
      } else if !(isFirst && isLast), position > 0, operand != output, !model.isConstant(tensor) {
        guard
          let result = model.operand(output),
          model.tensor(tensor, arena: nil).extent == model.tensor(result, arena: nil).extent
        else { throw .corrupt("operand of a node in bands", got: tensor) }
      }
    }
  }
}

/// One image of a chain, its bands shared among threads.
private struct BandWork: ParallelWork {
  let session: SessionState
  /// What the stages run with.
  var runtime: Runtime
  let chain: BandChain
  let image: Int
  let shares: BandShares

  func start() { forEach(shares.count, session.runtime) { BandWork.body($0).run($1) } }

  func run(_ share: Int) {
    var own = self
    if shares.count > 1 { own.runtime.scratch = runtime.scratch?.alone(share) }
    own.runBands(share)
  }

  private func runBands(_ share: Int) {
    let last = chain.count - 1
    // Of every stage: rows it has to make, the first row that is kept, the end of those made.
    var made = InlineArray<4, Range<Int>>(repeating: 0..<0)
    var kept = InlineArray<4, Int>(repeating: 0)
    var ends = InlineArray<4, Int>(repeating: 0)
    var following = 0
    while let band = shares.next(share, following) {
      if band != following { ends = InlineArray(repeating: 0) }  // nothing that is kept is of use
      following = band + 1
      made[last] = chain.rows(ofBand: band)
      for position in (0..<last).reversed() {
        let end = ends[position]
        made[position] = end..<end
        guard !made[position + 1].isEmpty else { continue }
        let needed = chain.stage(position + 1).inputRows(made[position + 1])
        keep(needed.lowerBound, position, share, &kept, ends)
        made[position] = max(end, needed.lowerBound)..<max(end, needed.upperBound)
      }
      for position in 0...last where !made[position].isEmpty {
        runStage(position, made[position], share, kept)
        ends[position] = made[position].upperBound
      }
    }
  }

  /// Moves rows from `first` on to the start of what stage `position` keeps.
  private func keep(
    _ first: Int, _ position: Int, _ share: Int, _ kept: inout InlineArray<4, Int>,
    _ ends: InlineArray<4, Int>
  ) {
    if first < ends[position], first > kept[position] {
      let line = chain.output(position).lineByteCount
      let start = memory(position, share)
      start.copyMemory(
        from: start + (first - kept[position]) * line, byteCount: (ends[position] - first) * line)
    }
    kept[position] = first
  }

  /// Where share `share` keeps rows of the output of stage `position`.
  private func memory(_ position: Int, _ share: Int) -> UnsafeMutableRawPointer {
    let record = chain.node(position)
    let offset =
      chain.model.operand(record.firstOperand + record.inputCount)
      .map { chain.model.offset(ofTensor: $0) } ?? 0
    return session.arena + offset + share * chain.keptByteCount(position)
  }

  /// Makes output rows `rows` of stage `position`.
  private func runStage(
    _ position: Int, _ rows: Range<Int>, _ share: Int, _ kept: InlineArray<4, Int>
  ) {
    let record = chain.node(position)
    let stage = chain.stage(position)
    let needed = stage.inputRows(rows)
    var views = InlineArray<8, zoo_tensor>(repeating: zoo_tensor())
    for index in 0..<record.inputCount {
      guard let tensor = chain.model.operand(record.firstOperand + index) else { continue }
      let view = chain.rounded.view(chain.model, tensor, arena: session.arena)
      if index == 0 {
        views[0] =
          position == 0
          ? view.band(image: image, lines: needed)
          : view.band(
            at: memory(position - 1, share)
              + (needed.lowerBound - kept[position - 1]) * view.lineByteCount, lines: needed)
      } else {
        views[index] =
          chain.model.isConstant(tensor) ? view : view.band(image: image, lines: rows)
      }
    }
    let output = chain.model.operand(record.firstOperand + record.inputCount)
      .map { chain.rounded.view(chain.model, $0, arena: session.arena) }
    guard let output else { return }
    views[record.inputCount] =
      position == chain.count - 1
      ? output.band(image: image, lines: rows)
      : output.band(
        at: memory(position, share) + (rows.lowerBound - kept[position]) * output.lineByteCount,
        lines: rows)
    var words = InlineArray<32, UInt32>(repeating: 0)
    for index in 0..<record.attributesByteCount / 4 {
      words[index] = record.attributes.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)
    }
    words[Window.padTopWord] =
      UInt32(truncatingIfNeeded: stage.padding(before: rows.lowerBound)).littleEndian
    run(chain.first + position, record, &views, &words)
  }

  private func run(
    _ index: Int, _ record: NodeRecord, _ views: inout InlineArray<8, zoo_tensor>,
    _ words: inout InlineArray<32, UInt32>
  ) {
    var node = zoo_node()
    node.index = UInt32(truncatingIfNeeded: index)
    node.input_count = UInt32(truncatingIfNeeded: record.inputCount)
    node.output_count = 1
    node.name = record.name
    node.attributes_size = record.attributesByteCount
    var viewSpan = views.mutableSpan
    var wordSpan = words.mutableSpan
    viewSpan.withUnsafeMutableBufferPointer { views in
      wordSpan.withUnsafeMutableBufferPointer { words in
        node.inputs = UnsafePointer(views.baseAddress)
        node.outputs = views.baseAddress.map { UnsafePointer($0 + record.inputCount) }
        node.attributes = UnsafeRawPointer(words.baseAddress)
        withUnsafePointer(to: runtime) { runtime in
          node.runtime = OpaquePointer(runtime)
          // Built-in operators do not fail once they are prepared.
          _ = session.operators[index].pointee.run(&node, nil)
        }
      }
    }
  }
}
