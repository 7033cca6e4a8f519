// Four floats at a time: NEON of AArch64, in the words the kernel bodies use.
#ifndef ZOO_SIMD_NEON_H
#define ZOO_SIMD_NEON_H
#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#define VL 4
typedef float32x4_t vf;
typedef size_t vmask; // a number of lanes: NEON has no masks for memory

#define INLINE static inline __attribute__((always_inline))

INLINE vf v_load(const float *p) { return vld1q_f32(p); }
INLINE void v_store(float *p, vf x) { vst1q_f32(p, x); }
INLINE vf v_set(float x) { return vdupq_n_f32(x); }
// p[0] in all lanes. A multiplication takes it as a lane of its operand, if the compiler does not know that it was loaded:
// else it loads it into all lanes, which costs many cores as much as a multiplication.
INLINE vf v_broadcast(const float *p) {
  float x = *p;
  __asm__("" : "+w"(x));
  return vdupq_n_f32(x);
}
INLINE vf v_add(vf a, vf b) { return vaddq_f32(a, b); }
INLINE vf v_sub(vf a, vf b) { return vsubq_f32(a, b); }
INLINE vf v_mul(vf a, vf b) { return vmulq_f32(a, b); }
INLINE vf v_div(vf a, vf b) { return vdivq_f32(a, b); }
INLINE vf v_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
// Of unordered operands, and of two zeros, the second, as on x86: FMIN and FMAX would make a NaN of either.
INLINE vf v_min(vf a, vf b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
INLINE vf v_max(vf a, vf b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
// min(max(x, lower), upper); a NaN stays one, being the second operand.
INLINE vf v_clamp(vf x, vf lower, vf upper) { return v_min(upper, v_max(lower, x)); }
INLINE vf v_round(vf a) { return vrndnq_f32(a); }
// x < 0 ? a : b, lane by lane; NaN takes b.
INLINE vf v_select_negative(vf x, vf a, vf b) { return vbslq_f32(vcltzq_f32(x), a, b); }
// x where it is NaN, else y.
INLINE vf v_keep_nan(vf x, vf y) { return vbslq_f32(vceqq_f32(x, x), y, x); }
// 2^k for integral k in -126...127.
INLINE vf v_exp2i(vf k) {
  return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(k), vdupq_n_s32(127)), 23));
}
INLINE vf v_sqrt(vf a) { return vsqrtq_f32(a); }
// lower < x < upper ? a : 0, lane by lane; NaN gives 0.
INLINE vf v_inside(vf x, vf lower, vf upper, vf a) {
  const uint32x4_t inside = vandq_u32(vcgtq_f32(x, lower), vcltq_f32(x, upper));
  return vreinterpretq_f32_u32(vandq_u32(inside, vreinterpretq_u32_f32(a)));
}
// The first n lanes, n in 0...4.
INLINE vmask v_mask(size_t n) { return n; }

// Four 32-bit integers: what bytes and 16-bit integers are widened to.
typedef int32x4_t vi;

INLINE vi i_set(int32_t x) { return vdupq_n_s32(x); }
INLINE vi i_load(const int32_t *p) { return vld1q_s32(p); }
// Lanes outside the mask read as 0 and touch no memory.
INLINE vi i_load_part(const int32_t *p, vmask n) {
  if (n >= 4)
    return vld1q_s32(p);
  const int32x2_t none = vdup_n_s32(0), pair = n >= 2 ? vld1_s32(p) : none;
  return n == 3   ? vcombine_s32(pair, vld1_lane_s32(p + 2, none, 0))
         : n == 1 ? vcombine_s32(vld1_lane_s32(p, none, 0), none)
                  : vcombine_s32(pair, none);
}
INLINE vf v_load_part(const float *p, vmask n) {
  return vreinterpretq_f32_s32(i_load_part((const int32_t *)(const void *)p, n));
}
INLINE void v_store_part(float *p, vmask n, vf x) {
  if (n >= 4)
    return vst1q_f32(p, x);
  if (n >= 2)
    vst1_f32(p, vget_low_f32(x));
  if (n == 1)
    vst1q_lane_f32(p, x, 0);
  if (n == 3)
    vst1q_lane_f32(p + 2, x, 2);
}

INLINE vi i_add(vi a, vi b) { return vaddq_s32(a, b); }
INLINE vi i_sub(vi a, vi b) { return vsubq_s32(a, b); }
INLINE vi i_mul(vi a, vi b) { return vmulq_s32(a, b); }
INLINE vi i_min(vi a, vi b) { return vminq_s32(a, b); }
INLINE vi i_max(vi a, vi b) { return vmaxq_s32(a, b); }
INLINE vf i_float(vi a) { return vcvtq_f32_s32(a); }
// Rounded to the nearest, ties to even.
INLINE vi v_int(vf a) { return vcvtnq_s32_f32(a); }

// The first n elements of a size, n in 1...4, as one word; the others read as 0.
INLINE uint64_t elements_at(const void *p, size_t n, const size_t size) {
  uint64_t word = 0;
  for (size_t k = 0; k < n; k++)
    __builtin_memcpy((char *)&word + k * size, (const char *)p + k * size, size);
  return word;
}
INLINE void put_elements(void *p, size_t n, const size_t size, uint64_t word) {
  for (size_t k = 0; k < n; k++)
    __builtin_memcpy((char *)p + k * size, (const char *)&word + k * size, size);
}

INLINE vi widened8(uint64_t bytes) { return vmovl_s16(vget_low_s16(vmovl_s8(vcreate_s8(bytes)))); }
INLINE vi i_load8(const int8_t *p) {
  uint32_t word;
  __builtin_memcpy(&word, p, 4);
  return widened8(word);
}
INLINE vi i_load8_part(const int8_t *p, size_t n) { return widened8(elements_at(p, n, 1)); }
// Lanes in -128...127 as bytes.
INLINE uint32_t narrowed8(vi x) {
  const int16x4_t words = vmovn_s32(x);
  return vget_lane_u32(vreinterpret_u32_s8(vmovn_s16(vcombine_s16(words, words))), 0);
}
INLINE void i_store8(int8_t *p, vi x) {
  const uint32_t word = narrowed8(x);
  __builtin_memcpy(p, &word, 4);
}
INLINE void i_store8_part(int8_t *p, size_t n, vi x) { put_elements(p, n, 1, narrowed8(x)); }
INLINE vi i_load16(const int16_t *p) { return vmovl_s16(vld1_s16(p)); }
INLINE vi i_load16_part(const int16_t *p, size_t n) { return vmovl_s16(vcreate_s16(elements_at(p, n, 2))); }
// Lanes in -32768...32767 as 16-bit integers.
INLINE void i_store16(int16_t *p, vi x) { vst1_s16(p, vmovn_s32(x)); }
INLINE void i_store16_part(int16_t *p, size_t n, vi x) {
  put_elements(p, n, 2, vget_lane_u64(vreinterpret_u64_s16(vmovn_s32(x)), 0));
}
// The upper 16 bits of each lane with their sign, and the lower 16 without one.
INLINE vi i_upper16(vi a) { return vshrq_n_s32(a, 16); }
INLINE vi i_lower16(vi a) { return vandq_s32(a, vdupq_n_s32(0xffff)); }
// 65536 upper + lower, rounded once: exact as a double.
INLINE float32x2_t wide_float(int32x2_t upper, int32x2_t lower) {
  return vcvt_f32_f64(vcvtq_f64_s64(vaddq_s64(vshll_n_s32(upper, 16), vmovl_s32(lower))));
}
INLINE vf i_wide_float(vi upper, vi lower) {
  return vcombine_f32(wide_float(vget_low_s32(upper), vget_low_s32(lower)),
                      wide_float(vget_high_s32(upper), vget_high_s32(lower)));
}

// Four numbers of bf16, exactly; of the part only the first n are read.
INLINE vf v_bf16(uint16x4_t x) { return vreinterpretq_f32_u32(vshll_n_u16(x, 16)); }
INLINE vf v_load_bf16(const uint16_t *p) { return v_bf16(vld1_u16(p)); }
INLINE vf v_load_bf16_part(const uint16_t *p, vmask m, size_t n) {
  (void)m;
  return v_bf16(vcreate_u16(elements_at(p, n, 2)));
}
// Of pairs of bf16, the first numbers or the second ones.
INLINE vf v_half(vi pairs, int second) {
  return vreinterpretq_f32_s32(second ? vandq_s32(pairs, vdupq_n_s32((int32_t)0xffff0000)) : vshlq_n_s32(pairs, 16));
}
#endif
