// A restricted unpickler: it makes data only, and nothing is ever looked up or called.

/// The machine that a pickle is a program for.
///
/// Source: https://github.com/python/cpython/blob/main/Lib/pickletools.py (opcodes of protocols 0 to 4).
struct Unpickler {
  private var pickle = Pickle()
  private var reader: ByteReader
  private var stack: [PickleValue] = []
  /// Heights of the stack at each open mark.
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]

  /// The longest pickle that is read, in bytes. Tensors are outside: this is for their names and shapes.
  static let maximumByteCount = 64 << 20

  /// Reads the pickle that starts at `start`.
  ///
  /// - Throws: `CompileError` for anything but data, and for damage.
  static func read(
    _ bytes: UnsafeRawBufferPointer, at start: Int = 0
  ) throws(CompileError) -> Pickle {
    var machine = Unpickler(reader: ByteReader(bytes, at: start))
    do throws(CompileError) {
      while try machine.step() {
        guard machine.reader.position - start <= maximumByteCount else {
          throw CompileError("longer than \(maximumByteCount) bytes")
        }
      }
    } catch {
      throw CompileError("pickle, byte \(machine.reader.position - start): \(error)")
    }
    machine.pickle.end = machine.reader.position
    return machine.pickle
  }

  private init(reader: ByteReader) { self.reader = reader }

  // MARK: Opcodes

  /// Carries out one opcode; false at the end.
  private mutating func step() throws(CompileError) -> Bool {
    let opcode = try reader.read(UInt8.self)
    switch Unicode.Scalar(opcode) {
    case "\u{80}":  // PROTO
      let version = try reader.read(UInt8.self)
      guard version <= 5 else { throw CompileError("protocol \(version), expected at most 5") }
    case "\u{95}": _ = try reader.take(8)  // FRAME: a hint about buffering
    case ".":
      pickle.root = try pop()
      guard stack.isEmpty, marks.isEmpty else { throw CompileError("ends with values left over") }
      return false
    case "(": marks.append(stack.count)
    case "0": _ = try pop()
    case "1": _ = try popToMark()
    case "2":
      let top = try pop()
      stack += [top, top]
    case "c": stack.append(.global(try readGlobal()))
    case "\u{93}":  // STACK_GLOBAL
      guard let name = try pop().text, let module = try pop().text else {
        throw CompileError("a name must be text")
      }
      stack.append(.global(try PickleGlobal(module: module, name: name)))
    case "R": try reduce()
    case "\u{81}": try makeObject()
    case "b": try build()
    case "Q": stack.append(try pickle.addStorage(try pop()))  // BINPERSID
    case "i": throw PickleGlobal.refusal(try readGlobal().name)
    default:
      if let value = try reader.readPickleScalar(opcode) {
        stack.append(value)
      } else if try !carryOutCollection(opcode), try !carryOutMemo(opcode) {
        throw PickleGlobal.refusal("opcode 0x" + String(opcode, radix: 16))
      }
    }
    return true
  }

  /// Lists, tuples and dictionaries; false if `opcode` is about something else.
  private mutating func carryOutCollection(_ opcode: UInt8) throws(CompileError) -> Bool {
    switch Unicode.Scalar(opcode) {
    case "]": try push(.list, [])
    case "}": try push(.dictionary, [])
    case ")": try push(.tuple, [])
    case "l": try push(.list, try popToMark())
    case "t": try push(.tuple, try popToMark())
    case "d": try push(.dictionary, try popPairs())
    case "\u{85}"..."\u{87}":  // TUPLE1 to TUPLE3
      let count = Int(opcode) - 0x84
      guard stack.count - (marks.last ?? 0) >= count else {
        throw CompileError("the stack is empty")
      }
      let values = Array(stack.suffix(count))
      stack.removeLast(count)
      try push(.tuple, values)
    case "a": try extend(.list, [try pop()])
    case "e": try extend(.list, try popToMark())
    case "s":
      let value = try pop()
      try extend(.dictionary, [try pop(), value])
    case "u": try extend(.dictionary, try popPairs())
    default: return false
    }
    return true
  }

  /// Values kept under numbers; false if `opcode` is about something else.
  private mutating func carryOutMemo(_ opcode: UInt8) throws(CompileError) -> Bool {
    let number: Int
    switch Unicode.Scalar(opcode) {
    case "q", "h": number = try reader.readCount(UInt8.self)
    case "r", "j": number = try reader.readCount(UInt32.self)
    case "p", "g": number = try reader.readDecimal()
    case "\u{94}": number = memo.count
    default: return false
    }
    switch Unicode.Scalar(opcode) {
    case "h", "j", "g":
      guard let value = memo[number] else { throw CompileError("memo \(number) is not set") }
      stack.append(value)
    default:
      guard let top = stack.last else { throw CompileError("the stack is empty") }
      memo[number] = top
    }
    return true
  }

  private mutating func readGlobal() throws(CompileError) -> PickleGlobal {
    let module = String(decoding: try reader.readLine(), as: UTF8.self)
    let name = String(decoding: try reader.readLine(), as: UTF8.self)
    return try PickleGlobal(module: module, name: name)
  }

  // MARK: Stack

  private mutating func pop() throws(CompileError) -> PickleValue {
    guard stack.count > marks.last ?? 0 else { throw CompileError("the stack is empty") }
    return stack.removeLast()
  }

  private mutating func popToMark() throws(CompileError) -> [PickleValue] {
    guard let height = marks.popLast() else { throw CompileError("no mark on the stack") }
    defer { stack.removeSubrange(height...) }
    return Array(stack[height...])
  }

  private mutating func popPairs() throws(CompileError) -> [PickleValue] {
    let values = try popToMark()
    guard values.count % 2 == 0 else { throw CompileError("a key without a value") }
    return values
  }

  private mutating func push(
    _ kind: PickleObject.Kind, _ values: [PickleValue]
  ) throws(CompileError) {
    stack.append(try pickle.addObject(kind, values))
  }

  /// Appends to the collection on top of the stack.
  private mutating func extend(
    _ kind: PickleObject.Kind, _ values: [PickleValue]
  ) throws(CompileError) {
    guard stack.count > marks.last ?? 0, case .object(let number)? = stack.last,
      pickle.objects[number].kind == kind
    else { throw CompileError("a \(kind) expected, got \(stack.last?.kind ?? "nothing")") }
    try pickle.extend(number, values)
  }

  // MARK: Objects

  /// REDUCE: stands for what a known function would return for its arguments.
  private mutating func reduce() throws(CompileError) {
    let arguments = try pop()
    guard case .global(let function) = try pop(), let values = pickle.elements(arguments) else {
      throw PickleGlobal.refusal("a call of something that is not a function")
    }
    switch function.meaning {
    case .orderedDictionary: try push(.dictionary, try pairs(values))
    case .rebuildTensor: stack.append(try pickle.addTensor(values))
    case .firstArgument:
      guard let first = values.first else { throw CompileError("\(function.name) of nothing") }
      stack.append(first)
    case .storage, .scriptModule: throw PickleGlobal.refusal("a call of \(function.name)")
    }
  }

  /// The arguments of OrderedDict: none, or a list of pairs.
  private func pairs(_ arguments: [PickleValue]) throws(CompileError) -> [PickleValue] {
    guard let list = arguments.first else { return [] }
    var result: [PickleValue] = []
    for pair in pickle.elements(list) ?? [.none] {
      guard let values = pickle.elements(pair), values.count == 2 else {
        throw CompileError("OrderedDict of something that is not a list of pairs")
      }
      result += values
    }
    return result
  }

  /// NEWOBJ: an empty module or dictionary.
  private mutating func makeObject() throws(CompileError) {
    _ = try pop()
    switch try pop() {
    case .global(let type):
      switch type.meaning {
      case .scriptModule: try push(.module, [])
      case .orderedDictionary: try push(.dictionary, [])
      default: throw PickleGlobal.refusal("an object of \(type.name)")
      }
    case let other: throw PickleGlobal.refusal("an object of \(other.kind)")
    }
  }

  /// BUILD: attributes of a module; those of a dictionary (`_metadata`) are not needed.
  private mutating func build() throws(CompileError) {
    let state = try pop()
    guard stack.count > marks.last ?? 0, case .object(let number)? = stack.last else {
      throw PickleGlobal.refusal("the state of \(stack.last?.kind ?? "nothing")")
    }
    switch pickle.objects[number].kind {
    case .dictionary: break
    case .module:
      guard case .object(let attributes) = state, pickle.objects[attributes].kind == .dictionary
      else {
        throw PickleGlobal.refusal("a module whose state is not a dictionary")
      }
      try pickle.extend(number, pickle.objects[attributes].values)
    case .list, .tuple: throw PickleGlobal.refusal("the state of a list")
    }
  }
}
