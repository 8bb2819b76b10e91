#include "odometry/field.h"

#include "odometry/real.h"

static int32_t is_near(const float field[2], const float other[2], const attitude_gains *gains) {
    const float h = field[0] - other[0], v = field[1] - other[1];
    return h * h + v * v < gains->field_tolerance * (other[0] * other[0] + other[1] * other[1]);
}

static void approach(float slow[2], const float field[2], float gain) {
    slow[0] = slow[0] + gain * (field[0] - slow[0]);
    slow[1] = slow[1] + gain * (field[1] - slow[1]);
}

float attitude_trust_field(attitude *state, const attitude_gains *gains, const float field[2]) {
    if (is_near(field, state->known_field, gains)) {
        if (state->undisturbed < gains->field_samples) {
            state->undisturbed++;
        }
        if (state->undisturbed >= gains->field_samples) {
            state->disturbed = 0;
            approach(state->known_field, field, gains->field_gain);
        }
    } else {
        state->undisturbed = 0;
        state->disturbed = 1;
    }
    if (is_near(field, state->new_field, gains)) {
        const float *const w = state->slow_gyro;
        if (w[0] * w[0] + w[1] * w[1] + w[2] * w[2] >= gains->field_turning &&
            state->accepted < gains->accept_samples) {
            state->accepted++;
        }
        approach(state->new_field, field, gains->field_gain);
        const int32_t none = state->known_field[0] == 0.0f && state->known_field[1] == 0.0f;
        if (state->disturbed && state->accepted >= (none ? gains->first_samples : gains->accept_samples)) {
            state->known_field[0] = state->new_field[0];
            state->known_field[1] = state->new_field[1];
            state->disturbed = 0;
            state->undisturbed = gains->field_samples;
        }
    } else {
        state->accepted = 0;
        state->new_field[0] = field[0];
        state->new_field[1] = field[1];
    }
    if (!state->disturbed) {
        state->rejected = state->rejected > 2 ? state->rejected - 2 : 0;
        return gains->heading_gain;
    }
    if (state->rejected < gains->reject_samples) {
        state->rejected++;
        return 0.0f;
    }
    return gains->field_doubt * gains->heading_gain;
}

