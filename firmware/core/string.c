/* The functions of the C library that a freestanding compiler may call on its own. Kernels copy rows with them, so
 * they move words: these cores load and store words at any address. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint32_t __attribute__((aligned(1), may_alias)) word;

void *(memcpy)(void *restrict to, const void *restrict from, size_t n) {
    uint8_t *out = to;
    const uint8_t *in = from;
    for (; n >= sizeof(word); n -= sizeof(word), in += sizeof(word), out += sizeof(word)) {
        *(word *)out = *(const word *)in;
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
    for (; n >= sizeof(word); n -= sizeof(word), out += sizeof(word)) {
        *(word *)out = pattern;
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
