// The weights of a file: where each lies, and their bytes in pieces.
import CZoo
import Zoo

/// What a .zoo file has after its structure, described before it is written.
struct WeightSection {
  enum Content {
    /// A constant of the graph, in the order of a layout.
    case constant(ValueID, zoo_layout)
    case bytes([UInt8])
  }

  private var contents: [(content: Content, offset: Int)] = []
  private(set) var byteCount = 0

  /// Adds what begins at the next multiple of the alignment; returns its offset.
  mutating func add(_ content: Content, byteCount count: Int) -> Int {
    let alignment = ModelFormat.alignment
    let offset = (byteCount + alignment - 1) / alignment * alignment
    contents.append((content, offset))
    byteCount = offset + count
    return offset
  }

  /// All bytes from first to last, gaps as zeros.
  func forEachPiece(
    _ graph: Graph, _ body: (UnsafeRawBufferPointer) throws(CompileError) -> Void
  ) throws(CompileError) {
    var end = 0
    for (content, offset) in contents {
      try [UInt8](repeating: 0, count: offset - end).withRawBytes(body)
      switch content {
      case .bytes(let bytes):
        try bytes.withRawBytes(body)
        end = offset + bytes.count
      case .constant(let id, let layout):
        guard let constant = graph[id].constant else { continue }
        let (shape, width) = (graph[id].shape, constant.type.byteWidth)
        try constant.withBytes { raw throws(CompileError) in
          switch layout {
          case ZOO_LAYOUT_PANELS16: try forEachPanel(raw, shape, width: width, body)
          case ZOO_LAYOUT_QUADS16: try forEachQuadPanel(raw, shape, body)
          case ZOO_LAYOUT_PAIRS16: try forEachPairPanel(raw, shape, body)
          default: try body(raw)
          }
        }
        end = offset + constant.byteCount
      }
    }
  }
}

extension Array where Element == UInt8 {
  /// As `withUnsafeBytes`, which does not keep the type of the error.
  func withRawBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws(CompileError) -> Result
  ) throws(CompileError) -> Result {
    try withUnsafeBytes { raw in
      Swift.Result { () throws(CompileError) in try body(raw) }
    }.get()
  }
}
