/* Words to numbers. */
#include "dut/words.h"

bool dut_number(const char *text, uint32_t *value) {
    uint32_t number = 0, digits = 0;
    for (; *text >= '0' && *text <= '9' && digits < 10; text++, digits++) {
        number = 10 * number + (uint32_t)(*text - '0'); /* a tenth digit may wrap, but is refused */
    }
    *value = number;
    return *text == '\0' && digits > 0 && digits < 10;
}

static int digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | ('a' - 'A'));
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool dut_hex(const char *text, int digits, uint32_t *value) {
    *value = 0;
    for (; digits > 0; digits--, text++) {
        const int d = digit(*text);
        if (d < 0) { /* also the text's end */
            return false;
        }
        *value = *value << 4 | (uint32_t)d;
    }
    return true;
}
