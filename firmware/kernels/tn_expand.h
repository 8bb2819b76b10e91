/* One window of a convolution as a column of 16-bit integers. */
#ifndef TN_EXPAND_H
#define TN_EXPAND_H

#include "tn_dsp.h"

#if TN_DSP

/* 4 bytes to elements 0, 2, 1, 3: two extensions and one double store. Returns where the next group goes. */
TN_INLINE int16_t *tn_spread4(int16_t *column, const int8_t *x) {
    const uint32_t word = tn_load(x);
    __asm__ volatile("strd %1, %2, [%0], #8"
                     : "+r"(column)
                     : "r"(tn_even_bytes(word)), "r"(tn_odd_bytes(word))
                     : "memory");
    return column;
}

/* n % 4 == 0; the order is 0, 2, 1, 3 in each group. */
TN_INLINE void tn_spread(int16_t *column, const int8_t *x, int32_t n) {
    const int8_t *const end = x + n;
    for (; end - x >= 16; x += 16) {
        column = tn_spread4(tn_spread4(tn_spread4(tn_spread4(column, x), x + 4), x + 8), x + 12);
    }
    for (; x < end; x += 4) {
        column = tn_spread4(column, x);
    }
}

TN_INLINE void tn_widen4(int16_t *column, const int8_t *x) {
    const uint32_t word = tn_load(x), even = tn_even_bytes(word), odd = tn_odd_bytes(word);
    tn_store(column, tn_low_halves(even, odd));
    tn_store(column + 2, tn_high_halves(even, odd));
}

/* Natural order; column may be at an odd element. */
TN_INLINE void tn_widen(int16_t *column, const int8_t *x, int32_t n) {
    const int8_t *const end = x + n;
    for (; end - x >= 8; x += 8, column += 8) {
        tn_widen4(column, x);
        tn_widen4(column + 4, x + 4);
    }
    if (end - x >= 4) {
        tn_widen4(column, x);
        x += 4, column += 4;
    }
    while (x < end) {
        *column++ = *x++;
    }
}

#else

TN_INLINE void tn_spread(int16_t *column, const int8_t *x, int32_t n) {
    for (int32_t i = 0; i < n; i += 4) {
        column[i] = x[i];
        column[i + 1] = x[i + 2];
        column[i + 2] = x[i + 1];
        column[i + 3] = x[i + 3];
    }
}

TN_INLINE void tn_widen(int16_t *column, const int8_t *x, int32_t n) {
    for (int32_t i = 0; i < n; i++) {
        column[i] = x[i];
    }
}

#endif

/* Gather one window: n_taps runs of depth bytes (NULL: padding, `zero` repeated) into int16, filled up with 0 to a
 * multiple of 4. Where depth % 4 == 0, each group of 4 is stored as elements 0, 2, 1, 3; else in natural order.
 * column: aligned to 4 bytes. */
TN_KERNEL void tn_expand(int16_t *column, const int8_t *const *taps, int32_t n_taps, int32_t depth, int8_t zero) {
    const int8_t *const *const end = taps + n_taps;
    int32_t n = 0;
    for (; taps < end; column += n) {
        const int8_t *const x = *taps++;
        n = depth;
        if (!x) {
            for (int32_t i = 0; i < depth; i++) {
                column[i] = zero;
            }
            continue;
        }
        while (taps < end && *taps == x + n) { /* rows that follow each other are one longer run */
            n += depth;
            taps++;
        }
        if (depth % 4 == 0) {
            tn_spread(column, x, n);
        } else {
            tn_widen(column, x, n);
        }
    }
    for (int32_t i = n_taps * depth; i % 4 != 0; i++) {
        *column++ = 0;
    }
}

#endif
