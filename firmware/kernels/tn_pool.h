/* Pooling and means, channel by channel. */
#ifndef TN_POOL_H
#define TN_POOL_H

#include "tn_dsp.h"

typedef struct {
    int32_t zero_in, count; /* count: elements in one sum */
    int32_t multiplier, shift, zero;
} tn_mean;

/* taps: n_taps runs of `channels` bytes; NULL is padding and left out. */
TN_KERNEL void tn_max_pool(const int8_t *const *taps, int32_t n_taps, int32_t channels, int32_t low, int32_t high,
                           int8_t *out) {
    for (int32_t c = 0; c < channels; c++) {
        int32_t best = low;
        for (int32_t t = 0; t < n_taps; t++) {
            if (taps[t] && taps[t][c] > best) {
                best = taps[t][c];
            }
        }
        out[c] = tn_clamp(best, low, high);
    }
}

/* Divides by the taps that are there, halves away from zero. */
TN_KERNEL void tn_average_pool(const int8_t *const *taps, int32_t n_taps, int32_t channels, int32_t low, int32_t high,
                               int8_t *out) {
    int32_t count = 0;
    for (int32_t t = 0; t < n_taps; t++) {
        count += taps[t] ? 1 : 0;
    }
    for (int32_t c = 0; c < channels; c++) {
        int32_t sum = 0;
        for (int32_t t = 0; t < n_taps; t++) {
            sum += taps[t] ? taps[t][c] : 0;
        }
        const int32_t half = sum > 0 ? count / 2 : -(count / 2);
        out[c] = tn_clamp(count > 0 ? (sum + half) / count : 0, low, high);
    }
}

TN_KERNEL void tn_accumulate(int32_t *sum, const int8_t *x, int32_t n) {
#if TN_DSP
    for (; n >= 4; n -= 4, x += 4) { /* LDM wants ascending registers, so they are named */
        __asm__ volatile("ldm %0, {r3, r4, r5, r6}\n\t"
                         "sxtab r3, r3, %1\n\t"
                         "sxtab r4, r4, %1, ror #8\n\t"
                         "sxtab r5, r5, %1, ror #16\n\t"
                         "sxtab r6, r6, %1, ror #24\n\t"
                         "stm %0!, {r3, r4, r5, r6}"
                         : "+r"(sum)
                         : "r"(tn_load(x))
                         : "r3", "r4", "r5", "r6", "memory");
    }
#endif
    for (int32_t i = 0; i < n; i++) {
        sum[i] = tn_plus(sum[i], x[i]);
    }
}

TN_KERNEL void tn_mean_row(const tn_mean *p, const int32_t *sum, int8_t *out, int32_t n) {
    for (int32_t i = 0; i < n; i++) {
        const int32_t centred = sum[i] - p->zero_in * p->count;
        out[i] = tn_clamp(tn_plus(tn_scale(centred, p->multiplier, p->shift), p->zero), -128, 127);
    }
}

#endif
