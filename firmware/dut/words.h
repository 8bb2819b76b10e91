/* The words of a command, and what numbers they spell. */
#ifndef DUT_WORDS_H
#define DUT_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#define DUT_WORDS 5

/* A command's words, at least one. Beyond DUT_WORDS they are counted, but not kept. */
typedef struct {
    uint32_t count;
    char *word[DUT_WORDS];
} dut_words;

/* A whole number of up to nine digits; false for anything else. */
bool dut_number(const char *text, uint32_t *value);
/* Exactly this many hex digits at the start of a text; false for anything else. */
bool dut_hex(const char *text, int digits, uint32_t *value);

#endif
