/* A model that tinynas compiled to C: model.h and model.c. */
#include <stddef.h>

#include "core/platform.h"
#include "engine.h"
#include "model.h"

const char engine_name[] = "aot";
const char engine_model_id[] = DUT_MODEL_ID;
const char engine_model_hash[] = MODEL_HASH;

static int8_t input[MODEL_INPUT_BYTES] __attribute__((aligned(4)));
static int8_t output[MODEL_OUTPUT_BYTES] __attribute__((aligned(4)));
static float results[MODEL_OUTPUT_BYTES]; /* one int8 value each */

const char *engine_problem(void) { return NULL; }
uint8_t *engine_input(void) { return (uint8_t *)input; }
uint32_t engine_input_bytes(void) { return MODEL_INPUT_BYTES; }
const uint8_t *engine_output(void) { return (const uint8_t *)output; }
uint32_t engine_output_bytes(void) { return MODEL_OUTPUT_BYTES; }
uint32_t engine_arena_bytes(void) { return MODEL_ARENA_BYTES; }
uint32_t engine_static_bytes(void) { return memory_static_bytes(); }

static void input_arrives(void) {}

#include "engine_public.h"

void engine_invoke(void) { model_invoke(input, output); }

const float *engine_results(void) {
    model_result(output, results);
    return engine_public_results(results);
}

#ifdef MODEL_HOOKS
static uint32_t cycles[MODEL_OPERATORS], began;

void model_hook(int32_t operator_number, int32_t done) {
    const uint32_t now = clock_cycles();
    if (done) {
        cycles[operator_number] += now - began;
    }
    began = clock_cycles();
}

const uint32_t *engine_operator_cycles(uint32_t *count) {
    for (uint32_t i = 0; i < MODEL_OPERATORS; i++) {
        cycles[i] = 0;
    }
    engine_invoke();
    *count = MODEL_OPERATORS;
    return cycles;
}
#else
const uint32_t *engine_operator_cycles(uint32_t *count) {
    *count = 0;
    return NULL;
}
#endif
