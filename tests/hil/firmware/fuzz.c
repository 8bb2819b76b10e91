/* libFuzzer's part: an input is what a host sends; state stays from one to the next, as on a board. */
#include <ctype.h>
#include <string.h>

#define serial_put host_serial_put
#include "host.c"
#undef serial_put

#include "dut/dut.h"

void serial_put(char byte);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char line[1u << 12];
static size_t length;
static unsigned ready; /* lines "m-ready" */

void serial_put(char byte) {
    if (byte != '\n') {
        line[length++ % sizeof line] = byte;
        return;
    }
    ready += length == 8 && memcmp(line, "m-ready\r", 8) == 0;
    length = 0;
}

/* Whether a number in it asks for minutes of inferences: five digits to nine; longer ones are refused by the firmware. */
static int takes_long(const uint8_t *data, size_t size) {
    size_t digits = 0;
    for (size_t i = 0; i <= size; i++) {
        if (i < size && isdigit(data[i])) {
            digits++;
        } else if (i < size && strchr("\r\n", data[i])) { /* passed over: digits on both sides are one number */
            continue;
        } else {
            if (digits >= 5 && digits <= 9) {
                return 1;
            }
            digits = 0;
        }
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (takes_long(data, size)) {
        return -1;
    }
    unsigned asked = 1;
    ready = 0;
    for (size_t i = 0; i < size; i++) {
        asked += data[i] == '%';
        dut_receive((char)data[i]);
    }
    dut_receive('%'); /* what is left of the input is no beginning of the next */
    if (ready != asked) { /* every % is answered once */
        abort();
    }
    return 0;
}
