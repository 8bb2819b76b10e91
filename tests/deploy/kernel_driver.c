/* Runs kernels on the cases that the input describes: their number, then words of 32 bits, and blocks (their bytes
 * first) filled up to whole words. A case begins with the kernel and the bytes of its output, which are filled up as
 * well. The host's build copies each block to memory of exactly its size, so that the address sanitiser sees every step
 * too far. */
#include "tinynas_kernels.h"

#ifdef ON_HOST
#include <stdio.h>
#include <stdlib.h>
#endif

void model_invoke(const int8_t *in, int8_t *out);

#define MAX_TAPS 16

typedef struct {
    const int8_t *next;
    void *copies[16];
    int n_copies;
} reader;

static int32_t word(reader *r) {
    int32_t value;
    memcpy(&value, r->next, sizeof value);
    r->next += sizeof value;
    return value;
}

static const void *block(reader *r) {
    const int32_t bytes = word(r);
    const void *data = r->next;
    r->next += (bytes + 3) / 4 * 4;
#ifdef ON_HOST
    void *copy = malloc(bytes > 0 ? (size_t)bytes : 1);
    data = memcpy(copy, data, (size_t)bytes);
    r->copies[r->n_copies++] = copy;
#endif
    return data;
}

/* A block of places (-1: padding) in a block of bytes. */
static int32_t taps_of(reader *r, const int8_t **taps) {
    const int32_t n = word(r);
    const int32_t *places = block(r);
    const int8_t *x = block(r);
    for (int32_t i = 0; i < n; i++) {
        taps[i] = places[i] < 0 ? NULL : x + places[i];
    }
    return n;
}

static tn_matrix matrix_of(reader *r) {
    tn_matrix p;
    p.groups = word(r), p.channels = word(r), p.zero = word(r), p.low = word(r), p.high = word(r), p.left = word(r);
    p.weights = block(r), p.bias = block(r), p.multiplier = block(r), p.shift = block(r);
    return p;
}

static tn_depthwise depthwise_of(reader *r) {
    tn_depthwise p;
    p.channels = word(r), p.zero_in = word(r), p.zero = word(r), p.low = word(r), p.high = word(r), p.left = word(r);
    p.weights = block(r), p.bias = block(r), p.multiplier = block(r), p.shift = block(r);
    return p;
}

/* alias: 0, or which input is overwritten. */
static void elementwise(reader *r, int32_t kernel, int8_t *out) {
    const void *p = block(r);
    const int32_t alias = word(r), n = word(r);
    const int8_t *a = block(r), *b = block(r);
    if (alias) {
        memcpy(out, alias == 1 ? a : b, (size_t)n);
        a = alias == 1 ? out : a;
        b = alias == 2 ? out : b;
    }
    if (kernel == 4) {
        tn_add(p, a, b, out, n);
    } else if (kernel == 5) {
        tn_sub(p, a, b, out, n);
    } else {
        tn_mul(p, a, b, out, n);
    }
}

static void pool(reader *r, int32_t kernel, int8_t *out) {
    const int8_t *taps[MAX_TAPS];
    const int32_t channels = word(r), low = word(r), high = word(r), n = taps_of(r, taps);
    if (kernel == 8) {
        tn_max_pool(taps, n, channels, low, high, out);
    } else {
        tn_average_pool(taps, n, channels, low, high, out);
    }
}

static void run(reader *r, int32_t kernel, void *out) {
    const int8_t *taps[MAX_TAPS];
    if (kernel == 0) {
        const int32_t depth = word(r), zero = word(r), n = taps_of(r, taps);
        tn_expand(out, taps, n, depth, (int8_t)zero);
    } else if (kernel == 1 || kernel == 2) {
        const tn_matrix p = matrix_of(r);
        const int16_t *a = block(r), *b = block(r);
        if (kernel == 2) {
            tn_matmul1(&p, a, out);
        } else {
            tn_matmul2(&p, a, b, out, (int8_t *)out + p.channels);
            tn_matmul2(&p, a, a, (int8_t *)out + 2 * p.channels, (int8_t *)out + 2 * p.channels);
        }
    } else if (kernel == 3) {
        const tn_depthwise p = depthwise_of(r);
        const int32_t n = taps_of(r, taps);
        tn_depthwise_row(&p, taps, n, out);
    } else if (kernel <= 6) {
        elementwise(r, kernel, out);
    } else if (kernel == 7) {
        const int32_t n = word(r);
        const int8_t *table = block(r), *in = block(r);
        tn_lookup(table, in, out, n);
    } else if (kernel <= 9) {
        pool(r, kernel, out);
    } else if (kernel == 10) {
        const int32_t n = word(r);
        const void *sum = block(r);
        memcpy(out, sum, (size_t)n * 4);
        tn_accumulate(out, block(r), n);
    } else if (kernel == 11) {
        const void *p = block(r);
        const int32_t n = word(r);
        tn_mean_row(p, block(r), out, n);
    } else {
        const int32_t n = word(r);
        const tn_softmax p = {block(r)};
        tn_softmax_row(&p, block(r), out, n);
    }
}

void model_invoke(const int8_t *in, int8_t *out) {
    reader r = {.next = in};
    for (int32_t left = word(&r); left > 0; left--) {
        const int32_t kernel = word(&r), bytes = word(&r);
#ifdef ON_HOST
        void *exact = malloc((size_t)bytes);
        run(&r, kernel, exact);
        memcpy(out, exact, (size_t)bytes);
        free(exact);
        while (r.n_copies > 0) {
            free(r.copies[--r.n_copies]);
        }
#else
        run(&r, kernel, out);
#endif
        out += (bytes + 3) / 4 * 4;
    }
}

#ifdef ON_HOST

/* The standard input: bytes of input and of output, then the input. */
int main(void) {
    int32_t sizes[2];
    if (fread(sizes, sizeof sizes, 1, stdin) != 1) {
        return 1;
    }
    int8_t *in = malloc((size_t)sizes[0]), *out = calloc((size_t)sizes[1], 1);
    if (fread(in, 1, (size_t)sizes[0], stdin) != (size_t)sizes[0]) {
        return 1;
    }
    model_invoke(in, out);
    fwrite(out, 1, (size_t)sizes[1], stdout);
    free(in);
    free(out);
    return 0;
}

#endif
