/* A compiled model with the filter before it and the path behind it: samples come by `x-push`. */
#include <string.h>

#include "core/text.h"
#include "dut/words.h"
#include "engine_aot.c"
#include "path_settings.h"

static path walk;

static void put_bits(const char *name, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_text(name);
    put_hex(bits, 8);
}

/* Nine numbers, each as the eight hex digits of its bits. */
static bool read_sample(const char *text, float sample[9]) {
    for (uint32_t i = 0; i < 9; i++) {
        uint32_t bits;
        if (!dut_hex(text + 8 * i, 8, &bits)) {
            return false;
        }
        memcpy(&sample[i], &bits, sizeof bits);
    }
    return text[72] == '\0';
}

/* x-push start: begin with an empty window. x-push primed: with a window that lacks one stride, of what the input holds.
 * x-push <72 hex digits>: one sample of force, rate and field. */
bool engine_command(const dut_words *words) {
    float sample[9];
    uint32_t cycles = 0, fresh = 0;
    if (strcmp(words->word[0], "x-push") != 0) {
        return false;
    }
    const char *const what = words->count > 1 ? words->word[1] : "";
    if (strcmp(what, "start") == 0 || strcmp(what, "primed") == 0) {
        path_start(&walk, &settings, input);
        walk.filled = what[0] == 'p' ? settings.window - settings.stride : 0;
    } else if (walk.window != NULL && read_sample(what, sample)) {
        const uint32_t began = clock_cycles();
        fresh = (uint32_t)path_push(&walk, &settings, sample, sample + 3, sample + 6);
        cycles = clock_cycles() - began;
    } else {
        put_error("Command 'x-push' takes start, primed, or 72 hex digits after one of them");
        return true;
    }
    put_text("m-push-[cycles=");
    put_unsigned(cycles);
    put_text(",fresh=");
    put_unsigned(fresh);
    put_bits(",vx=", walk.velocity[0]);
    put_bits(",vy=", walk.velocity[1]);
    put_bits(",x=", walk.position[0]);
    put_bits(",y=", walk.position[1]);
    put_line("]");
    return true;
}
