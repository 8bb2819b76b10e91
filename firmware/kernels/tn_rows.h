/* Operators on rows: each call takes in or makes a row or two. Memory of a value holds its latest rows only, row r at
 * place r modulo the number of rows that fit. */
#ifndef TN_ROWS_H
#define TN_ROWS_H

#include "tn_depthwise.h"
#include "tn_expand.h"
#include "tn_matrix.h"
#include "tn_pool.h"

/* How an operator reads: for its row r and tap t the row base + r stride + t dilation, padding outside [low, high). */
typedef struct {
    int32_t base, stride, dilation, taps;
    int32_t low, high;
    int32_t places; /* rows that the memory holds */
    int32_t bytes;  /* of a row */
} tn_view;

/* Where an operator's rows go. */
typedef struct {
    int32_t places;
    int32_t bytes;
} tn_target;

/* Positions within rows that are read: for position x and tap u the position x stride + u dilation - padding. */
typedef struct {
    int32_t taps, stride, dilation, padding;
    int32_t width; /* positions in a row that is read */
    int32_t out;   /* positions in a row that is made */
} tn_window;

TN_INLINE int32_t tn_place(int32_t row, int32_t places) {
    const int32_t place = row % places;
    return place < 0 ? place + places : place;
}

TN_INLINE const int8_t *tn_row(const int8_t *memory, const tn_view *view, int32_t row) {
    const int32_t r = view->base + row * view->stride;
    return r >= view->low && r < view->high ? memory + tn_place(r, view->places) * view->bytes : NULL;
}

TN_INLINE int8_t *tn_out(int8_t *memory, const tn_target *target, int32_t row) {
    return memory + tn_place(row, target->places) * target->bytes;
}

/* The rows that one row is made from; NULL: padding. */
TN_INLINE void tn_rows(const int8_t **rows, const int8_t *memory, const tn_view *view, int32_t row) {
    int32_t r = view->base + row * view->stride;
    int32_t place = tn_place(r, view->places);
    const int32_t ahead = view->dilation % view->places;
    for (int32_t t = 0; t < view->taps; t++) {
        rows[t] = r >= view->low && r < view->high ? memory + place * view->bytes : NULL;
        r += view->dilation;
        place += ahead;
        place -= place >= view->places ? view->places : 0;
    }
}

/* The runs of `depth` bytes that position x is made from. */
TN_INLINE void tn_positions(const int8_t **taps, const int8_t *const *rows, int32_t n_rows, const tn_window *window,
                            int32_t depth, int32_t x) {
    for (int32_t t = 0; t < n_rows; t++) {
        int32_t position = x * window->stride - window->padding;
        for (int32_t u = 0; u < window->taps; u++, position += window->dilation) {
            const int32_t inside = position >= 0 && position < window->width;
            *taps++ = rows[t] != NULL && inside ? rows[t] + position * depth : NULL;
        }
    }
}

typedef struct {
    tn_view in;
    tn_target out;
    tn_window window;
    tn_matrix matrix;
    int32_t depth;
    int8_t zero_in;
} tn_matrix_rows;

/* One row of width 1. `columns` has room for two columns, here and below. */
TN_KERNEL void tn_matrix_single(const tn_matrix_rows *p, const int8_t *in, int8_t *out, int32_t row,
                                const int8_t **taps, int16_t *columns) {
    tn_rows(taps, in, &p->in, row);
    tn_expand(columns, taps, p->in.taps, p->depth, p->zero_in);
    tn_matmul1(&p->matrix, columns, tn_out(out, &p->out, row));
}

/* Two rows of width 1 at once; `next` may be `row`. */
TN_KERNEL void tn_matrix_narrow(const tn_matrix_rows *p, const int8_t *in, int8_t *out, int32_t row, int32_t next,
                                const int8_t **taps, int16_t *columns) {
    const int32_t length = p->matrix.groups * 4;
    for (int32_t lane = 0; lane < 2; lane++) {
        tn_rows(taps, in, &p->in, lane == 0 ? row : next);
        tn_expand(columns + lane * length, taps, p->in.taps, p->depth, p->zero_in);
    }
    tn_matmul2(&p->matrix, columns, columns + length, tn_out(out, &p->out, row), tn_out(out, &p->out, next));
}

/* One row, two positions at once. `taps` has room for the rows, then for the runs of one window. */
TN_KERNEL void tn_matrix_wide(const tn_matrix_rows *p, const int8_t *in, int8_t *out, int32_t row, const int8_t **taps,
                              int16_t *columns) {
    const int32_t length = p->matrix.groups * 4, n_rows = p->in.taps, n_taps = n_rows * p->window.taps;
    int8_t *made = tn_out(out, &p->out, row);
    tn_rows(taps, in, &p->in, row);
    for (int32_t x = 0; x < p->window.out; x += 2, made += 2 * p->matrix.channels) {
        const int32_t second = x + 1 < p->window.out;
        tn_positions(taps + n_rows, taps, n_rows, &p->window, p->depth, x);
        tn_expand(columns, taps + n_rows, n_taps, p->depth, p->zero_in);
        if (!second) {
            tn_matmul1(&p->matrix, columns, made);
            return;
        }
        tn_positions(taps + n_rows, taps, n_rows, &p->window, p->depth, x + 1);
        tn_expand(columns + length, taps + n_rows, n_taps, p->depth, p->zero_in);
        tn_matmul2(&p->matrix, columns, columns + length, made, made + p->matrix.channels);
    }
}

typedef struct {
    tn_view in;
    tn_target out;
    tn_window window;
    tn_depthwise depthwise;
} tn_depthwise_rows;

TN_KERNEL void tn_depthwise_step(const tn_depthwise_rows *p, const int8_t *in, int8_t *out, int32_t row,
                                 const int8_t **taps) {
    const int32_t n_rows = p->in.taps, channels = p->depthwise.channels;
    int8_t *made = tn_out(out, &p->out, row);
    tn_rows(taps, in, &p->in, row);
    for (int32_t x = 0; x < p->window.out; x++, made += channels) {
        tn_positions(taps + n_rows, taps, n_rows, &p->window, channels, x);
        tn_depthwise_row(&p->depthwise, taps + n_rows, n_rows * p->window.taps, made);
    }
}

typedef struct {
    tn_view in;
    tn_target out;
    tn_window window;
    int32_t channels, low, high;
    int32_t average;
} tn_pool_rows;

TN_KERNEL void tn_pool_step(const tn_pool_rows *p, const int8_t *in, int8_t *out, int32_t row, const int8_t **taps) {
    const int32_t n_rows = p->in.taps, n_taps = n_rows * p->window.taps;
    int8_t *made = tn_out(out, &p->out, row);
    tn_rows(taps, in, &p->in, row);
    for (int32_t x = 0; x < p->window.out; x++, made += p->channels) {
        tn_positions(taps + n_rows, taps, n_rows, &p->window, p->channels, x);
        if (p->average) {
            tn_average_pool(taps + n_rows, n_taps, p->channels, p->low, p->high, made);
        } else {
            tn_max_pool(taps + n_rows, n_taps, p->channels, p->low, p->high, made);
        }
    }
}

/* The mean over rows, within rows, or both: a row is (outer, reduced, inner) values, of which `reduced` are summed. */
typedef struct {
    tn_view in;
    tn_target out;
    tn_mean mean;
    int32_t outer, reduced, inner;
    int32_t turns; /* rows that are taken in before there is an output; 0: every row has its own */
} tn_mean_rows;

TN_KERNEL void tn_mean_step(const tn_mean_rows *p, const int8_t *in, int8_t *out, int32_t row, int32_t *sums) {
    const int8_t *x = tn_row(in, &p->in, row);
    const int32_t n = p->outer * p->inner;
    if (row == 0 || p->turns == 0) {
        memset(sums, 0, (size_t)n * sizeof *sums);
    }
    for (int32_t o = 0; o < p->outer; o++) {
        for (int32_t r = 0; r < p->reduced; r++, x += p->inner) {
            tn_accumulate(sums + o * p->inner, x, p->inner);
        }
    }
    if (p->turns == 0) {
        tn_mean_row(&p->mean, sums, tn_out(out, &p->out, row), n);
    } else if (row == p->turns - 1) {
        tn_mean_row(&p->mean, sums, out, n);
    }
}

#endif
