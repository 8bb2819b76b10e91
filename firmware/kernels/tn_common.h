/* What all kernels share: storage classes and TensorFlow Lite's fixed-point arithmetic (gemmlowp's definitions). */
#ifndef TN_COMMON_H
#define TN_COMMON_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef TN_SPECIALISE
#define TN_KERNEL static inline __attribute__((always_inline, unused))
#else
#define TN_KERNEL static __attribute__((noinline, unused))
#endif
/* What fast paths leave to the general arithmetic: one copy is enough. */
#define TN_RARE static __attribute__((noinline, unused))
#define TN_INLINE static inline __attribute__((always_inline, unused))

/* Sums wrap like the machine's, so that both forms agree on every input and none is undefined. */
TN_INLINE int32_t tn_plus(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }

TN_INLINE int32_t tn_shift_left(int32_t x, int32_t bits) { return (int32_t)((uint32_t)x << bits); }

/* round(a b / 2^31), halves up, saturated: SaturatingRoundingDoublingHighMul. */
TN_INLINE int32_t tn_high_multiply(int32_t a, int32_t b) {
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* round(x / 2^bits), halves away from zero, 0 <= bits <= 31: RoundingDivideByPOT. */
TN_INLINE int32_t tn_round_shift(int32_t x, int32_t bits) {
    const uint32_t mask = ((uint32_t)1 << bits) - 1u;
    const uint32_t half = (mask >> 1) + (x < 0 ? 1u : 0u);
    return (x >> bits) + (((uint32_t)x & mask) > half ? 1 : 0);
}

/* x multiplier 2^(shift - 31), rounded twice: MultiplyByQuantizedMultiplier. */
TN_INLINE int32_t tn_scale(int32_t x, int32_t multiplier, int32_t shift) {
    const int32_t left = shift > 0 ? shift : 0;
    return tn_round_shift(tn_high_multiply(tn_shift_left(x, left), multiplier), left - shift);
}

TN_INLINE int8_t tn_clamp(int32_t x, int32_t low, int32_t high) {
    return (int8_t)(x < low ? low : x > high ? high : x);
}

#endif
