/* Instructions of Arm's DSP extension that C has no operator for, and memory in words. */
#ifndef TN_DSP_H
#define TN_DSP_H

#include "tn_common.h"

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_ARCH_PROFILE) && !defined(__ARM_BIG_ENDIAN)
#if __ARM_FEATURE_DSP && __ARM_ARCH_PROFILE == 'M'
#define TN_DSP 1
#endif
#endif
#ifndef TN_DSP
#define TN_DSP 0
#endif

#if TN_DSP

/* A function that is assembly from its first instruction to its last. The compiler sees no use of the parameters and no
 * clobbered register, so it must not draw conclusions from the body. */
#if defined(__clang__)
#define TN_NAKED __attribute__((naked, noinline, unused)) static
#else
#define TN_NAKED __attribute__((naked, noipa, unused)) static
#endif
#define TN_UNUSED __attribute__((unused))

typedef uint32_t __attribute__((may_alias)) tn_word; /* int16 pairs in memory aligned to 4 */

TN_INLINE uint32_t tn_load(const int8_t *x) {
    uint32_t word;
    memcpy(&word, x, sizeof word); /* x may be unaligned: the compiler makes one LDR of it */
    return word;
}

TN_INLINE void tn_store(int16_t *x, uint32_t word) { memcpy(x, &word, sizeof word); }

/* Bytes 0 and 2, extended to 16 bits. */
TN_INLINE uint32_t tn_even_bytes(uint32_t word) {
    uint32_t pair;
    __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(word));
    return pair;
}

/* Bytes 1 and 3, extended to 16 bits. */
TN_INLINE uint32_t tn_odd_bytes(uint32_t word) {
    uint32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
    return pair;
}

/* Low half of a, low half of b above it. */
TN_INLINE uint32_t tn_low_halves(uint32_t a, uint32_t b) {
    uint32_t pair;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(a), "r"(b));
    return pair;
}

/* High half of a, high half of b above it. */
TN_INLINE uint32_t tn_high_halves(uint32_t a, uint32_t b) {
    uint32_t pair;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(b), "r"(a));
    return pair;
}

/* (a - b) / 2 in both halves. */
TN_INLINE uint32_t tn_half_differences(uint32_t a, uint32_t b) {
    uint32_t pair;
    __asm__("shsub16 %0, %1, %2" : "=r"(pair) : "r"(a), "r"(b));
    return pair;
}

/* sum + floor(a low(b) / 2^16) */
TN_INLINE int32_t tn_add_wide_low(int32_t sum, int32_t a, uint32_t b) {
    __asm__("smlawb %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(sum));
    return sum;
}

/* sum + floor(a high(b) / 2^16) */
TN_INLINE int32_t tn_add_wide_high(int32_t sum, int32_t a, uint32_t b) {
    __asm__("smlawt %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(sum));
    return sum;
}

/* sum + low(a) low(b) */
TN_INLINE int32_t tn_add_low(int32_t sum, uint32_t a, uint32_t b) {
    __asm__("smlabb %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(sum));
    return sum;
}

/* sum + high(a) high(b) */
TN_INLINE int32_t tn_add_high(int32_t sum, uint32_t a, uint32_t b) {
    __asm__("smlatt %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(sum));
    return sum;
}

/* x / 2, rounded down, saturated to 8 bits */
TN_INLINE int32_t tn_saturate_half(int32_t x) {
    int32_t byte;
    __asm__("ssat %0, #8, %1, asr #1" : "=r"(byte) : "r"(x));
    return byte;
}

/* Rounding and zero point of a right shift by less + 1 bits, as one number: zero 2^(less + 1) + 2^less. */
TN_INLINE int32_t tn_rounding(int32_t zero, int32_t less) { return tn_shift_left(2 * zero + 1, less); }

/* The fast requantisation: right shift by less + 1 bits, |x| < 2^30, saturated to 8 bits.
 *
 * SMMLAR adds the rounded high product of the doubled accumulator to the rounding in one go. Halves away from zero
 * need 1 less where the product is negative; x has its sign, save where the product is 0: there 1 less changes nothing.
 */
TN_INLINE int8_t tn_scale_fast(int32_t x, int32_t multiplier, int32_t rounding, int32_t less) {
    int32_t y;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(y) : "r"(tn_shift_left(x, 1)), "r"(multiplier), "r"(rounding));
    return (int8_t)tn_saturate_half((y + (x >> 31)) >> less);
}

/* The fast requantisation saturates to 8 bits, and most layers allow all of them. */
TN_RARE void tn_clamp_all(int8_t *out, int32_t n, int32_t low, int32_t high) {
    for (int32_t i = 0; i < n; i++) {
        out[i] = tn_clamp(out[i], low, high);
    }
}

#endif
#endif
