// From the lists of variants to one constant table per instruction set.
#include <zoo_kernels.h>

#if ZOO_X86_64 || ZOO_AARCH64
#ifdef __ELF__
__attribute__((section(".bss.zoo_f32_zero_row"))) // zeros that take no room in the file
#endif
__attribute__((aligned(64))) // whole lines of the cache (tiles/rows.h)
const float zoo_f32_zero_row[ZOO_ZERO_ROW_COUNT];
#endif

#define ROW(isa, ISA, function, mr, nr) void function(size_t, size_t, const zoo_f32_igemm_params *);
#include <f32_igemm/f32_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, size_t, const zoo_f32_igemm_params *);
#include <i8w_igemm/i8w_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, size_t, const zoo_f32_igemm_params *);
#include <f16w_igemm/f16w_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, size_t, const zoo_f32_igemm_params *);
#include <bf16w_igemm/bf16w_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, size_t, const zoo_f32_igemm_params *);
#include <bf16_igemm/bf16_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_bf16_pack_params *);
#include <bf16_igemm/bf16_pack.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_f32_lines_params *);
#include <f32_lines/f32_lines.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_f32_winograd_params *);
#include <f32_winograd/f32_winograd.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_f32_winograd_params *);
#include <bf16_winograd/bf16_winograd.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_f32_dwconv_params *);
#include <f32_dwconv/f32_dwconv.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_f32_dwconv_params *);
#include <bf16_dwconv/bf16_dwconv.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(const zoo_f32_dwplane_params *);
#include <f32_dwplane/f32_dwplane.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(const zoo_f32_dwplane_params *);
#include <bf16_dwplane/bf16_dwplane.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_f32_pool_params *);
#include <f32_pool/f32_pool.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_f32_pool_params *);
#include <bf16_pool/bf16_pool.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_f32_binary_params *);
#include <f32_binary/f32_binary.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_f32_binary_params *);
#include <bf16_binary/bf16_binary.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_f32_unary_params *);
#include <f32_unary/f32_unary.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, size_t, const zoo_integer_igemm_params *);
#include <i8_igemm/i8_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, size_t, const zoo_i8_lines_params *);
#include <i8_lines/i8_lines.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_i8_winograd_params *);
#include <i8_winograd/i8_winograd.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, size_t, const zoo_integer_igemm_params *);
#include <i16_igemm/i16_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_integer_dwconv_params *);
#include <i8_dwconv/i8_dwconv.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(const zoo_i8_dwplane_params *);
#include <i8_dwplane/i8_dwplane.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_integer_dwconv_params *);
#include <i16_dwconv/i16_dwconv.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_integer_pool_params *);
#include <i8_pool/i8_pool.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_integer_pool_params *);
#include <i16_pool/i16_pool.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_integer_binary_params *);
#include <i8_binary/i8_binary.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_integer_binary_params *);
#include <i16_binary/i16_binary.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_integer_quantize_params *);
#include <i8_quantize/i8_quantize.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const zoo_integer_quantize_params *);
#include <i16_quantize/i16_quantize.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) void function(size_t, const int8_t *, const int8_t *, int8_t *);
#include <i8_lookup/i8_lookup.inc>
#undef ROW

#define WORKSPACE(ISA) (ZOO_KERNELS_##ISA == ZOO_KERNELS_AMX ? ZOO_TILE_WORKSPACE : 0)

// The best row of a list whose ISA is at most `limit`: later rows overwrite earlier ones.
static zoo_kernels choose(uint32_t limit, const char *name) {
  zoo_kernels k = {.isa = limit, .isa_name = name};
  k.has_wide_fma = limit >= ZOO_KERNELS_AVX512 && zoo_has_wide_fma();
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.f32_igemm = (zoo_f32_igemm_kernel){function, rows, columns, 0};
#include <f32_igemm/f32_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.i8w_igemm = (zoo_f32_igemm_kernel){function, rows, columns, 0};
#include <i8w_igemm/i8w_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.f16w_igemm = (zoo_f32_igemm_kernel){function, rows, columns, 0};
#include <f16w_igemm/f16w_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.bf16w_igemm = (zoo_f32_igemm_kernel){function, rows, columns, 0};
#include <bf16w_igemm/bf16w_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.bf16_igemm = (zoo_f32_igemm_kernel){function, rows, columns, WORKSPACE(ISA)};
#include <bf16_igemm/bf16_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.bf16_pack = function;
#include <bf16_igemm/bf16_pack.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.f32_lines = function;
#include <f32_lines/f32_lines.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.f32_winograd = function;
#include <f32_winograd/f32_winograd.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.bf16_winograd = function;
#include <bf16_winograd/bf16_winograd.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.f32_dwconv = function;
#include <f32_dwconv/f32_dwconv.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.bf16_dwconv = function;
#include <bf16_dwconv/bf16_dwconv.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.f32_dwplane = function;
#include <f32_dwplane/f32_dwplane.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.bf16_dwplane = function;
#include <bf16_dwplane/bf16_dwplane.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.f32_pool = function;
#include <f32_pool/f32_pool.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.bf16_pool = function;
#include <bf16_pool/bf16_pool.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.f32_binary = function;
#include <f32_binary/f32_binary.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.bf16_binary = function;
#include <bf16_binary/bf16_binary.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.f32_unary = function;
#include <f32_unary/f32_unary.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.i8_igemm = (zoo_integer_igemm_kernel){function, rows, columns, WORKSPACE(ISA)};
#include <i8_igemm/i8_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.i8_lines = function;
#include <i8_lines/i8_lines.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.i8_winograd = function;
#include <i8_winograd/i8_winograd.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.i16_igemm = (zoo_integer_igemm_kernel){function, rows, columns, WORKSPACE(ISA)};
#include <i16_igemm/i16_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.i8_dwconv = function;
#include <i8_dwconv/i8_dwconv.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.i8_dwplane = function;
#include <i8_dwplane/i8_dwplane.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.i16_dwconv = function;
#include <i16_dwconv/i16_dwconv.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.i8_pool = function;
#include <i8_pool/i8_pool.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.i16_pool = function;
#include <i16_pool/i16_pool.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.i8_binary = function;
#include <i8_binary/i8_binary.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.i16_binary = function;
#include <i16_binary/i16_binary.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.i8_quantize = function;
#include <i8_quantize/i8_quantize.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.i16_quantize = function;
#include <i16_quantize/i16_quantize.inc>
#undef ROW
#define ROW(isa, ISA, function, rows, columns) \
  if (ZOO_KERNELS_##ISA <= limit)              \
    k.i8_lookup = function;
#include <i8_lookup/i8_lookup.inc>
#undef ROW
  return k;
}

zoo_kernels zoo_kernels_for(uint32_t isa) {
  switch (isa) {
  case ZOO_KERNELS_AVX2:
    return choose(ZOO_KERNELS_AVX2, "avx2");
  case ZOO_KERNELS_AVX512:
    return choose(ZOO_KERNELS_AVX512, "avx512");
  case ZOO_KERNELS_AVX512VNNI:
    return choose(ZOO_KERNELS_AVX512VNNI, "avx512vnni");
  case ZOO_KERNELS_AVX512BF16:
    return choose(ZOO_KERNELS_AVX512BF16, "avx512bf16");
  case ZOO_KERNELS_AMX:
    return choose(ZOO_KERNELS_AMX, "amx");
#if ZOO_AARCH64
  case ZOO_KERNELS_NEON:
    return choose(ZOO_KERNELS_NEON, "neon");
  case ZOO_KERNELS_NEONDOT:
    return choose(ZOO_KERNELS_NEONDOT, "neondot");
#endif
  default:
    return choose(ZOO_KERNELS_SCALAR, "scalar");
  }
}

#define ENTRY(family, isa, function, mr, nr) {#family, #function, isa, mr, nr, (void (*)(void))function},
static const zoo_ukernel list[] = {
#define ROW(isa, ISA, function, mr, nr) ENTRY(f32_igemm, ZOO_KERNELS_##ISA, function, mr, nr)
#include <f32_igemm/f32_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(i8w_igemm, ZOO_KERNELS_##ISA, function, mr, nr)
#include <i8w_igemm/i8w_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(f16w_igemm, ZOO_KERNELS_##ISA, function, mr, nr)
#include <f16w_igemm/f16w_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(bf16w_igemm, ZOO_KERNELS_##ISA, function, mr, nr)
#include <bf16w_igemm/bf16w_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(bf16_igemm, ZOO_KERNELS_##ISA, function, mr, nr)
#include <bf16_igemm/bf16_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(bf16_pack, ZOO_KERNELS_##ISA, function, mr, nr)
#include <bf16_igemm/bf16_pack.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(f32_lines, ZOO_KERNELS_##ISA, function, mr, nr)
#include <f32_lines/f32_lines.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(f32_winograd, ZOO_KERNELS_##ISA, function, mr, nr)
#include <f32_winograd/f32_winograd.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(bf16_winograd, ZOO_KERNELS_##ISA, function, mr, nr)
#include <bf16_winograd/bf16_winograd.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(f32_dwconv, ZOO_KERNELS_##ISA, function, mr, nr)
#include <f32_dwconv/f32_dwconv.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(bf16_dwconv, ZOO_KERNELS_##ISA, function, mr, nr)
#include <bf16_dwconv/bf16_dwconv.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(f32_dwplane, ZOO_KERNELS_##ISA, function, mr, nr)
#include <f32_dwplane/f32_dwplane.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(bf16_dwplane, ZOO_KERNELS_##ISA, function, mr, nr)
#include <bf16_dwplane/bf16_dwplane.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(f32_pool, ZOO_KERNELS_##ISA, function, mr, nr)
#include <f32_pool/f32_pool.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(bf16_pool, ZOO_KERNELS_##ISA, function, mr, nr)
#include <bf16_pool/bf16_pool.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(f32_binary, ZOO_KERNELS_##ISA, function, mr, nr)
#include <f32_binary/f32_binary.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(bf16_binary, ZOO_KERNELS_##ISA, function, mr, nr)
#include <bf16_binary/bf16_binary.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(f32_unary, ZOO_KERNELS_##ISA, function, mr, nr)
#include <f32_unary/f32_unary.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(i8_igemm, ZOO_KERNELS_##ISA, function, mr, nr)
#include <i8_igemm/i8_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(i8_lines, ZOO_KERNELS_##ISA, function, mr, nr)
#include <i8_lines/i8_lines.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(i8_winograd, ZOO_KERNELS_##ISA, function, mr, nr)
#include <i8_winograd/i8_winograd.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(i16_igemm, ZOO_KERNELS_##ISA, function, mr, nr)
#include <i16_igemm/i16_igemm.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(i8_dwconv, ZOO_KERNELS_##ISA, function, mr, nr)
#include <i8_dwconv/i8_dwconv.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(i8_dwplane, ZOO_KERNELS_##ISA, function, mr, nr)
#include <i8_dwplane/i8_dwplane.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(i16_dwconv, ZOO_KERNELS_##ISA, function, mr, nr)
#include <i16_dwconv/i16_dwconv.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(i8_pool, ZOO_KERNELS_##ISA, function, mr, nr)
#include <i8_pool/i8_pool.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(i16_pool, ZOO_KERNELS_##ISA, function, mr, nr)
#include <i16_pool/i16_pool.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(i8_binary, ZOO_KERNELS_##ISA, function, mr, nr)
#include <i8_binary/i8_binary.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(i16_binary, ZOO_KERNELS_##ISA, function, mr, nr)
#include <i16_binary/i16_binary.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(i8_quantize, ZOO_KERNELS_##ISA, function, mr, nr)
#include <i8_quantize/i8_quantize.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(i16_quantize, ZOO_KERNELS_##ISA, function, mr, nr)
#include <i16_quantize/i16_quantize.inc>
#undef ROW
#define ROW(isa, ISA, function, mr, nr) ENTRY(i8_lookup, ZOO_KERNELS_##ISA, function, mr, nr)
#include <i8_lookup/i8_lookup.inc>
#undef ROW
    {NULL, NULL, 0, 0, 0, NULL},
};

const zoo_ukernel *zoo_ukernel_list(size_t *count) {
  *count = sizeof list / sizeof list[0] - 1;
  return list;
}
