/* Matrix times column: convolutions and fully connected layers. */
#ifndef TN_MATRIX_H
#define TN_MATRIX_H

#include "tn_common.h"

typedef struct {
    const int8_t *weights;     /* packed: per pair of channels, per group of 4 inputs: 4 of the first, 4 of the second */
    const int32_t *bias;       /* less zero_in times the sum of the channel's weights; an even number of channels */
    const int32_t *multiplier; /* Q31; an even number of channels */
    const int8_t *shift;       /* > 0 left, < 0 right; an even number of channels */
    int32_t groups;            /* inputs of one output / 4, rounded up */
    int32_t channels;
    int32_t zero, low, high; /* of the outputs */
    int32_t left;            /* whether any channel needs the general requantisation */
} tn_matrix;

/* Gather one window: n_taps runs of depth bytes (NULL: padding, `zero` repeated) into int16, filled up with 0 to a
 * multiple of 4. Where depth % 4 == 0, each group of 4 is stored as elements 0, 2, 1, 3; else in natural order. */
TN_KERNEL void tn_expand(int16_t *column, const int8_t *const *taps, int32_t n_taps, int32_t depth, int8_t zero) {
    const int32_t length = n_taps * depth;
    for (int32_t t = 0; t < n_taps; t++) {
        for (int32_t i = 0; i < depth; i++) {
            const int32_t swapped = depth % 4 == 0 && (i % 4 == 1 || i % 4 == 2) ? i ^ 3 : i;
            column[t * depth + swapped] = taps[t] ? taps[t][i] : zero;
        }
    }
    for (int32_t i = length; i % 4 != 0; i++) {
        column[i] = 0;
    }
}

TN_INLINE int32_t tn_dot(const int8_t *weights, const int16_t *column, int32_t groups, int32_t sum) {
    for (int32_t g = 0; g < groups; g++, weights += 8, column += 4) {
        sum = tn_plus(sum, weights[0] * column[0] + weights[2] * column[1]);
        sum = tn_plus(sum, weights[1] * column[2] + weights[3] * column[3]);
    }
    return sum;
}

/* One column. */
TN_KERNEL void tn_matmul1(const tn_matrix *p, const int16_t *a, int8_t *out) {
    for (int32_t c = 0; c < p->channels; c++) {
        const int8_t *weights = p->weights + (c / 2) * p->groups * 8 + (c % 2) * 4;
        const int32_t sum = tn_dot(weights, a, p->groups, p->bias[c]);
        out[c] = tn_clamp(tn_plus(tn_scale(sum, p->multiplier[c], p->shift[c]), p->zero), p->low, p->high);
    }
}

/* Two columns; a may be b, and out_a may be out_b. */
TN_KERNEL void tn_matmul2(const tn_matrix *p, const int16_t *a, const int16_t *b, int8_t *out_a, int8_t *out_b) {
    tn_matmul1(p, a, out_a);
    tn_matmul1(p, b, out_b);
}

#endif
