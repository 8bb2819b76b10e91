#include "odometry/path.h"

#include <stddef.h>

#include "odometry/real.h"

void path_start(path *state, const path_settings *settings, int8_t *window) {
    *state = (path){.window = window};
    attitude_start(&state->filter, settings->gains);
    magnetometer_start(&state->iron, NULL);
}

void path_get_hard_iron(const path *state, float bias[3]) {
    for (int32_t i = 0; i < 3; i++) {
        bias[i] = state->iron.bias[i];
    }
}

void path_set_hard_iron(path *state, const float bias[3]) { magnetometer_start(&state->iron, bias); }

/* As the compiled model's name_prepare: rounded half to even, and what is not a number becomes the lowest value. */
static int8_t quantise(float x, int32_t zero, int32_t lowest, int32_t highest) {
    x = x > -256.0f ? x < 256.0f ? x : 256.0f : -256.0f;
    const volatile float rounded = x + 12582912.0f; /* 1.5 2^23 leaves no bits behind the point */
    const int32_t q = (int32_t)(rounded - 12582912.0f) + zero;
    return (int8_t)(q < lowest ? lowest : q > highest ? highest : q);
}

/* Turn the window a quarter: (x, y) becomes (-y, x). */
static void turn(path *state, const path_settings *settings) {
    for (int32_t i = 0; i < settings->window * settings->channels; i += 3) {
        int8_t *const v = state->window + i;
        const int8_t x = v[0];
        v[0] = (int8_t)(2 * settings->zero - v[1]);
        v[1] = x;
    }
}

static void infer(path *state, const path_settings *settings) {
    int32_t x = 0, y = 0;
    for (int32_t quarter = 0; quarter < 4; quarter++) {
        if (quarter % (4 / settings->turns) == 0) {
            int8_t out[2] __attribute__((aligned(4)));
            settings->invoke(state->window, out);
            const int32_t a = out[0] - settings->zero_out, b = out[1] - settings->zero_out;
            const int32_t back[4][2] = {{a, b}, {b, -a}, {-a, -b}, {-b, a}};
            x += back[quarter][0];
            y += back[quarter][1];
        }
        if (settings->turns > 1) {
            turn(state, settings); /* four of them leave the window as it was */
        }
    }
    const float scale = settings->scale / (float)settings->turns;
    state->velocity[0] = (float)x * scale;
    state->velocity[1] = (float)y * scale;
    state->position[0] = state->position[0] + state->velocity[0] * settings->stride_s;
    state->position[1] = state->position[1] + state->velocity[1] * settings->stride_s;
}

/* The field that the filter sees: without the hard iron, or NULL. */
static const float *read_field(path *state, const path_settings *settings, const float gyro[3], const float mag[3],
                               float field[3]) {
    if (mag == NULL || !settings->north) {
        return NULL;
    }
    if (settings->learning != NULL) {
        const float *const b = state->filter.gyro_bias;
        const float turning[3] = {gyro[0] - b[0], gyro[1] - b[1], gyro[2] - b[2]};
        magnetometer_update(&state->iron, settings->learning, turning, mag, field);
    } else {
        for (int32_t i = 0; i < 3; i++) {
            field[i] = mag[i] - state->iron.bias[i];
        }
    }
    return field;
}

int32_t path_push(path *state, const path_settings *settings, const float accel[3], const float gyro[3],
                  const float mag[3]) {
    float field[3], turned[PATH_FIXED_CHANNELS];
    attitude_update(&state->filter, settings->gains, accel, gyro, read_field(state, settings, gyro, mag, field));
    attitude_turn(&state->filter, accel, turned);
    attitude_turn(&state->filter, gyro, turned + 3);
    for (int32_t i = PATH_FREE_CHANNELS; i < settings->channels; i++) { /* axis by axis: the rotation's columns */
        turned[i] = state->filter.rotation[3 * (i % 3) + i / 3 - 2];
    }
    int8_t *const newest = state->window + state->filled * settings->channels;
    /* Where the network looks in several directions every value has its negative, so that a turn loses nothing. */
    const int32_t zero = settings->zero, reach = 127 - (zero < 0 ? -zero : zero), all = settings->turns == 1;
    const int32_t lowest = all ? -128 : zero - reach, highest = all ? 127 : zero + reach;
    for (int32_t i = 0; i < settings->channels; i++) {
        newest[i] = quantise((turned[i] - settings->mean[i]) * settings->gain[i], zero, lowest, highest);
    }
    state->filled++;
    if (state->filled < settings->window) {
        return 0;
    }
    infer(state, settings);
    state->windows++;
    /* The next window shares all but the oldest samples. A stride beyond the window skips samples. */
    const int32_t kept = settings->window - settings->stride, moved = settings->stride * settings->channels;
    for (int32_t i = 0; i < kept * settings->channels; i++) {
        state->window[i] = state->window[i + moved];
    }
    state->filled = kept;
    return 1;
}
