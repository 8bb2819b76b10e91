#include "core/text.h"

#include "core/crc.h"
#include "core/platform.h"

#define QUOTED_CHARACTERS 24

static FIRMWARE_DATA uint32_t reply_crc;

void put_begin(const char *question, uint32_t n) { reply_crc = crc32(0, (const uint8_t *)question, n); }

static void put_character(char c) {
    const uint8_t byte = (uint8_t)c;
    reply_crc = crc32(reply_crc, &byte, 1);
    serial_put(c);
}

void put_crc(void) {
    const uint32_t crc = reply_crc; /* of what comes before this line */
    put_text("m-crc-[");
    put_hex(crc, 8);
    put_line("]");
}

void put_text(const char *text) {
    while (*text) {
        put_character(*text++);
    }
}

void put_line(const char *text) {
    put_text(text);
    put_text("\r\n");
}

void put_error(const char *text) {
    put_text("e-[");
    put_text(text);
    put_line("]");
}

/* A hyphen is left out as well: no quotation can then spell m-ready, which hosts look for anywhere in a line. */
void put_quoted(const char *text) {
    for (int i = 0; text[i] && i < QUOTED_CHARACTERS; i++) {
        const char c = text[i];
        put_character(c > ' ' && c < 0x7F && c != '[' && c != ']' && c != '-' ? c : '?');
    }
}

void put_hex(uint32_t value, int digits) {
    while (digits--) {
        put_character("0123456789abcdef"[value >> (4 * digits) & 15]);
    }
}

/* Schoolbook division by ten in pieces of 16 bits: a 64-bit division would pull in a library. */
static uint32_t divide_by_ten(uint64_t *value) {
    uint32_t rest = 0;
    for (int shift = 48; shift >= 0; shift -= 16) {
        const uint32_t part = rest << 16 | (uint32_t)(*value >> shift & 0xFFFF);
        *value = (*value & ~((uint64_t)0xFFFF << shift)) | (uint64_t)(part / 10) << shift;
        rest = part % 10;
    }
    return rest;
}

static void put_padded(uint64_t value, int digits) {
    char text[20];
    int n = 0;
    do {
        text[n++] = (char)('0' + divide_by_ten(&value));
    } while (value || n < digits);
    while (n--) {
        put_character(text[n]);
    }
}

void put_unsigned(uint64_t value) { put_padded(value, 1); }

void put_real(float value) {
    if (!(value - value == 0.0f)) { /* infinite or no number */
        put_text(value > 0.0f ? "inf" : value < 0.0f ? "-inf" : "nan");
        return;
    }
    if (value < 0.0f) {
        put_character('-');
        value = -value;
    }
    int exponent = 0; /* none for the numbers that networks make */
    for (; value >= 1e9f; exponent++) {
        value *= 0.1f;
    }
    for (; value > 0.0f && value < 0.1f; exponent--) {
        value *= 10.0f;
    }
    uint32_t whole = (uint32_t)value, decimals = (uint32_t)((value - (float)whole) * 1e7f + 0.5f);
    if (decimals >= 10000000u) {
        whole++;
        decimals -= 10000000u;
    }
    put_unsigned(whole);
    put_character('.');
    put_padded(decimals, 7);
    if (exponent) {
        put_text(exponent < 0 ? "e-" : "e");
        put_unsigned((uint64_t)(exponent < 0 ? -exponent : exponent));
    }
}
