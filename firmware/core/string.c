/* The functions of the C library that a freestanding compiler may call on its own. Kernels copy rows with them, so
 * they move words where the core can: at any address, or on an Armv6-M core at multiples of four only. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __ARM_FEATURE_UNALIGNED
typedef uint32_t __attribute__((aligned(1), may_alias)) word;
#define IN_WORDS(addresses) 1
#else
typedef uint32_t __attribute__((may_alias)) word;
#define IN_WORDS(addresses) (((addresses) & (sizeof(word) - 1)) == 0)
#endif

void *(memcpy)(void *restrict to, const void *restrict from, size_t n) {
    uint8_t *out = to;
    const uint8_t *in = from;
    const int words = IN_WORDS((uintptr_t)to | (uintptr_t)from);
    for (; words && n >= sizeof(word); n -= sizeof(word), in += sizeof(word), out += sizeof(word)) {
        *(word *)(void *)out = *(const word *)(const void *)in;
    }
    while (n--) {
        *out++ = *in++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t n) {
    uint8_t *out = to;
    const uint8_t *in = from;
    if ((uintptr_t)out - (uintptr_t)in >= n) { /* also where `to` lies below: the difference wraps */
        while (n--) {
            *out++ = *in++;
        }
    } else {
        while (n--) {
            out[n] = in[n];
        }
    }
    return to;
}

void *(memset)(void *to, int value, size_t n) {
    uint8_t *out = to;
    const uint32_t pattern = (uint8_t)value * 0x01010101u;
    const int words = IN_WORDS((uintptr_t)to);
    for (; words && n >= sizeof(word); n -= sizeof(word), out += sizeof(word)) {
        *(word *)(void *)out = pattern;
    }
    while (n--) {
        *out++ = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t n) {
    const uint8_t *x = a, *y = b;
    for (; n--; x++, y++) {
        if (*x != *y) {
            return *x - *y;
        }
    }
    return 0;
}

size_t strlen(const char *text) {
    size_t n = 0;
    while (text[n]) {
        n++;
    }
    return n;
}

int strcmp(const char *a, const char *b) {
    while (*a && *a == *b) {
        a++, b++;
    }
    return (uint8_t)*a - (uint8_t)*b;
}
