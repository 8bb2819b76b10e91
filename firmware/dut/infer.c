/* Inferences and their results. */
#include <stddef.h>

#include "board.h"
#include "core/platform.h"
#include "core/text.h"
#include "dut/commands.h"
#include "dut/input.h"
#include "dut/lap.h"
#include "engine.h"

#define DEFAULT_WARMUPS 10

static FIRMWARE_DATA bool inferred;
static FIRMWARE_DATA uint32_t inferences_run; /* since the reset */

uint32_t dut_inferences(void) { return inferences_run; }

static void put_count(const char *text, uint32_t count) {
    put_text(text);
    put_unsigned(count);
    put_line("");
}

static void put_results(void) {
    const float *results = engine_results();
    put_text("m-results-[");
    for (uint32_t i = 0; i < engine_result_count(); i++) {
        put_text(i ? "," : "");
        put_real(results[i]);
    }
    put_line("]");
}

bool dut_engine_works(void) {
    const char *problem = engine_problem();
    if (problem != NULL) {
        put_error(problem);
    }
    return problem == NULL;
}

static void repeat(uint32_t times) {
    inferences_run += times;
    while (times--) {
        engine_invoke();
    }
}

void dut_infer(const dut_words *words) {
    uint32_t inferences = 1, warmups = DEFAULT_WARMUPS;
    if (words->count > 1 && (!dut_number(words->word[1], &inferences) || inferences == 0)) {
        put_error("Inference iterations must be >0");
        return;
    }
    if (words->count > 2 && !dut_number(words->word[2], &warmups)) {
        put_error("Inference warmup must be >=0");
        return;
    }
    if (!dut_input_ready() || !dut_engine_works()) {
        return;
    }
    put_count("m-warmup-start-", warmups);
    repeat(warmups);
    put_line("m-warmup-done");
    put_count("m-infer-start-", inferences);
    /* Both laps are told afterwards: the serial port would take longer for the first than many a model for a window. */
    trigger_pulse();
    const uint64_t start = clock_microseconds();
    repeat(inferences);
    const uint64_t end = clock_microseconds();
    trigger_pulse();
    dut_put_time(start);
    dut_put_time(end);
    put_line("m-infer-done");
    inferred = dut_engine_works();
    if (inferred) {
        put_results();
    }
}

static bool results_ready(void) {
    if (!inferred) {
        put_error("No inference yet");
    }
    return inferred;
}

void dut_results(const dut_words *words) {
    (void)words;
    if (results_ready()) {
        put_results();
    }
}

void dut_output(const dut_words *words) {
    (void)words;
    if (!results_ready()) {
        return;
    }
    put_text("m-out-[");
    for (uint32_t i = 0; i < engine_output_bytes(); i++) {
        put_hex(engine_output()[i], 2);
    }
    put_line("]");
}

void dut_operators(const dut_words *words) {
    (void)words;
    if (!dut_input_ready() || !dut_engine_works()) {
        return;
    }
    uint32_t count;
    const uint32_t *cycles = engine_operator_cycles(&count);
    if (cycles == NULL) {
        put_error("The model was compiled without hooks");
        return;
    }
    inferred = dut_engine_works();
    if (!inferred) {
        return;
    }
    put_text("m-ops-[");
    for (uint32_t i = 0; i < count; i++) {
        put_text(i ? "," : "");
        put_unsigned(cycles[i]);
    }
    put_line("]");
}
