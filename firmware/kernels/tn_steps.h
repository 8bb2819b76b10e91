/* Operators on single values of rows, and copies: each call makes a row. */
#ifndef TN_STEPS_H
#define TN_STEPS_H

#include "tn_elementwise.h"
#include "tn_rows.h"
#include "tn_softmax.h"

typedef struct {
    tn_view a, b;
    tn_target out;
    tn_sum parameters;
    int32_t n; /* bytes of a row */
} tn_sum_rows;

TN_KERNEL void tn_add_step(const tn_sum_rows *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t row) {
    tn_add(&p->parameters, tn_row(a, &p->a, row), tn_row(b, &p->b, row), tn_out(out, &p->out, row), p->n);
}

TN_KERNEL void tn_sub_step(const tn_sum_rows *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t row) {
    tn_sub(&p->parameters, tn_row(a, &p->a, row), tn_row(b, &p->b, row), tn_out(out, &p->out, row), p->n);
}

typedef struct {
    tn_view a, b;
    tn_target out;
    tn_product parameters;
    int32_t n;
} tn_product_rows;

TN_KERNEL void tn_mul_step(const tn_product_rows *p, const int8_t *a, const int8_t *b, int8_t *out, int32_t row) {
    tn_mul(&p->parameters, tn_row(a, &p->a, row), tn_row(b, &p->b, row), tn_out(out, &p->out, row), p->n);
}

typedef struct {
    tn_view in;
    tn_target out;
    const int8_t *table;
    int32_t n;
} tn_lookup_rows;

TN_KERNEL void tn_lookup_step(const tn_lookup_rows *p, const int8_t *in, int8_t *out, int32_t row) {
    tn_lookup(p->table, tn_row(in, &p->in, row), tn_out(out, &p->out, row), p->n);
}

typedef struct {
    tn_view in;
    tn_target out;
    tn_softmax softmax;
    int32_t width, channels;
} tn_softmax_rows;

TN_KERNEL void tn_softmax_step(const tn_softmax_rows *p, const int8_t *in, int8_t *out, int32_t row) {
    const int8_t *x = tn_row(in, &p->in, row);
    int8_t *made = tn_out(out, &p->out, row);
    for (int32_t i = 0; i < p->width; i++, x += p->channels, made += p->channels) {
        tn_softmax_row(&p->softmax, x, made, p->channels);
    }
}

/* One box of values that a copy moves: up to six axes the last one of `run` bytes that are contiguous in both. */
typedef struct {
    int32_t counts[5], from[5], to[5];
    int32_t run, source, offset_in, offset_out;
} tn_piece;

TN_KERNEL void tn_move(const tn_piece *piece, const int8_t *in, int8_t *out) {
    int32_t at[5] = {0};
    in += piece->offset_in;
    out += piece->offset_out;
    for (;;) {
        int32_t from = 0, to = 0, axis = 4;
        for (int32_t i = 0; i < 5; i++) {
            from += at[i] * piece->from[i];
            to += at[i] * piece->to[i];
        }
        memcpy(out + to, in + from, (size_t)piece->run);
        while (axis >= 0 && ++at[axis] == piece->counts[axis]) {
            at[axis--] = 0;
        }
        if (axis < 0) {
            return;
        }
    }
}

typedef struct {
    const tn_view *in;
    const tn_piece *pieces;
    int32_t count;
    tn_target out;
    int8_t fill;
    int8_t covered; /* the pieces leave nothing to be filled */
} tn_copy_rows;

TN_KERNEL void tn_copy_step(const tn_copy_rows *p, const int8_t *const *in, int8_t *out, int32_t row) {
    int8_t *made = tn_out(out, &p->out, row);
    if (!p->covered) {
        memset(made, p->fill, (size_t)p->out.bytes);
    }
    for (int32_t i = 0; i < p->count; i++) {
        const tn_piece *piece = &p->pieces[i];
        const int8_t *from = tn_row(in[piece->source], &p->in[piece->source], row);
        if (from != NULL) {
            tn_move(piece, from, made);
        }
    }
}

#endif
