/* Between the protocol and whatever runs the model. */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "dut/words.h"

/* What a build may say of its model. */
#ifndef DUT_MODEL_ID
#define DUT_MODEL_ID "tinynas"
#endif
#ifndef MODEL_HASH
#define MODEL_HASH "unknown"
#endif

extern const char engine_name[];       /* aot: compiled ahead of time; tflm: interpreted */
extern const char engine_model_id[];   /* what public runners know the model by */
extern const char engine_model_hash[]; /* what tinynas knows it by */

/* Why the model cannot run, or why its last inference went wrong; NULL where nothing did. */
const char *engine_problem(void);

/* The input as the model takes it; the caller writes it. */
uint8_t *engine_input(void);
uint32_t engine_input_bytes(void);
/* Bytes of an input as public runners send it. */
uint32_t engine_public_bytes(void);
/* Bytes of an input from a position on, within its size: as the model takes them, or in the public form, which is
 * converted. No bytes of the model's own form: others have written them. */
void engine_put(uint32_t at, const uint8_t *bytes, uint32_t n, bool public_form);
/* A byte of what arrived in the public form. */
uint8_t engine_public_byte(uint32_t at);
/* The bytes of the last inference. */
const uint8_t *engine_output(void);
uint32_t engine_output_bytes(void);
uint32_t engine_arena_bytes(void);
/* Variables of the whole image, the arena among them. */
uint32_t engine_static_bytes(void);

void engine_invoke(void);

/* The last output as real numbers, engine_result_count() of them. */
const float *engine_results(void);
uint32_t engine_result_count(void);

/* A command that only this image has: carried out, or false. Images without one leave the function out. */
bool engine_command(const dut_words *words) __attribute__((weak));

/* One more inference that counts the cycles of each operator; NULL where the model was compiled without hooks. */
const uint32_t *engine_operator_cycles(uint32_t *count);

#endif
