/* The device under test of the MLPerf Tiny benchmark: commands end with %, every reply with the line m-ready. */
#ifndef DUT_DUT_H
#define DUT_DUT_H

#include <stdbool.h>
#include <stdint.h>

/* Characters of a command: room for `db`, 256 bytes in hex and their CRC. */
#define DUT_COMMAND_CHARACTERS 540
#define DUT_WORDS 5

/* The lines after a reset; what was received before them is thrown away. */
void dut_start(void);
/* One character from the host; the last one of a command has it carried out. */
void dut_receive(char c);

/* A command's words, at least one. Beyond DUT_WORDS they are counted, but not kept. */
typedef struct {
    uint32_t count;
    char *word[DUT_WORDS];
} dut_words;

/* Each prints its reply but for the closing m-ready. */
void dut_name(const dut_words *words);
void dut_profile(const dut_words *words);
void dut_timestamp(const dut_words *words);
void dut_db(const dut_words *words);
void dut_infer(const dut_words *words);
void dut_results(const dut_words *words);
void dut_info(const dut_words *words);
void dut_memory(const dut_words *words);
void dut_output(const dut_words *words);
void dut_operators(const dut_words *words);
void dut_crash(const dut_words *words);

void dut_put_lap(void);
/* Whether an input of the right length is loaded; says why not. */
bool dut_input_ready(void);

/* A whole number of up to nine digits; false for anything else. */
bool dut_number(const char *text, uint32_t *value);
/* Exactly this many hex digits at the start of a text; false for anything else. */
bool dut_hex(const char *text, int digits, uint32_t *value);

#endif
