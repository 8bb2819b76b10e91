/* Element by element: sums, differences, products and functions by table. Outputs may overwrite inputs. */
#ifndef TN_ELEMENTWISE_H
#define TN_ELEMENTWISE_H

#include "tn_common.h"

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

TN_KERNEL void tn_add(const tn_sum *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t n) {
    for (int32_t i = 0; i < n; i++) {
        out[i] = tn_scaled_sum(p, tn_plus(tn_scaled_a(p, a[i]), tn_scaled_b(p, b[i])));
    }
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
