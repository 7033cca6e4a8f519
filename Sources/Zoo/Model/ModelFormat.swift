// Where everything is in a .zoo file: the numbers of zoo/FORMAT.md, and nothing else.

/// Offsets and sizes, in bytes, of the .zoo format, version 1.
package enum ModelFormat {
  /// 0x89 "ZOO" CR LF 0x1A LF: not text, and damaged by any transfer that takes it for text.
  package static let magic: UInt64 = 0x0A1A_0A0D_4F4F_5A89
  package static let majorVersion: UInt16 = 1
  package static let minorVersion: UInt16 = 0
  /// The model, the weights and large tensors of the arena start at multiples of this.
  package static let alignment = 64
  /// What a loader must provide at the least.
  package static let minimumAlignment = 16
  /// Stands for an absent optional operand.
  package static let absent: UInt32 = UInt32.max

  package enum Header {
    package static let majorVersion = 8  // u16
    package static let minorVersion = 10  // u16
    package static let structureChecksum = 12  // u32: XXH32 of bytes 16 ..< weightsOffset
    package static let fileByteCount = 16  // u64
    package static let weightsOffset = 24  // u64, weights run to the end of the file
    package static let weightsChecksum = 32  // u32: see Flag.laneSums
    package static let flags = 36  // u32, Flag
    package static let planByteCount = 40  // u64: planned region of the arena
    package static let planLowerBound = 48  // u64: most bytes alive at one step
    package static let tensors = 56  // u32 offset, u32 count
    package static let nodes = 64
    package static let operands = 72
    package static let attributes = 80  // u32 offset, u32 byte count
    package static let inputs = 88  // u32 offset, u32 count, of u32 tensor indices
    package static let outputs = 96
    package static let strings = 104  // u32 offset, u32 byte count
    package static let labels = 112  // u32 offset, u32 count, of u32 string offsets
    package static let metadata = 120  // u32 offset, u32 count, of pairs of u32 string offsets
    package static let quantizations = 128  // u32 offset, u32 count
    package static let preprocessing = 136  // u32 offset or 0, u32 byte count
    package static let byteCount = 144
  }

  package enum Flag {
    /// Output 0 holds probabilities already; otherwise logits.
    package static let outputsProbabilities: UInt32 = 1
    /// Class 0 is "none of these": it is not offered as a prediction.
    package static let backgroundClass: UInt32 = 2
    /// The checksum of the weights is `LaneSums`; otherwise XXH32, as in files of before there was this flag.
    package static let laneSums: UInt32 = 4
    package static let all: UInt32 = 7
  }

  package enum Tensor {
    package static let name = 0  // u32 string offset
    package static let type = 4  // u8, zoo_type
    package static let rank = 5  // u8, 0 ... 6
    package static let storage = 6  // u8, Storage
    package static let layout = 7  // u8, zoo_layout
    package static let shape = 8  // i32[6], unused ones 1
    package static let rowStride = 32  // i32, elements
    package static let quantization = 36  // u32: index + 1, or 0
    package static let offset = 40  // u64 into the planned region or the weights
    package static let byteCount = 48  // u64
    package static let byteStride = 56
  }

  package enum Storage {
    package static let arena: UInt8 = 0
    package static let weights: UInt8 = 1
    /// In the arena, some rows at a time: between nodes that run in bands.
    package static let bands: UInt8 = 2
  }

  package enum Node {
    package static let name = 0  // u32 string offset
    package static let customName = 4  // u32 string offset; used if code is 0
    package static let code = 8  // u16
    package static let inputCount = 10  // u16
    package static let outputCount = 12  // u16
    package static let bandNodes = 14  // u16: how many nodes after it run with it
    package static let firstOperand = 16  // u32 into operands: inputs, then outputs
    package static let attributesOffset = 20  // u32 into attributes
    package static let attributesByteCount = 24  // u32
    package static let bandRows = 28  // u32: rows of the last of them that one band has
    package static let scratchOffset = 32  // u64 into the planned region
    package static let scratchByteCount = 40  // u64
    package static let byteStride = 48
  }

  package enum Quantization {
    package static let scaleCount = 0  // u32
    package static let axis = 4  // u32
    package static let scales = 8  // u64 into the weights: f32[scaleCount]
    package static let zeroPoints = 16  // u64 into the weights: i32[scaleCount]
    package static let byteStride = 24
  }
}
