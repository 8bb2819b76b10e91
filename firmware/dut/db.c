/* The input buffer: `db load`, `db <hex>`, `db print`. */
#include <stddef.h>
#include <string.h>

#include "core/crc.h"
#include "core/platform.h"
#include "core/text.h"
#include "dut/commands.h"
#include "dut/input.h"
#include "engine.h"

static FIRMWARE_DATA uint32_t expected, received; /* bytes; 0 expected: nothing to load */
static FIRMWARE_DATA bool public_form;            /* of what was received: without checksums, as public runners send it */

static uint32_t most_bytes(void) {
    const uint32_t own = engine_input_bytes(), theirs = engine_public_bytes();
    return own > theirs ? own : theirs;
}

static void load(const dut_words *words) {
    uint32_t bytes;
    if (!dut_engine_works()) {
        /* It has said why. */
    } else if (words->count < 3) {
        put_error("Command 'db load' requires the # of bytes");
    } else if (!dut_number(words->word[2], &bytes) || bytes == 0) {
        put_error("Command 'db load' must be >0 bytes");
    } else if (bytes > most_bytes()) {
        put_text("e-[Command 'db load' takes up to ");
        put_unsigned(most_bytes());
        put_line(" bytes]");
    } else {
        expected = bytes;
        received = 0;
        put_text("m-[Expecting ");
        put_unsigned(bytes);
        put_line(" bytes]");
        return;
    }
    /* After a load that was refused, chunks must not end up where an earlier one left off. */
    expected = received = 0;
}

/* Hex to bytes within the text itself; the bytes before a pair that is not hex. */
static uint32_t decoded(char *hex, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; i++) {
        uint32_t value;
        if (!dut_hex(hex + 2 * i, 2, &value)) {
            const char pair[] = {hex[2 * i], hex[2 * i + 1], '\0'};
            put_text("e-[Invalid hex digit '");
            put_quoted(pair);
            put_line("']");
            return i;
        }
        hex[i] = (char)value;
    }
    return bytes;
}

static void keep(const uint8_t *bytes, uint32_t n) {
    const uint32_t room = expected - received, kept = n < room ? n : room;
    engine_put(received, bytes, kept, public_form);
    received += kept;
    if (kept > 0 && received == expected) {
        put_line("m-load-done");
    }
}

static void chunk(const dut_words *words) {
    const uint32_t digits = (uint32_t)strlen(words->word[1]), bytes = digits / 2;
    const bool with_crc = words->count == 4 && strcmp(words->word[2], "crc") == 0;
    uint32_t crc = 0;
    if (expected == 0) {
        put_error("Command 'db load' comes first");
    } else if (digits % 2) {
        put_error("Insufficent number of hex digits"); /* spelt as in the reference */
    } else if (words->count > 2 && !with_crc) {
        put_error("Command 'db' takes one word of hex digits");
    } else if (with_crc && (strlen(words->word[3]) != 8 || !dut_hex(words->word[3], 8, &crc))) {
        put_error("crc");
    } else {
        const uint32_t n = decoded(words->word[1], bytes);
        const uint8_t *data = (const uint8_t *)words->word[1];
        if (received == 0 || engine_public_bytes() == engine_input_bytes()) {
            public_form = !with_crc;
        }
        if (public_form == with_crc || (with_crc && expected > engine_input_bytes())) {
            put_error("Chunks come all with a CRC, or all without one");
        } else if (!with_crc || (n == bytes && crc32(0, data, n) == crc)) {
            keep(data, n);
        } else if (n == bytes) { /* where n is less, the error was told */
            put_error("crc");
        }
    }
}

static void print(void) {
    for (uint32_t i = 0; i < received; i++) {
        put_text(i % 8 == 0 ? "m-buffer-" : "-");
        put_hex(public_form ? engine_public_byte(i) : engine_input()[i], 2);
        if (i % 8 == 7 || i + 1 == received) {
            put_line("");
        }
    }
}

void dut_db(const dut_words *words) {
    if (words->count < 2) {
        put_error("Command 'db' requires a subcommand");
    } else if (strcmp(words->word[1], "load") == 0) {
        load(words);
    } else if (strcmp(words->word[1], "print") == 0) {
        print();
    } else {
        chunk(words);
    }
}

/* Where the input lies and what it holds. With a size and a CRC-32 before: a probe has put it there. */
void dut_input(const dut_words *words) {
    uint32_t bytes = received < engine_input_bytes() ? received : engine_input_bytes(), told = 0;
    const bool placed = words->count > 2;
    if (!dut_engine_works()) {
        return;
    }
    if (placed && (!dut_number(words->word[1], &bytes) || bytes > engine_input_bytes() ||
                   !dut_hex(words->word[2], 8, &told))) {
        put_error("crc");
        return;
    }
    const uint32_t crc = crc32(0, engine_input(), bytes);
    if (placed && crc != told) {
        expected = received = 0;
        put_error("crc");
        return;
    }
    if (placed) {
        expected = received = bytes;
        public_form = false;
        engine_put(0, NULL, 0, false);
    }
    put_text("m-in-[at=");
    put_hex((uint32_t)(uintptr_t)engine_input(), 8);
    put_text(",bytes=");
    put_unsigned(bytes);
    put_text(",crc=");
    put_hex(crc, 8);
    put_line("]");
}

bool dut_input_ready(void) {
    const uint32_t whole = public_form ? engine_public_bytes() : engine_input_bytes();
    if (received > 0 && received == whole) {
        return true;
    }
    put_text("e-[Loaded ");
    put_unsigned(received);
    put_text(" bytes, the model takes ");
    put_unsigned(whole);
    put_line("]");
    return false;
}
