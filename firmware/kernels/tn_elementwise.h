/* Element by element: sums, differences, products and functions by table. Outputs may overwrite inputs. */
#ifndef TN_ELEMENTWISE_H
#define TN_ELEMENTWISE_H

#include "tn_dsp.h"

typedef struct {
    int32_t zero_a, zero_b;
    int32_t left_shift; /* of both inputs, before they are scaled */
    int32_t multiplier_a, shift_a, multiplier_b, shift_b;
    int32_t multiplier, shift, zero, low, high; /* of the sum */
} tn_sum;

typedef struct {
    int32_t zero_a, zero_b, multiplier, shift, zero, low, high;
} tn_product;

TN_INLINE int32_t tn_scaled_a(const tn_sum *p, int8_t a) {
    return tn_scale(tn_shift_left(a - p->zero_a, p->left_shift), p->multiplier_a, p->shift_a);
}

TN_INLINE int32_t tn_scaled_b(const tn_sum *p, int8_t b) {
    return tn_scale(tn_shift_left(b - p->zero_b, p->left_shift), p->multiplier_b, p->shift_b);
}

TN_INLINE int8_t tn_scaled_sum(const tn_sum *p, int32_t sum) {
    return tn_clamp(tn_plus(tn_scale(sum, p->multiplier, p->shift), p->zero), p->low, p->high);
}

TN_RARE void tn_add_any(const tn_sum *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n) {
    for (int32_t i = 0; i < n; i++) {
        out[i] = tn_scaled_sum(p, tn_plus(tn_scaled_a(p, a[i]), tn_scaled_b(p, b[i])));
    }
}

#if TN_DSP

/* The sum of an input that counts exactly half (of TFLite's two, the one of larger scale) and a multiplied one. */
typedef struct {
    int32_t minus_zero_a;
    uint32_t zeros_b; /* 2^8 zero_b in both halves */
    int32_t multiplier_b, rounding_b, right_b;
    int32_t multiplier, rounding, less;
} tn_half_sum;

TN_INLINE int tn_is_half(int32_t multiplier, int32_t shift) { return multiplier == 1 << 30 && shift == 0; }

TN_INLINE int tn_is_between(int32_t x, int32_t low, int32_t high) { return low <= x && x <= high; }

/* At least one input counts half, the other half or less. */
TN_INLINE int tn_is_half_sum(const tn_sum *p) {
    const int32_t half_a = tn_is_half(p->multiplier_a, p->shift_a), half_b = tn_is_half(p->multiplier_b, p->shift_b);
    const int32_t other = half_a ? p->shift_b : p->shift_a;
    return p->left_shift == 20 && (half_a || half_b) && ((half_a && half_b) || tn_is_between(other, -28, -1)) &&
           tn_is_between(p->shift, -22, -1);
}

TN_INLINE tn_half_sum tn_half_sum_of(const tn_sum *p, int swap) {
    const int32_t zero_a = swap ? p->zero_b : p->zero_a, zero_b = swap ? p->zero_a : p->zero_b;
    const int32_t shift_b = swap ? p->shift_a : p->shift_b, less = -1 - p->shift;
    return (tn_half_sum){.minus_zero_a = -zero_a,
                         .zeros_b = tn_low_halves((uint32_t)zero_b << 8, (uint32_t)zero_b << 8),
                         .multiplier_b = swap ? p->multiplier_a : p->multiplier_b,
                         .rounding_b = 2 + tn_shift_left(2, -shift_b),
                         .right_b = 2 - shift_b,
                         .multiplier = p->multiplier,
                         .rounding = tn_rounding(p->zero, less),
                         .less = less};
}

/* b: 4 times the high product, with the rounding of both of TFLite's steps; sign: -1 where b is negative, else 0, as
 * halves go away from zero there. The half of a is its shift by 19 instead of 20 bits. */
TN_INLINE int8_t tn_half_sum_out(const tn_half_sum *k, int32_t a, int32_t b, int32_t sign) {
    const int32_t scaled_b = (b + tn_shift_left(sign, 2)) >> k->right_b;
    return tn_scale_fast(scaled_b + tn_shift_left(a, 19), k->multiplier, k->rounding, k->less);
}

#define TN_SXTAB(sum, word, rotation) __asm__("sxtab %0, %1, %2" rotation : "=r"(sum) : "r"(k.minus_zero_a), "r"(word))

/* 4 elements at a time. b in the upper halves of 16 bits, less its zero point and halved, is 2^7 (b - zero_b): no bit
 * is lost. SMLAW with the multiplier then gives floor(multiplier 2^20 (b - zero_b) / 2^29), 2 bits more than wanted. */
TN_INLINE void tn_add_half(const tn_sum *p, int swap, const int8_t *a, const int8_t *b, int8_t *out, int32_t n) {
    const tn_half_sum k = tn_half_sum_of(p, swap);
    const uint32_t mask = 0xFF00FF00u;
    int32_t a0, a1, a2, a3;
    for (; n >= 4; n -= 4, a += 4, b += 4, out += 4) {
        const uint32_t word_a = tn_load(a), word_b = tn_load(b);
        const uint32_t even = tn_half_differences((word_b << 8) & mask, k.zeros_b);
        const uint32_t odd = tn_half_differences(word_b & mask, k.zeros_b);
        TN_SXTAB(a0, word_a, "");
        TN_SXTAB(a1, word_a, ", ror #8");
        TN_SXTAB(a2, word_a, ", ror #16");
        TN_SXTAB(a3, word_a, ", ror #24");
        const int32_t b0 = tn_add_wide_low(k.rounding_b, k.multiplier_b, even);
        const int32_t b1 = tn_add_wide_low(k.rounding_b, k.multiplier_b, odd);
        const int32_t b2 = tn_add_wide_high(k.rounding_b, k.multiplier_b, even);
        const int32_t b3 = tn_add_wide_high(k.rounding_b, k.multiplier_b, odd);
        out[0] = tn_half_sum_out(&k, a0, b0, (int16_t)even >> 15);
        out[1] = tn_half_sum_out(&k, a1, b1, (int16_t)odd >> 15);
        out[2] = tn_half_sum_out(&k, a2, b2, (int32_t)even >> 31);
        out[3] = tn_half_sum_out(&k, a3, b3, (int32_t)odd >> 31);
    }
    for (; n > 0; n--) {
        const uint32_t low = tn_half_differences((uint32_t)*b++ << 8, k.zeros_b);
        const int32_t b0 = tn_add_wide_low(k.rounding_b, k.multiplier_b, low);
        *out++ = tn_half_sum_out(&k, *a++ + k.minus_zero_a, b0, (int16_t)low >> 15);
    }
}

/* Both inputs count half. */
TN_INLINE void tn_add_halves(const tn_sum *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n) {
    const int32_t zeros = p->zero_a + p->zero_b, less = -1 - p->shift, rounding = tn_rounding(p->zero, less);
    for (int32_t i = 0; i < n; i++) {
        out[i] = tn_scale_fast(tn_shift_left(a[i] + b[i] - zeros, 19), p->multiplier, rounding, less);
    }
}

#endif

TN_KERNEL void tn_add(const tn_sum *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n) {
#if TN_DSP
    if (tn_is_half_sum(p)) {
        const int half_a = tn_is_half(p->multiplier_a, p->shift_a), half_b = tn_is_half(p->multiplier_b, p->shift_b);
        if (half_a && half_b) {
            tn_add_halves(p, a, b, out, n);
        } else {
            tn_add_half(p, half_b, half_b ? b : a, half_b ? a : b, out, n);
        }
        if (p->low > -128 || p->high < 127) {
            tn_clamp_all(out, n, p->low, p->high);
        }
        return;
    }
#endif
    tn_add_any(p, a, b, out, n);
}

TN_KERNEL void tn_sub(const tn_sum *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n) {
    for (int32_t i = 0; i < n; i++) {
        const uint32_t difference = (uint32_t)tn_scaled_a(p, a[i]) - (uint32_t)tn_scaled_b(p, b[i]);
        out[i] = tn_scaled_sum(p, (int32_t)difference);
    }
}

TN_KERNEL void tn_mul(const tn_product *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n) {
    for (int32_t i = 0; i < n; i++) {
        const int32_t product = (a[i] - p->zero_a) * (b[i] - p->zero_b);
        out[i] = tn_clamp(tn_plus(tn_scale(product, p->multiplier, p->shift), p->zero), p->low, p->high);
    }
}

/* table: 256 values, by input + 128. */
TN_KERNEL void tn_lookup(const int8_t *table, const int8_t *in, int8_t *out, int32_t n) {
    for (int32_t i = 0; i < n; i++) {
        out[i] = table[in[i] + 128];
    }
}

#endif
