/* Depthwise convolution with one output a channel: one position of a row. */
#ifndef TN_DEPTHWISE_H
#define TN_DEPTHWISE_H

#include "tn_dsp.h"

typedef struct {
    const int8_t *weights; /* [tap][channel] */
    const int32_t *bias;   /* less zero_in times the sum of the channel's weights */
    const int32_t *multiplier;
    const int8_t *shift;
    int32_t channels;
    int32_t zero_in;
    int32_t zero, low, high;
    int32_t left; /* 1: the general requantisation; 0 where every shift is in -22 .. -1 and every |sum| < 2^30 */
} tn_depthwise;

TN_RARE int8_t tn_depthwise_output(const tn_depthwise *p, int32_t channel, int32_t sum) {
    const int32_t scaled = tn_scale(sum, p->multiplier[channel], p->shift[channel]);
    return tn_clamp(tn_plus(scaled, p->zero), p->low, p->high);
}

TN_INLINE int32_t tn_depthwise_sum(const tn_depthwise *p, const int8_t *const *taps, int32_t n_taps, int32_t channel) {
    int32_t sum = p->bias[channel];
    for (int32_t t = 0; t < n_taps; t++) {
        sum = tn_plus(sum, (taps[t] ? taps[t][channel] : p->zero_in) * p->weights[t * p->channels + channel]);
    }
    return sum;
}

#if TN_DSP

TN_INLINE int8_t tn_depthwise_fast(const tn_depthwise *p, int32_t channel, int32_t sum) {
    const int32_t less = ~p->shift[channel];
    return tn_scale_fast(sum, p->multiplier[channel], tn_rounding(p->zero, less), less);
}

/* Channels c to c + 3. */
TN_INLINE void tn_depthwise_4(const tn_depthwise *p, const int8_t *const *taps, int32_t n_taps, int32_t c,
                              int8_t *out) {
    const int8_t *w = p->weights + c;
    const int32_t channels = p->channels;
    const uint32_t padding = (uint32_t)(uint8_t)p->zero_in * 0x01010101u;
    int32_t sum0 = p->bias[c], sum1 = p->bias[c + 1], sum2 = p->bias[c + 2], sum3 = p->bias[c + 3];
    for (const int8_t *const *const end = taps + n_taps; taps < end; taps++, w += channels) {
        const uint32_t x = *taps ? tn_load(*taps + c) : padding, weights = tn_load(w);
        const uint32_t even = tn_even_bytes(x), even_weights = tn_even_bytes(weights);
        const uint32_t odd = tn_odd_bytes(x), odd_weights = tn_odd_bytes(weights);
        sum0 = tn_add_low(sum0, even, even_weights);
        sum1 = tn_add_low(sum1, odd, odd_weights);
        sum2 = tn_add_high(sum2, even, even_weights);
        sum3 = tn_add_high(sum3, odd, odd_weights);
    }
    if (p->left) {
        out[c] = tn_depthwise_output(p, c, sum0);
        out[c + 1] = tn_depthwise_output(p, c + 1, sum1);
        out[c + 2] = tn_depthwise_output(p, c + 2, sum2);
        out[c + 3] = tn_depthwise_output(p, c + 3, sum3);
        return;
    }
    out[c] = tn_depthwise_fast(p, c, sum0);
    out[c + 1] = tn_depthwise_fast(p, c + 1, sum1);
    out[c + 2] = tn_depthwise_fast(p, c + 2, sum2);
    out[c + 3] = tn_depthwise_fast(p, c + 3, sum3);
}

#endif

/* taps: n_taps runs of `channels` bytes; NULL is padding. */
TN_KERNEL void tn_depthwise_row(const tn_depthwise *p, const int8_t *const *taps, int32_t n_taps, int8_t *out) {
    int32_t c = 0;
#if TN_DSP
    for (const int32_t whole = p->channels & ~3; c < whole; c += 4) {
        tn_depthwise_4(p, taps, n_taps, c, out);
    }
    if (!p->left && (p->low > -128 || p->high < 127)) {
        tn_clamp_all(out, c, p->low, p->high);
    }
#endif
    for (; c < p->channels; c++) {
        out[c] = tn_depthwise_output(p, c, tn_depthwise_sum(p, taps, n_taps, c));
    }
}

#endif
