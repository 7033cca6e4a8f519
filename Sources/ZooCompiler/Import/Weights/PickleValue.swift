// What a pickle of weights may hold.

/// A value in a pickle. Lists, tuples and dictionaries live in the pickle's table of objects and are named by their
/// number there, because pickles share them and may nest them without end.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  /// An integer of more than 64 bits: little-endian bytes, two's complement.
  case longInteger([UInt8])
  case float(Double)
  case text(String)
  case bytes([UInt8])
  case object(Int)
  case tensor(Int)
  case storage(Int)
  case global(PickleGlobal)

  var integer: Int? {
    if case .integer(let value) = self { value } else { nil }
  }

  var text: String? {
    if case .text(let value) = self { value } else { nil }
  }

  /// The kind of value, for messages.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a boolean"
    case .integer, .longInteger: "an integer"
    case .float: "a number"
    case .text: "a text"
    case .bytes: "bytes"
    case .object: "a collection"
    case .tensor: "a tensor"
    case .storage: "a storage"
    case .global(let global): global.name
    }
  }
}

/// A collection in a pickle.
struct PickleObject {
  enum Kind {
    case list
    case tuple
    case dictionary
    /// A module of a TorchScript archive: its attributes.
    case module
  }

  let kind: Kind
  /// Elements, or keys and values in turns.
  var values: [PickleValue] = []
}

/// The elements that tensors are views of, stored outside the pickle.
struct PickleStorage {
  let key: String
  let type: TensorElement
  /// Elements.
  let count: Int
}

/// A strided view of a storage; offset and strides count elements.
struct PickleTensor {
  let storage: Int
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}

/// The names that weight files use. They are never looked up, only recognised; there are no others.
struct PickleGlobal {
  enum Meaning {
    case orderedDictionary
    /// `torch._utils._rebuild_tensor` with `argumentCount` 4, `_rebuild_tensor_v2` with 6 or more.
    case rebuildTensor
    /// A function whose result is its first argument for us.
    case firstArgument
    case storage(TensorElement)
    case scriptModule
  }

  let name: String
  let meaning: Meaning

  /// - Throws: `CompileError` that names everything it does not know.
  init(module: String, name: String) throws(CompileError) {
    self.name = module + "." + name
    switch (module, name) {
    case ("collections", "OrderedDict"): meaning = .orderedDictionary
    case ("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2"):
      meaning = .rebuildTensor
    case ("torch._utils", "_rebuild_parameter"), ("torch", "Size"),
      ("torch.jit._pickle", "build_intlist"), ("torch.jit._pickle", "build_doublelist"),
      ("torch.jit._pickle", "build_boollist"), ("torch.jit._pickle", "build_tensorlist"),
      ("torch.jit._pickle", "restore_type_tag"):
      meaning = .firstArgument
    case ("torch", _) where PickleGlobal.storageTypes[name] != nil:
      meaning = .storage(PickleGlobal.storageTypes[name] ?? .f32)
    case ("__torch__", _),
      (_, _) where module.hasPrefix("__torch__."):
      meaning = .scriptModule
    default: throw PickleGlobal.refusal(self.name)
    }
  }

  static func refusal(_ what: String) -> CompileError {
    CompileError(
      "refuses \(what): a weight file may hold only tensors, dictionaries, lists, tuples, numbers and texts; "
        + "save model.state_dict() instead of the model")
  }

  private static let storageTypes: [String: TensorElement] = [
    "DoubleStorage": .f64, "FloatStorage": .f32, "HalfStorage": .f16, "BFloat16Storage": .bf16,
    "LongStorage": .i64, "IntStorage": .i32, "ShortStorage": .i16, "CharStorage": .i8,
    "ByteStorage": .u8, "BoolStorage": .bool,
  ]
}
