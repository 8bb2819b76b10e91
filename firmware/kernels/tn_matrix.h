/* Matrix times column: convolutions and fully connected layers. */
#ifndef TN_MATRIX_H
#define TN_MATRIX_H

#include "tn_dsp.h"

typedef struct {
    const int8_t *weights;     /* packed: per pair of channels, per group of 4 inputs: 4 of the first, 4 of the second */
    const int32_t *bias;       /* less zero_in times the sum of the channel's weights; an even number of channels */
    const int32_t *multiplier; /* Q31; an even number of channels */
    const int8_t *shift;       /* > 0 left, < 0 right; an even number of channels */
    int32_t groups;            /* inputs of one output / 4, rounded up */
    int32_t channels;
    int32_t zero, low, high; /* of the outputs */
    int32_t left; /* 1: the general requantisation; 0 where every shift is in -22 .. -1 and every |sum| < 2^30 */
} tn_matrix;

TN_RARE void tn_output(const tn_matrix *p, int32_t channel, int32_t sum, int8_t *out) {
    if (channel < p->channels) { /* a pair may have no second one */
        const int32_t scaled = tn_scale(sum, p->multiplier[channel], p->shift[channel]);
        out[channel] = tn_clamp(tn_plus(scaled, p->zero), p->low, p->high);
    }
}

#if TN_DSP

/* 2 channels x 2 columns x 4 inputs. 6 temporaries, 4 sums and 3 pointers: with a loop counter, all 14 registers of the
 * core. The packed weights are needed twice each and therefore unpacked first; both columns share x and y. */
#define TN_GROUP_2X2                         \
    "ldrd %[u], %[v], [%[w]], #8\n\t"        \
    "ldrd %[x], %[y], [%[a]], #8\n\t"        \
    "sxtb16 %[s], %[u]\n\t"                  \
    "sxtb16 %[u], %[u], ror #8\n\t"          \
    "sxtb16 %[t], %[v]\n\t"                  \
    "sxtb16 %[v], %[v], ror #8\n\t"          \
    "smlad %[a0], %[s], %[x], %[a0]\n\t"     \
    "smlad %[a1], %[t], %[x], %[a1]\n\t"     \
    "smlad %[a0], %[u], %[y], %[a0]\n\t"     \
    "smlad %[a1], %[v], %[y], %[a1]\n\t"     \
    "ldrd %[x], %[y], [%[b]], #8\n\t"        \
    "smlad %[b0], %[s], %[x], %[b0]\n\t"     \
    "smlad %[b1], %[t], %[x], %[b1]\n\t"     \
    "smlad %[b0], %[u], %[y], %[b0]\n\t"     \
    "smlad %[b1], %[v], %[y], %[b1]\n\t"

#define TN_RUN_2X2(instructions)                                                                                  \
    __asm__ volatile(instructions                                                                                 \
                     : [a0] "+r"(a0), [a1] "+r"(a1), [b0] "+r"(b0), [b1] "+r"(b1), [w] "+r"(w), [a] "+r"(x_a),    \
                       [b] "+r"(x_b), [s] "=&r"(s), [t] "=&r"(t), [u] "=&r"(u), [v] "=&r"(v), [x] "=&r"(x),       \
                       [y] "=&r"(y)                                                                               \
                     :                                                                                            \
                     : "memory")

/* 2 channels x 1 column x 4 inputs. */
#define TN_GROUP_2X1                         \
    "ldrd %[u], %[v], [%[w]], #8\n\t"        \
    "ldrd %[x], %[y], [%[a]], #8\n\t"        \
    "sxtb16 %[s], %[u]\n\t"                  \
    "sxtb16 %[u], %[u], ror #8\n\t"          \
    "sxtb16 %[t], %[v]\n\t"                  \
    "sxtb16 %[v], %[v], ror #8\n\t"          \
    "smlad %[a0], %[s], %[x], %[a0]\n\t"     \
    "smlad %[a1], %[t], %[x], %[a1]\n\t"     \
    "smlad %[a0], %[u], %[y], %[a0]\n\t"     \
    "smlad %[a1], %[v], %[y], %[a1]\n\t"

#define TN_RUN_2X1(instructions)                                                                                  \
    __asm__ volatile(instructions                                                                                 \
                     : [a0] "+r"(a0), [a1] "+r"(a1), [w] "+r"(w), [a] "+r"(x_a), [s] "=&r"(s), [t] "=&r"(t),      \
                       [u] "=&r"(u), [v] "=&r"(v), [x] "=&r"(x), [y] "=&r"(y)                                     \
                     :                                                                                            \
                     : "memory")

TN_INLINE void tn_clamp_row(const tn_matrix *p, int8_t *out) {
    if (p->low > -128 || p->high < 127) {
        tn_clamp_all(out, p->channels, p->low, p->high);
    }
}

/* Two columns; a may be b, and out_a may be out_b. Columns and weights: aligned to 4 bytes. */
TN_KERNEL void tn_matmul2(const tn_matrix *p, const int16_t *a, const int16_t *b, int8_t *out_a, int8_t *out_b) {
    const int8_t *w = p->weights, *shift = p->shift;
    const int32_t *bias = p->bias, *multiplier = p->multiplier;
    const int32_t rounds = p->groups >> 1, odd = p->groups & 1, channels = p->channels;
    const int32_t rounding = p->left ? 0 : tn_rounding(p->zero, 0); /* is odd, thus never 0 where it is needed */
    for (int32_t c = 0; c < channels; c += 2) {
        const int16_t *x_a = a, *x_b = b;
        int32_t a0 = *bias++, a1 = *bias++, b0 = a0, b1 = a1;
        uint32_t s, t, u, v, x, y;
        for (int32_t round = rounds; round > 0; round--) {
            TN_RUN_2X2(TN_GROUP_2X2 TN_GROUP_2X2);
        }
        if (odd) {
            TN_RUN_2X2(TN_GROUP_2X2);
        }
        if (!rounding) {
            tn_output(p, c, a0, out_a);
            tn_output(p, c, b0, out_b);
            tn_output(p, c + 1, a1, out_a);
            tn_output(p, c + 1, b1, out_b);
            continue;
        }
        const int32_t m0 = *multiplier++, m1 = *multiplier++, less0 = ~*shift++, less1 = ~*shift++;
        const int32_t rounding0 = tn_shift_left(rounding, less0), rounding1 = tn_shift_left(rounding, less1);
        out_a[c] = tn_scale_fast(a0, m0, rounding0, less0);
        out_b[c] = tn_scale_fast(b0, m0, rounding0, less0);
        if (c + 1 < channels) {
            out_a[c + 1] = tn_scale_fast(a1, m1, rounding1, less1);
            out_b[c + 1] = tn_scale_fast(b1, m1, rounding1, less1);
        }
    }
    tn_clamp_row(p, out_a);
    tn_clamp_row(p, out_b);
}

/* One column. */
TN_KERNEL void tn_matmul1(const tn_matrix *p, const int16_t *a, int8_t *out) {
    const int8_t *w = p->weights;
    for (int32_t c = 0; c < p->channels; c += 2) {
        const int16_t *x_a = a;
        int32_t a0 = p->bias[c], a1 = p->bias[c + 1], g;
        uint32_t s, t, u, v, x, y;
        for (g = p->groups; g >= 4; g -= 4) {
            TN_RUN_2X1(TN_GROUP_2X1 TN_GROUP_2X1 TN_GROUP_2X1 TN_GROUP_2X1);
        }
        for (; g > 0; g--) {
            TN_RUN_2X1(TN_GROUP_2X1);
        }
        if (p->left) {
            tn_output(p, c, a0, out);
            tn_output(p, c + 1, a1, out);
            continue;
        }
        const int32_t less0 = ~p->shift[c], less1 = ~p->shift[c + 1];
        out[c] = tn_scale_fast(a0, p->multiplier[c], tn_rounding(p->zero, less0), less0);
        if (c + 1 < p->channels) {
            out[c + 1] = tn_scale_fast(a1, p->multiplier[c + 1], tn_rounding(p->zero, less1), less1);
        }
    }
    tn_clamp_row(p, out);
}

#else

TN_INLINE int32_t tn_dot(const int8_t *weights, const int16_t *column, int32_t groups, int32_t sum) {
    for (int32_t g = 0; g < groups; g++, weights += 8, column += 4) {
        sum = tn_plus(sum, weights[0] * column[0] + weights[2] * column[1]);
        sum = tn_plus(sum, weights[1] * column[2] + weights[3] * column[3]);
    }
    return sum;
}

TN_KERNEL void tn_matmul1(const tn_matrix *p, const int16_t *a, int8_t *out) {
    for (int32_t c = 0; c < p->channels; c++) {
        const int8_t *weights = p->weights + (c / 2) * p->groups * 8 + (c % 2) * 4;
        tn_output(p, c, tn_dot(weights, a, p->groups, p->bias[c]), out);
    }
}

TN_KERNEL void tn_matmul2(const tn_matrix *p, const int16_t *a, const int16_t *b, int8_t *out_a, int8_t *out_b) {
    tn_matmul1(p, a, out_a);
    tn_matmul1(p, b, out_b);
}

#endif
#endif
