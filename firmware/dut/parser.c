/* Characters to commands. Whatever arrives, nothing is written beyond the buffer and each % is answered once. */
#include <stddef.h>
#include <string.h>

#include "core/platform.h"
#include "core/text.h"
#include "dut/commands.h"
#include "dut/dut.h"
#include "dut/lap.h"
#include "dut/words.h"
#include "engine.h"

typedef struct {
    const char *name;
    void (*run)(const dut_words *words);
    bool counts; /* the reply holds figures: a CRC-32 follows it */
} command;

static void help(const dut_words *words);

static const command commands[] = {
    {"name", dut_name, false},      {"profile", dut_profile, false}, {"timestamp", dut_timestamp, true},
    {"help", help, false},          {"db", dut_db, false},           {"infer", dut_infer, true},
    {"results", dut_results, true}, {"x-info", dut_info, true},      {"x-mem", dut_memory, true},
    {"x-in", dut_input, true},      {"x-out", dut_output, true},     {"x-ops", dut_operators, true},
    {"x-crash", dut_crash, false},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static FIRMWARE_DATA char line[DUT_COMMAND_CHARACTERS + 1];
static FIRMWARE_DATA uint32_t length; /* of what was received, also beyond the buffer's end */

static void help(const dut_words *words) {
    (void)words;
    put_line("A command ends with %. Commands:");
    for (uint32_t i = 0; i < COMMANDS; i++) {
        put_text("  ");
        put_line(commands[i].name);
    }
    put_line("db load <bytes>, db <hex> [crc <8 hex digits>], db print; infer [<inferences> [<warm-ups>]]");
}

/* Cuts the line at its blanks. */
static dut_words split(char *at) {
    dut_words words = {0};
    for (;;) {
        while (*at == ' ') {
            *at++ = '\0';
        }
        if (!*at) {
            return words;
        }
        if (words.count < DUT_WORDS) {
            words.word[words.count] = at;
        }
        words.count++;
        while (*at && *at != ' ') {
            at++;
        }
    }
}

static void carry_out(void) {
    put_begin(line, length);
    const dut_words words = split(line);
    if (words.count == 0) {
        return;
    }
    for (uint32_t i = 0; i < COMMANDS; i++) {
        if (strcmp(words.word[0], commands[i].name) == 0) {
            commands[i].run(&words);
            if (commands[i].counts) {
                put_crc();
            }
            return;
        }
    }
    if (engine_command != NULL && engine_command(&words)) {
        put_crc();
        return;
    }
    put_text("e-[Unknown command: ");
    put_quoted(words.word[0]);
    put_line("]");
}

void dut_receive(char c) {
    if (c == '\r' || c == '\n' || c == '\0') { /* of people who type; a NUL would hide what follows it */
        return;
    }
    if (c != '%') {
        if (length < DUT_COMMAND_CHARACTERS) {
            line[length] = c;
        }
        length += length <= DUT_COMMAND_CHARACTERS;
        return;
    }
    if (length > DUT_COMMAND_CHARACTERS) {
        put_error("Command too long"); /* half of it might mean something else */
    } else {
        line[length] = '\0';
        carry_out();
    }
    length = 0;
    put_line("m-ready");
}

void dut_start(void) {
    put_line("m-timestamp-mode-" DUT_MODE);
    dut_put_lap();
    put_line("m-init-done");
    put_line("m-ready");
    serial_flush();
}
