/* Depthwise convolution with one output a channel: one position of a row. */
#ifndef TN_DEPTHWISE_H
#define TN_DEPTHWISE_H

#include "tn_common.h"

typedef struct {
    const int8_t *weights; /* [tap][channel] */
    const int32_t *bias;   /* less zero_in times the sum of the channel's weights */
    const int32_t *multiplier;
    const int8_t *shift;
    int32_t channels;
    int32_t zero_in;
    int32_t zero, low, high;
    int32_t left; /* whether any channel needs the general requantisation */
} tn_depthwise;

/* taps: n_taps runs of `channels` bytes; NULL is padding. */
TN_KERNEL void tn_depthwise_row(const tn_depthwise *p, const int8_t *const *taps, int32_t n_taps, int8_t *out) {
    for (int32_t c = 0; c < p->channels; c++) {
        int32_t sum = p->bias[c];
        for (int32_t t = 0; t < n_taps; t++) {
            sum = tn_plus(sum, (taps[t] ? taps[t][c] : p->zero_in) * p->weights[t * p->channels + c]);
        }
        out[c] = tn_clamp(tn_plus(tn_scale(sum, p->multiplier[c], p->shift[c]), p->zero), p->low, p->high);
    }
}

#endif
