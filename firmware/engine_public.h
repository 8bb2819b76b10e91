/* What public runners of MLPerf Tiny send for the models whose ids they know, and what they expect back. Included by
 * the engines, behind `input_arrives`, which learns that the input is another; a build says which it is:
 *   nothing             int8, as the model takes it (kws01, and ids of one's own)
 *   DUT_INPUT_UINT8     pixels from 0 to 255 (ic01, vww01)
 *   DUT_INPUT_FLOAT32   little-endian numbers, of which DUT_INPUT_SCALE and DUT_INPUT_ZERO make int8; the result is the
 *                       mean squared error of the output against them (ad01)
 * What comes with checksums, or by a probe, is tinynas's: int8 in each case. */
#ifndef ENGINE_PUBLIC_H
#define ENGINE_PUBLIC_H

#include <string.h>

#include "engine.h"

#ifdef DUT_INPUT_FLOAT32
#if MODEL_INPUT_BYTES != MODEL_OUTPUT_BYTES
#error "the error of a reconstruction takes as many outputs as inputs"
#endif

static float wide[MODEL_INPUT_BYTES]; /* the input as numbers: as they were sent, or of the bytes that were */

/* Rounded half away from zero, and limited; what is not a number becomes the lowest value. */
static int8_t quantized(float value) {
    float steps = value / DUT_INPUT_SCALE;
    steps = steps > -512.0f ? steps < 512.0f ? steps : 512.0f : -512.0f;
    int32_t whole = (int32_t)steps;
    const float rest = steps - (float)whole;
    whole += (rest >= 0.5f) - (rest <= -0.5f) + DUT_INPUT_ZERO;
    return (int8_t)(whole < -128 ? -128 : whole > 127 ? 127 : whole);
}

static const float *engine_public_results(float *outputs) {
    float sum = 0.0f;
    for (uint32_t i = 0; i < MODEL_INPUT_BYTES; i++) {
        const float apart = outputs[i] - wide[i];
        sum += apart * apart;
    }
    outputs[0] = sum / (float)MODEL_INPUT_BYTES;
    return outputs;
}

uint32_t engine_result_count(void) { return 1; }
#else
static const float *engine_public_results(float *outputs) { return outputs; }

uint32_t engine_result_count(void) { return MODEL_OUTPUT_BYTES; }
#endif

uint32_t engine_public_bytes(void) {
#ifdef DUT_INPUT_FLOAT32
    return sizeof wide;
#else
    return MODEL_INPUT_BYTES;
#endif
}

uint8_t engine_public_byte(uint32_t at) {
#if defined DUT_INPUT_FLOAT32
    return ((const uint8_t *)wide)[at];
#elif defined DUT_INPUT_UINT8
    return engine_input()[at] ^ 0x80u;
#else
    return engine_input()[at];
#endif
}

void engine_put(uint32_t at, const uint8_t *bytes, uint32_t n, bool public_form) {
    uint8_t *const target = engine_input();
    input_arrives();
#ifdef DUT_INPUT_FLOAT32
    if (public_form) {
        memcpy((uint8_t *)wide + at, bytes, n);
        for (uint32_t i = 0; at + n == sizeof wide && i < MODEL_INPUT_BYTES; i++) {
            target[i] = (uint8_t)quantized(wide[i]);
        }
        return;
    }
#elif defined DUT_INPUT_UINT8
    for (uint32_t i = 0; public_form && i < n; i++) {
        target[at + i] = bytes[i] ^ 0x80u;
    }
    if (public_form) {
        return;
    }
#else
    (void)public_form;
#endif
    if (n) {
        memcpy(target + at, bytes, n);
    }
#ifdef DUT_INPUT_FLOAT32
    for (uint32_t i = 0; i < MODEL_INPUT_BYTES; i++) {
        wide[i] = DUT_INPUT_SCALE * (float)((int8_t)target[i] - DUT_INPUT_ZERO);
    }
#endif
}

#endif
