#include "odometry/replay.h"

#include <stddef.h>

void attitude_replay(const attitude_gains *gains, const magnetometer_gains *learning, const float known[3],
                     int32_t samples, const float *accel, const float *gyro, const float *mag, float *rotations,
                     float learned[6]) {
    attitude state;
    magnetometer iron;
    attitude_start(&state, gains);
    magnetometer_start(&iron, known);
    for (int32_t n = 0; n < samples; n++) {
        const float *const rate = gyro + 3 * n;
        float field[3] = {0.0f, 0.0f, 0.0f};
        if (mag != NULL && learning != NULL) {
            const float *const b = state.gyro_bias;
            const float turning[3] = {rate[0] - b[0], rate[1] - b[1], rate[2] - b[2]};
            magnetometer_update(&iron, learning, turning, mag + 3 * n, field);
        } else if (mag != NULL) {
            for (int32_t i = 0; i < 3; i++) {
                field[i] = mag[3 * n + i] - iron.bias[i];
            }
        }
        attitude_update(&state, gains, accel + 3 * n, rate, mag == NULL ? NULL : field);
        for (int32_t i = 0; i < 9; i++) {
            rotations[9 * n + i] = state.rotation[i];
        }
    }
    for (int32_t i = 0; i < 3; i++) {
        learned[i] = iron.bias[i];
        learned[3 + i] = state.gyro_bias[i];
    }
}
