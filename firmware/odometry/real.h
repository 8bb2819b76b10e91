/* Arithmetic that every target does alike. */
#ifndef ODOMETRY_REAL_H
#define ODOMETRY_REAL_H

/* GCC contracts nothing under -std=c11, and under -std=gnu11, Arduino's, only where it is not told. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__) && !defined(__STRICT_ANSI__)
#pragma GCC optimize("fp-contract=off")
#endif

/* The square root of what is not negative: one instruction, rounded as IEEE 754 has it. */
static inline float root(float x) {
#if defined(__ARM_FP) && (__ARM_FP & 4)
    float y;
    __asm__("vsqrt.f32 %0, %1" : "=t"(y) : "t"(x));
    return y;
#elif defined(__SSE2__)
    typedef float four __attribute__((vector_size(16)));
    const four x4 = {x};
    return __builtin_ia32_sqrtss(x4)[0];
#else
    return __builtin_sqrtf(x);
#endif
}

static inline float magnitude(float x) { return x < 0.0f ? -x : x; }

static inline float clip(float x, float most) { return x > most ? most : x < -most ? -most : x; }

#endif
