// Tensors between layers that a session keeps in bf16.
import CZoo
import CZooKernels

/// Which tensors a session keeps in bf16 although the model says floats: a word for each.
///
/// A layer with weights of bf16 rounds its inputs before it multiplies them. Where the layer before can write them so, and all that read
/// them can read them so, they are rounded once, when they are made, and take half of the caches. Only where the CPU multiplies bf16.
struct RoundedTensors {
  #if arch(x86_64)
  /// 0 for floats, else 1 + how many bytes before its place in the plan the tensor begins: channels that a concatenation has in place
  /// move closer together.
  private let words: UnsafeMutablePointer<UInt32>?

  init(_ words: UnsafeMutablePointer<UInt32>?) { self.words = words }

  /// None.
  init() { words = nil }

  /// Tensor `index` of `model` as a view; activations point into `arena`.
  func view(_ model: ModelReader, _ index: Int, arena: UnsafeMutableRawPointer?) -> zoo_tensor {
    var view = model.tensor(index, arena: arena)
    guard let words, words[index] > 0 else { return view }
    view.type = ZOO_BF16
    view.size /= 2
    view.data = view.data.map { $0 - Int(words[index] - 1) }
    return view
  }
  #else
  init() {}

  func view(_ model: ModelReader, _ index: Int, arena: UnsafeMutableRawPointer?) -> zoo_tensor {
    model.tensor(index, arena: arena)
  }
  #endif
}

#if arch(x86_64)
/// Which operands of a node may be tensors of bf16.
///
/// A tensor becomes one if it is the input of a layer that rounds it, or of one whose output is.
struct RoundedOperands {
  /// A bit for each input; the last one is for all others, too.
  var inputs: UInt8 = 0
  /// Whether it rounds its first input, if it gets floats.
  var rounds = false
  var output = false
  /// Likewise inputs that must be bf16 if the output is, and floats if it is not.
  var linked: UInt8 = 0

  /// All or none.
  static let all = RoundedOperands(inputs: .max, output: true, linked: .max)

  fileprivate func reads(_ position: Int) -> Bool { inputs >> min(position, 7) & 1 == 1 }
  fileprivate func links(_ position: Int) -> Bool { linked >> min(position, 7) & 1 == 1 }
}

extension RoundedTensors {
  /// Finds the tensors that `session`, whose nodes are prepared, keeps in bf16: of all that could be written so, those without an
  /// objection.
  init(_ session: SessionState, _ words: UnsafeMutablePointer<UInt32>) {
    self.words = words
    let model = session.model
    words.update(repeating: 0, count: model.tensors.count)
    guard session.runtime.kernels.bf16_igemm.run != nil else { return }
    // Models of floats and of integers end here, so that they start as fast as before.
    guard roundsAny(session) else { return }
    for index in 0..<model.nodeCount where session.roundedOperands(index).output {
      guard let tensor = model.output(index), !model.isConstant(tensor) else { continue }
      let view = model.tensor(tensor, arena: nil)
      // The kernels multiply pairs, and a word holds how far a part of the tensor moves.
      if view.type == ZOO_F32, view.extent.last % 2 == 0, view.size / 2 < UInt32.max {
        words[tensor] = 1
      }
    }
    for index in 0..<model.outputs.count { words[model.word(model.outputs, index)] = 0 }
    while hasObjections(session, words) || unmarkOverwritten(model, words)
      || unmarkUnwanted(session, words)
    {}
    // Where an output lies in that of a later node is known first.
    for index in (0..<model.nodeCount).reversed() { moveTogether(session, index, words) }
  }

  /// Whether any node rounds what it reads. (`contains(where:)` needs the heap.)
  private func roundsAny(_ session: SessionState) -> Bool {
    for index in 0..<session.model.nodeCount where session.roundedOperands(index).rounds {
      return true
    }
    return false
  }

  /// Takes back what nobody would round, and says whether there was any.
  private func unmarkUnwanted(
    _ session: SessionState, _ words: UnsafeMutablePointer<UInt32>
  ) -> Bool {
    let model = session.model
    let wanted: UInt32 = 2
    for index in 0..<model.nodeCount {
      let record = model.node(index)
      let rounded = session.roundedOperands(index)
      let passesOn = model.output(index).map { words[$0] > 0 } ?? false
      for position in 0..<record.inputCount
      where rounded.rounds && position == 0 || rounded.links(position) && passesOn {
        guard let input = model.operand(record.firstOperand + position) else { continue }
        if words[input] > 0 { words[input] |= wanted }
      }
    }
    var isChanged = false
    for tensor in 0..<model.tensors.count where words[tensor] > 0 {
      let isWanted = words[tensor] & wanted != 0
      words[tensor] = isWanted ? 1 : 0
      isChanged = isChanged || !isWanted
    }
    return isChanged
  }

  /// Takes back what a node objects to, and says whether one did.
  private func hasObjections(
    _ session: SessionState, _ words: UnsafeMutablePointer<UInt32>
  ) -> Bool {
    let model = session.model
    var isChanged = false
    for index in 0..<model.nodeCount {
      let record = model.node(index)
      let rounded = session.roundedOperands(index)
      for position in 0..<record.inputCount {
        guard let input = model.operand(record.firstOperand + position) else { continue }
        if words[input] > 0, !rounded.reads(position) {
          words[input] = 0
          isChanged = true
        }
        guard rounded.links(position), let output = model.output(index),
          words[input] != words[output]
        else { continue }
        (words[input], words[output]) = (0, 0)
        isChanged = true
      }
    }
    return isChanged
  }

  /// Takes back what a chain in bands reads while it writes floats over what it has read: rows of bf16 would be overtaken. Says whether
  /// there was any.
  private func unmarkOverwritten(_ model: ModelReader, _ words: UnsafeMutablePointer<UInt32>)
    -> Bool
  {
    var isChanged = false
    for index in 0..<model.nodeCount where model.node(index).bandNodes > 0 {
      let last = index + model.node(index).bandNodes
      guard last < model.nodeCount, let output = model.output(last), words[output] == 0 else {
        continue
      }
      for node in index...last {
        let record = model.node(node)
        for position in 0..<record.inputCount {
          guard let input = model.operand(record.firstOperand + position), words[input] > 0,
            !model.isBanded(input), model.overlap(input, output)
          else { continue }
          words[input] = 0
          isChanged = true
        }
      }
    }
    return isChanged
  }

  /// Inputs that lie in the output, as those of a concatenation may, and what is added in its place: half as far from its start.
  private func moveTogether(
    _ session: SessionState, _ index: Int, _ words: UnsafeMutablePointer<UInt32>
  ) {
    let model = session.model
    let record = model.node(index)
    guard let output = model.output(index), words[output] > 0 else { return }
    let size = model.tensor(output, arena: nil).size
    let start = model.offset(ofTensor: output)
    let rounded = session.roundedOperands(index)
    for position in 0..<record.inputCount where rounded.links(position) {
      guard let input = model.operand(record.firstOperand + position) else { continue }
      let offset = model.offset(ofTensor: input)
      if offset >= start, offset < start + size {
        words[input] = words[output] + UInt32(truncatingIfNeeded: (offset - start) / 2)
      }
    }
  }
}

extension ModelReader {
  /// The tensor that node `index` writes, if it writes one.
  fileprivate func output(_ index: Int) -> Int? {
    let record = node(index)
    return record.outputCount == 1 ? operand(record.firstOperand + record.inputCount) : nil
  }

  /// Whether two activations have bytes of the arena in common.
  fileprivate func overlap(_ a: Int, _ b: Int) -> Bool {
    let (first, second) = (offset(ofTensor: a), offset(ofTensor: b))
    return first < second + tensor(b, arena: nil).size
      && second < first + tensor(a, arena: nil).size
  }
}

extension SessionState {
  fileprivate func roundedOperands(_ index: Int) -> RoundedOperands {
    guard let run = operators[index].pointee.run else { return RoundedOperands() }
    let code = model.node(index).code
    return withNode(index, prepares: true) {
      // Operators of the program's own may have any code.
      if code == Conv2D.code, isSame(run, conv2DRun) {
        operation(Conv2D.self, $0).roundedOperands(Node($0))
      } else if code == DepthwiseConv2D.code, isSame(run, depthwiseConv2DRun) {
        operation(DepthwiseConv2D.self, $0).roundedOperands(Node($0))
      } else if code == Binary.code, isSame(run, binaryRun) {
        operation(Binary.self, $0).roundedOperands(Node($0))
      } else if code == Pool.code, isSame(run, poolRun) {
        operation(Pool.self, $0).roundedOperands(Node($0))
      } else if code == GlobalPool.code, isSame(run, globalPoolRun) {
        RoundedOperands(inputs: 1)
      } else if code == Concat.code, isSame(run, concatRun) {
        .all
      } else {
        RoundedOperands()
      }
    }
  }
}

private typealias Run =
  @convention(c) (UnsafePointer<zoo_node>?, UnsafeMutablePointer<zoo_error>?) -> zoo_status

private func isSame(_ a: Run, _ b: Run) -> Bool {
  unsafeBitCast(a, to: UInt.self) == unsafeBitCast(b, to: UInt.self)
}
#endif
