/* Matrix times column: convolutions and fully connected layers. */
#ifndef TN_MATRIX_H
#define TN_MATRIX_H

#include "tn_dsp.h"

typedef struct {
    const int8_t *weights;     /* by pairs of channels, by groups of 4 inputs: 4 of the first, 4 of the second */
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

/* What the loop over pairs of channels keeps on the stack; the assembly knows the places. */
typedef struct {
    int32_t rounding; /* of a right shift by 1; 0: the general requantisation */
    const int32_t *multiplier;
    const int8_t *shift;
    int8_t *out_a, *out_b;
    const int16_t *a, *b;
    const void *entry; /* into the first round of the inner loop */
    int32_t rounds;    /* of 4 groups; the first may be shorter */
    const int32_t *bias;
    int32_t rest; /* channels not yet computed */
    int32_t sum_a[2], sum_b[2];
    const tn_matrix *p;
} tn_pairs;

_Static_assert(offsetof(tn_pairs, rest) == 40 && offsetof(tn_pairs, p) == 60, "see tn_pairs_run");
_Static_assert(offsetof(tn_matrix, zero) == 24 && offsetof(tn_matrix, left) == 36, "see tn_pairs_run");

/* The general requantisation of one pair. Returns how many channels are left. */
TN_RARE int32_t tn_pairs_output(tn_pairs *f) {
    const int32_t c = f->p->channels - f->rest;
    for (int32_t k = 0; k < 2; k++) {
        tn_output(f->p, c + k, f->sum_a[k], f->out_a);
        tn_output(f->p, c + k, f->sum_b[k], f->out_b);
    }
    f->rest -= 2;
    return f->rest;
}

/* 2 channels x 2 columns x 4 inputs: sums r2, r3 of a and r4, r5 of b; columns r0, r1; weights r8. The packed weights
 * are needed twice each and therefore unpacked first; both columns share r9 and r10. */
#define TN_GROUP_2X2                  \
    "ldrd r6, r7, [r8], #8\n\t"       \
    "ldrd r9, r10, [r0], #8\n\t"      \
    "sxtb16 r11, r6\n\t"             \
    "sxtb16 r6, r6, ror #8\n\t"      \
    "sxtb16 r12, r7\n\t"             \
    "sxtb16 r7, r7, ror #8\n\t"      \
    "smlad r2, r11, r9, r2\n\t"      \
    "smlad r3, r12, r9, r3\n\t"      \
    "smlad r2, r6, r10, r2\n\t"      \
    "smlad r3, r7, r10, r3\n\t"      \
    "ldrd r9, r10, [r1], #8\n\t"      \
    "smlad r4, r11, r9, r4\n\t"      \
    "smlad r5, r12, r9, r5\n\t"      \
    "smlad r4, r6, r10, r4\n\t"      \
    "smlad r5, r7, r10, r5\n\t"

/* tn_scale_fast of one sum: multiplier r10, less r11 (only its lowest byte counts), rounding r12. */
#define TN_OUTPUT(sum, to)                           \
    "lsl " sum ", " sum ", #1\n\t"                   \
    "smmlar lr, " sum ", r10, r12\n\t"              \
    "add " sum ", lr, " sum ", asr #31\n\t"         \
    "asr " sum ", " sum ", r11\n\t"                 \
    "ssat " sum ", #8, " sum ", asr #1\n\t"         \
    "strb " sum ", [" to "], #1\n\t"

/* The inner loop takes all 14 registers, which a compiler does not manage without copies in it; around it, one LDM and
 * one STM move what it would load and store one by one. Where groups is no multiple of 4, the first round begins in the
 * midst of the loop: a group is 15 instructions of 4 bytes. */
TN_NAKED void tn_pairs_run(TN_UNUSED const tn_matrix *p, TN_UNUSED const int16_t *a, TN_UNUSED const int16_t *b,
                           TN_UNUSED int8_t *out_a, TN_UNUSED int8_t *out_b) {
    __asm__ volatile("push {r4-r11, lr}\n\t"
                     "sub sp, #68\n\t"
                     "ldrd r8, r4, [r0, #0]\n\t" /* weights, bias */
                     "ldrd r6, r7, [r0, #8]\n\t" /* multiplier, shift */
                     "ldrd r9, r10, [r0, #16]\n\t" /* groups, channels */
                     "ldr r5, [r0, #24]\n\t" /* zero */
                     "ldr r11, [r0, #36]\n\t" /* left */
                     "ldr r12, [sp, #104]\n\t" /* out_b */
                     "lsl r5, r5, #1\n\t"
                     "add r5, r5, #1\n\t"
                     "cmp r11, #0\n\t"
                     "it ne\n\t"
                     "movne r5, #0\n\t"
                     "stm sp, {r5, r6, r7}\n\t"
                     "strd r3, r12, [sp, #12]\n\t"
                     "strd r1, r2, [sp, #20]\n\t"
                     "rsb r5, r9, #0\n\t" /* groups that the first round leaves out */
                     "and r5, r5, #3\n\t"
                     "mov r6, #60\n\t"
                     "adr r7, 2f\n\t"
                     "mla r7, r5, r6, r7\n\t"
                     "orr r7, r7, #1\n\t"
                     "add r9, r9, #3\n\t"
                     "lsr r9, r9, #2\n\t"
                     "strd r7, r9, [sp, #28]\n\t"
                     "strd r4, r10, [sp, #36]\n\t"
                     "str r0, [sp, #60]\n"
                     "1:\n\t" /* a pair of channels */
                     "ldr r0, [sp, #36]\n\t"
                     "ldrd r2, r3, [r0]\n\t"
                     "ldrd r4, r5, [r0], #8\n\t"
                     "str r0, [sp, #36]\n\t"
                     "ldrd r0, r1, [sp, #20]\n\t"
                     "ldrd r6, lr, [sp, #28]\n\t"
                     "bx r6\n\t"
                     ".p2align 2\n"
                     "2:\n\t" /* 16 inputs */
                     TN_GROUP_2X2 TN_GROUP_2X2 TN_GROUP_2X2 TN_GROUP_2X2
                     "subs lr, lr, #1\n\t"
                     "bgt 2b\n\t"
                     "ldm sp, {r0, r1, r6, r7, r9}\n\t" /* rounding, multiplier, shift, out_a, out_b */
                     "cbnz r0, 4f\n\t"
                     "add r0, sp, #44\n\t"
                     "stm r0, {r2, r3, r4, r5}\n\t"
                     "mov r0, sp\n\t"
                     "bl %c0\n\t"
                     "cmp r0, #0\n\t"
                     "bgt 1b\n\t"
                     "b 5f\n"
                     "4:\n\t" /* the fast requantisation; both shifts inverted at once */
                     "ldr r10, [r1], #4\n\t"
                     "ldrh r11, [r6], #2\n\t"
                     "mvn r11, r11\n\t"
                     "lsl r12, r0, r11\n\t"
                     TN_OUTPUT("r2", "r7") TN_OUTPUT("r4", "r9")
                     "ldr r2, [sp, #40]\n\t"
                     "subs r2, r2, #2\n\t" /* nothing up to the end of the loop changes the flags */
                     "str r2, [sp, #40]\n\t"
                     "bmi 5f\n\t"
                     "ldr r10, [r1], #4\n\t"
                     "lsr r11, r11, #8\n\t"
                     "lsl r12, r0, r11\n\t"
                     TN_OUTPUT("r3", "r7") TN_OUTPUT("r5", "r9")
                     "stm sp, {r0, r1, r6, r7, r9}\n\t"
                     "bgt 1b\n"
                     "5:\n\t"
                     "add sp, #68\n\t"
                     "pop {r4-r11, pc}"
                     :
                     : "i"(tn_pairs_output)
                     : "memory");
}

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
    tn_pairs_run(p, a, b, out_a, out_b);
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

/* sum0 and sum1: of a pair of channels, so that each value of the column is loaded once. */
#define TN_PRODUCTS(k, x)                      \
    sum0 = tn_plus(sum0, weights[k] * (x));    \
    sum1 = tn_plus(sum1, weights[4 + (k)] * (x));

TN_KERNEL void tn_matmul1(const tn_matrix *p, const int16_t *a, int8_t *out) {
    const int8_t *weights = p->weights;
    for (int32_t c = 0; c < p->channels; c += 2) {
        int32_t sum0 = p->bias[c], sum1 = p->bias[c + 1];
        const int16_t *column = a;
        for (int32_t g = p->groups; g > 0; g--, weights += 8, column += 4) {
            TN_PRODUCTS(0, column[0])
            TN_PRODUCTS(2, column[1])
            TN_PRODUCTS(1, column[2])
            TN_PRODUCTS(3, column[3])
        }
        tn_output(p, c, sum0, out);
        tn_output(p, c + 1, sum1, out);
    }
}

TN_KERNEL void tn_matmul2(const tn_matrix *p, const int16_t *a, const int16_t *b, int8_t *out_a, int8_t *out_b) {
    tn_matmul1(p, a, out_a);
    tn_matmul1(p, b, out_b);
}

#endif
#endif
