// The microkernels as a list that can be asked.
import CZooKernels

/// One variant of one family, as the lists of `CZooKernels` publish it.
package struct Microkernel: Sendable {
  /// "f32_igemm".
  package let family: String
  /// "zoo_f32_igemm_ukernel_8x32__avx512".
  package let name: String
  package let isa: UInt32
  /// Rows of its tile, or of a usual call if it has a workspace; 0 where the family has no tile.
  package let rows: Int
  /// Bytes that it works in beside its operands.
  package let workspaceByteCount: Int
  /// To be cast to the family's type.
  package let function: @convention(c) () -> Void

  /// "avx512".
  package var isaName: String { Microkernel.name(ofISA: isa) }

  /// All variants, each family's best last.
  package static let all: [Microkernel] = {
    var count = 0
    guard let list = zoo_ukernel_list(&count) else { return [] }
    return (0..<count).compactMap { index in
      let entry = list[index]
      guard let function = entry.function else { return nil }
      let hasWorkspace = entry.isa == UInt32(ZOO_KERNELS_AMX) && entry.mr > 0
      return Microkernel(
        family: String(cString: entry.family), name: String(cString: entry.name), isa: entry.isa,
        rows: hasWorkspace ? 256 : Int(entry.mr),
        workspaceByteCount: hasWorkspace ? Int(ZOO_TILE_WORKSPACE) : 0, function: function)
    }
  }()

  /// What a session on `isa` runs: the best variant of at most that instruction set. Nil: portable Swift.
  package static func selected(family: String, isa: UInt32) -> Microkernel? {
    all.last { $0.family == family && $0.isa <= isa }
  }

  /// "avx512".
  package static func name(ofISA isa: UInt32) -> String {
    String(cString: zoo_kernels_for(isa).isa_name)
  }
}
