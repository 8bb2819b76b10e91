/* Softmax over a row, in gemmlowp's fixed point. */
#ifndef TN_SOFTMAX_H
#define TN_SOFTMAX_H

#include "tn_common.h"

typedef struct {
    const int32_t *exponential; /* 256 values of exp(-scale i) in Q31, i = largest - x; 0 where TFLite leaves x out */
} tn_softmax;

/* x 2^bits, saturated. */
TN_INLINE int32_t tn_saturating_shift(int32_t x, int32_t bits) {
    const int64_t wide = (int64_t)x * ((int64_t)1 << bits);
    return wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
}

/* 1 / (1 + x) in Q31 for 0 <= x < 1 in Q31: three steps of Newton and Raphson on (1 + x) / 2 from 48/17 - 32/17 d. */
TN_INLINE int32_t tn_reciprocal(int32_t x) {
    const int32_t half = (int32_t)(((int64_t)x + INT32_MAX + 1) / 2);
    int32_t y = 1515870810 + tn_high_multiply(half, -1010580540); /* Q29, as all that follows */
    for (int32_t step = 0; step < 3; step++) {
        const int32_t rest = ((int32_t)1 << 29) - tn_high_multiply(half, y);
        y = tn_plus(y, tn_saturating_shift(tn_high_multiply(y, rest), 2));
    }
    return tn_saturating_shift(y, 1);
}

TN_KERNEL void tn_softmax_row(const tn_softmax *p, const int8_t *in, int8_t *out, int32_t n) {
    int32_t largest = -128;
    for (int32_t i = 0; i < n; i++) {
        largest = in[i] > largest ? in[i] : largest;
    }
    uint32_t sum = 0; /* Q19: exp(0) = 1 is always among the terms, so it is never 0 */
    for (int32_t i = 0; i < n; i++) {
        sum += (uint32_t)tn_round_shift(p->exponential[largest - in[i]], 12);
    }
    if (n <= 0) {
        return;
    }
    const int32_t zeros = __builtin_clz(sum);
    const int32_t scale = tn_reciprocal((int32_t)((sum << zeros) - ((uint32_t)1 << 31)));
    const int32_t bits = zeros < 4 ? 31 : 35 - zeros; /* beyond 31 only where 512 of a row are the largest */
    for (int32_t i = 0; i < n; i++) {
        const int32_t share = tn_high_multiply(scale, p->exponential[largest - in[i]]);
        out[i] = tn_clamp(tn_round_shift(share, bits) - 128, -128, 127);
    }
}

#endif
