/* Text to the host, piece by piece: there is no buffer for a line. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stdint.h>

/* Begins a reply: its CRC-32 counts the bytes of the question, then every byte that is put. */
void put_begin(const char *question, uint32_t n);
/* m-crc-[8 hex digits] and the end of the line: the CRC-32 of the question and of all that was put since. */
void put_crc(void);
void put_text(const char *text);
/* Text and the end of the line. */
void put_line(const char *text);
/* Text from the host, made harmless: up to a few characters, nothing that would end a reply or its brackets. */
void put_quoted(const char *text);
void put_unsigned(uint64_t value);
void put_hex(uint32_t value, int digits);
/* A decimal number of at least seven digits, as Python's float() reads it. */
void put_real(float value);
/* e-[text] and the end of the line. */
void put_error(const char *text);

#endif
