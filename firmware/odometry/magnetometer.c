#include "odometry/magnetometer.h"

#include <stddef.h>

#include "odometry/real.h"

void magnetometer_start(magnetometer *state, const float known[3]) {
    *state = (magnetometer){.samples = 0};
    for (int32_t i = 0; known != NULL && i < 3; i++) {
        state->bias[i] = state->known[i] = known[i];
    }
}

/* One more equation w x b = t of the least squares: its share of the normal equations is |w|^2 - w w' and t x w. */
static void add_equation(magnetometer *state, const magnetometer_gains *gains, const float w[3], const float t[3]) {
    const float xx = w[0] * w[0], yy = w[1] * w[1], zz = w[2] * w[2];
    const float left[6] = {yy + zz, xx + zz, xx + yy, -(w[0] * w[1]), -(w[0] * w[2]), -(w[1] * w[2])};
    const float right[3] = {t[1] * w[2] - t[2] * w[1], t[2] * w[0] - t[0] * w[2], t[0] * w[1] - t[1] * w[0]};
    for (int32_t i = 0; i < 6; i++) {
        state->normal[i] = gains->memory * state->normal[i] + left[i];
    }
    for (int32_t i = 0; i < 3; i++) {
        state->right[i] = gains->memory * state->right[i] + right[i];
    }
}

/* Solve the normal equations by their factors L D L'; the ridge makes every pivot positive. */
static void solve(magnetometer *state, const magnetometer_gains *gains) {
    const float *const n = state->normal;
    const float ridge = gains->ridge;
    const float r0 = state->right[0] + ridge * state->known[0];
    const float r1 = state->right[1] + ridge * state->known[1];
    const float r2 = state->right[2] + ridge * state->known[2];
    const float d0 = n[0] + ridge;
    const float l10 = n[3] / d0, l20 = n[4] / d0;
    const float d1 = n[1] + ridge - l10 * n[3];
    const float e21 = n[5] - l10 * n[4];
    const float l21 = e21 / d1;
    const float d2 = n[2] + ridge - l20 * n[4] - l21 * e21;
    const float y1 = r1 - l10 * r0;
    const float y2 = r2 - l20 * r0 - l21 * y1;
    if (!(d1 > 0.0f && d2 > 0.0f)) { /* rounding ate a pivot: keep what is known */
        return;
    }
    state->bias[2] = y2 / d2;
    state->bias[1] = y1 / d1 - l21 * state->bias[2];
    state->bias[0] = r0 / d0 - l10 * state->bias[1] - l20 * state->bias[2];
}

void magnetometer_update(magnetometer *state, const magnetometer_gains *gains, const float gyro[3], const float mag[3],
                         float field[3]) {
    const float turned[3] = {gyro[1] * mag[2] - gyro[2] * mag[1], gyro[2] * mag[0] - gyro[0] * mag[2],
                             gyro[0] * mag[1] - gyro[1] * mag[0]};
    float gain = gains->slow_gain, target[3];
    if (state->samples < gains->start_samples) {
        state->samples++;
        const float start = 1.0f / (float)state->samples;
        gain = gain > start ? gain : start;
    }
    for (int32_t i = 0; i < 3; i++) {
        const float change = gain * (mag[i] - state->slow_mag[i]);
        state->slow_mag[i] = state->slow_mag[i] + change;
        state->slow_cross[i] = state->slow_cross[i] + gain * (turned[i] - state->slow_cross[i]);
        state->slow_gyro[i] = state->slow_gyro[i] + gain * (gyro[i] - state->slow_gyro[i]);
        target[i] = change / gains->step_s + state->slow_cross[i];
    }
    if (state->samples >= gains->start_samples) {
        state->wait++;
        if (state->wait >= gains->interval) {
            state->wait = 0;
            add_equation(state, gains, state->slow_gyro, target);
            solve(state, gains);
        }
    }
    for (int32_t i = 0; i < 3; i++) {
        field[i] = mag[i] - state->bias[i];
    }
}
