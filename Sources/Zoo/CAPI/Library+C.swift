// swift-format-ignore-file: AlwaysUseLowerCamelCase

// Version, status texts and instruction sets.
public import CZoo
import CZooKernels

/// The zero-terminated bytes of a literal.
private func text(_ literal: StaticString) -> UnsafePointer<CChar> {
  UnsafeRawPointer(literal.utf8Start).assumingMemoryBound(to: CChar.self)
}

@c @implementation
public func zoo_version() -> UnsafePointer<CChar>? { text("0.1.0") }

@c @implementation
public func zoo_status_string(_ status: zoo_status) -> UnsafePointer<CChar>? {
  switch status {
  case ZOO_OK: text("success")
  case ZOO_INVALID_ARGUMENT: text("invalid argument")
  case ZOO_ARENA_TOO_SMALL: text("arena too small")
  case ZOO_MISALIGNED: text("memory is not aligned")
  case ZOO_OUT_OF_MEMORY: text("out of memory")
  case ZOO_NOT_A_MODEL: text("not a .zoo model")
  case ZOO_MODEL_VERSION: text("model format version not supported")
  case ZOO_MODEL_TRUNCATED: text("model truncated")
  case ZOO_MODEL_CORRUPT: text("model corrupt")
  case ZOO_CHECKSUM_MISMATCH: text("model damaged: checksum mismatch")
  case ZOO_UNSUPPORTED_OPERATOR: text("operator not supported")
  case ZOO_INVALID_SHAPE: text("shapes do not fit")
  case ZOO_UNSUPPORTED_TYPE: text("element type not supported")
  case ZOO_INVALID_ATTRIBUTE: text("attribute out of range")
  case ZOO_OPERATOR_FAILED: text("operator failed")
  case ZOO_ISA_UNAVAILABLE: text("instruction set not available")
  case ZOO_FILE_NOT_FOUND: text("file not found")
  case ZOO_FILE_UNREADABLE: text("file cannot be read")
  case ZOO_IMAGE_FORMAT: text("not a PNG or JPEG image of a supported kind")
  case ZOO_IMAGE_CORRUPT: text("image damaged or truncated")
  case ZOO_IMAGE_TOO_LARGE: text("image has more pixels than allowed")
  default: text("unknown status")
  }
}

@c @implementation
public func zoo_isa_name(_ isa: zoo_isa) -> UnsafePointer<CChar>? {
  switch isa {
  case ZOO_ISA_AUTO: text("auto")
  case ZOO_ISA_SCALAR: text("scalar")
  case ZOO_ISA_AVX2: text("avx2")
  case ZOO_ISA_AVX512: text("avx512")
  case ZOO_ISA_AVX512VNNI: text("avx512vnni")
  case ZOO_ISA_AVX512BF16: text("avx512bf16")
  case ZOO_ISA_AMX: text("amx")
  case ZOO_ISA_NEON: text("neon")
  case ZOO_ISA_NEONDOT: text("neondot")
  default: text("unknown")
  }
}

@c @implementation
public func zoo_isa_available(_ isa: zoo_isa) -> Int32 {
  isa == ZOO_ISA_AUTO || zoo_kernels_supported(isa.rawValue) ? 1 : 0
}
