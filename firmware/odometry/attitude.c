#include "odometry/attitude.h"

#include <stddef.h>

#include "odometry/field.h"
#include "odometry/real.h"

/* Below this share of a vector's length a remainder is noise. */
#define LITTLE 0.01f

/* The largest turn of one step, in rad. */
#define MOST_TURN 2.0f

static void cross(const float a[3], const float b[3], float out[3]) {
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

static float length(const float v[3]) { return root(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]); }

void attitude_turn(const attitude *state, const float v[3], float out[3]) {
    const float *const r = state->rotation;
    out[0] = r[0] * v[0] + r[1] * v[1] + r[2] * v[2];
    out[1] = r[3] * v[0] + r[4] * v[1] + r[5] * v[2];
    out[2] = r[6] * v[0] + r[7] * v[1] + r[8] * v[2];
}

void attitude_start(attitude *state, const attitude_gains *gains) {
    *state = (attitude){.bias_variance = gains->bias_variance};
    state->quaternion[0] = 1.0f;
}

/* The part of `ahead` across `up`, of unit length; false where there is hardly any. */
static int32_t level(const float up[3], const float ahead[3], float out[3]) {
    const float along = up[0] * ahead[0] + up[1] * ahead[1] + up[2] * ahead[2];
    for (int32_t i = 0; i < 3; i++) {
        out[i] = ahead[i] - up[i] * along;
    }
    const float left = length(out);
    if (!(left > LITTLE * length(ahead))) {
        return 0;
    }
    for (int32_t i = 0; i < 3; i++) {
        out[i] = out[i] / left;
    }
    return 1;
}

/* The quaternion of a rotation whose rows are x, y and z. Of four ways the one without cancellation. */
static void set_axes(float q[4], const float x[3], const float y[3], const float z[3]) {
    const float trace[4] = {1.0f + x[0] + y[1] + z[2], 1.0f + x[0] - y[1] - z[2], 1.0f - x[0] + y[1] - z[2],
                            1.0f - x[0] - y[1] + z[2]};
    const float wx = z[1] - y[2], wy = x[2] - z[0], wz = y[0] - x[1];
    const float xy = x[1] + y[0], xz = x[2] + z[0], yz = y[2] + z[1];
    const float columns[4][4] = {{trace[0], wx, wy, wz}, {wx, trace[1], xy, xz}, {wy, xy, trace[2], yz},
                                 {wz, xz, yz, trace[3]}};
    int32_t most = 0;
    for (int32_t i = 1; i < 4; i++) {
        most = trace[i] > trace[most] ? i : most;
    }
    const float *const c = columns[most];
    const float size = root(c[0] * c[0] + c[1] * c[1] + c[2] * c[2] + c[3] * c[3]);
    for (int32_t i = 0; i < 4; i++) {
        q[i] = c[i] / size;
    }
}

/* The attitude of a device at rest: z against gravity; x along the field, else along the device's x or y. */
static void align(attitude *state, const float accel[3], const float mag[3]) {
    static const float own_x[3] = {1.0f, 0.0f, 0.0f}, own_y[3] = {0.0f, 1.0f, 0.0f};
    const float size = length(accel);
    if (!(size > 0.0f)) {
        return;
    }
    const float up[3] = {accel[0] / size, accel[1] / size, accel[2] / size};
    float x[3], y[3];
    if (!(mag != NULL && level(up, mag, x)) && !level(up, own_x, x)) {
        level(up, own_y, x);
    }
    cross(up, x, y);
    set_axes(state->quaternion, x, y, up);
}

/* Whether the device rests: rate and force stay near their means, and the mean rate can be a bias. */
static int32_t watch_rest(attitude *state, const attitude_gains *gains, const float accel[3], const float gyro[3],
                          float start) {
    const float gain = gains->rest_gain > start ? gains->rest_gain : start;
    float turning = 0.0f, shaking = 0.0f;
    int32_t slow = 1;
    for (int32_t i = 0; i < 3; i++) {
        state->slow_gyro[i] = state->slow_gyro[i] + gain * (gyro[i] - state->slow_gyro[i]);
        state->slow_accel[i] = state->slow_accel[i] + gain * (accel[i] - state->slow_accel[i]);
        const float g = gyro[i] - state->slow_gyro[i], a = accel[i] - state->slow_accel[i];
        turning = turning + g * g;
        shaking = shaking + a * a;
        slow = slow && state->slow_gyro[i] <= gains->bias_max && state->slow_gyro[i] >= -gains->bias_max;
    }
    if (!slow || !(turning < gains->rest_gyro) || !(shaking < gains->rest_accel)) {
        state->resting = 0;
    } else if (state->resting < gains->rest_samples) {
        state->resting++;
    }
    return state->resting >= gains->rest_samples;
}

/* Turn the quaternion by the rate over one step: a power series to the fourth order, exact to 1e-4 at 1 rad. */
static void integrate(attitude *state, const attitude_gains *gains, const float gyro[3]) {
    float *const q = state->quaternion;
    float x = (gyro[0] - state->gyro_bias[0]) * gains->step_s;
    float y = (gyro[1] - state->gyro_bias[1]) * gains->step_s;
    float z = (gyro[2] - state->gyro_bias[2]) * gains->step_s;
    float square = x * x + y * y + z * z;
    if (square > MOST_TURN * MOST_TURN) { /* no device turns so fast: a wrong sample */
        const float less = MOST_TURN / root(square);
        x = x * less;
        y = y * less;
        z = z * less;
        square = MOST_TURN * MOST_TURN;
    }
    const float c = 1.0f - square * (0.125f - square * (1.0f / 384.0f));
    const float s = 0.5f - square * ((1.0f / 48.0f) - square * (1.0f / 3840.0f));
    x = x * s;
    y = y * s;
    z = z * s;
    const float w1 = q[0] * c - q[1] * x - q[2] * y - q[3] * z;
    const float x1 = q[0] * x + q[1] * c + q[2] * z - q[3] * y;
    const float y1 = q[0] * y - q[1] * z + q[2] * c + q[3] * x;
    q[3] = q[0] * z + q[1] * y - q[2] * x + q[3] * c;
    q[0] = w1;
    q[1] = x1;
    q[2] = y1;
}

static void set_rotation(attitude *state) {
    const float w = state->quaternion[0], x = state->quaternion[1], y = state->quaternion[2], z = state->quaternion[3];
    const float x2 = x + x, y2 = y + y, z2 = z + z;
    const float xx = x * x2, yy = y * y2, zz = z * z2, xy = x * y2, xz = x * z2, yz = y * z2;
    const float wx = w * x2, wy = w * y2, wz = w * z2;
    float *const r = state->rotation;
    r[0] = 1.0f - (yy + zz);
    r[1] = xy - wz;
    r[2] = xz + wy;
    r[3] = xy + wz;
    r[4] = 1.0f - (xx + zz);
    r[5] = yz - wx;
    r[6] = xz - wy;
    r[7] = yz + wx;
    r[8] = 1.0f - (xx + yy);
}

/* Low-pass the force in the frame, where gravity stands still, and find the turn that makes it vertical: (x, y) are the
 * tangents of half its angle. The low pass turns along. */
static void find_tilt(attitude *state, const attitude_gains *gains, const float accel[3], float start, float turn[2]) {
    float force[3], mean[3];
    float *const u = state->trend;
    attitude_turn(state, accel, force);
    if (state->samples <= gains->tilt_samples) {
        mean[0] = start * force[0];
        mean[1] = start * force[1];
        mean[2] = state->force + start * (force[2] - state->force);
    } else {
        u[0] = u[0] + gains->tilt_stiffness * force[0] - gains->tilt_damping * u[0];
        u[1] = u[1] + gains->tilt_stiffness * force[1] - gains->tilt_damping * u[1];
        u[2] = u[2] + gains->tilt_stiffness * (force[2] - state->force) - gains->tilt_damping * u[2];
        mean[0] = u[0];
        mean[1] = u[1];
        mean[2] = state->force + u[2];
    }
    state->force = length(mean);
    const float both = state->force + mean[2];
    turn[0] = turn[1] = 0.0f;
    if (both > LITTLE * state->force) {
        turn[0] = mean[1] / both;
        turn[1] = -mean[0] / both;
    } else if (state->force > 0.0f) { /* upside down: any way up is as good */
        turn[0] = 1.0f;
    }
    const float ux = u[0], uy = u[1], uz = u[2];
    u[0] = ux + 2.0f * (turn[1] * uz);
    u[1] = uy - 2.0f * (turn[0] * uz);
    u[2] = uz + 2.0f * (turn[0] * uy - turn[1] * ux);
}

/* The turn about the vertical, in rad, that takes its share of the heading's error away. */
static float find_heading(attitude *state, const attitude_gains *gains, const float mag[3], float start,
                          const float tilt[2]) {
    float m[3];
    attitude_turn(state, mag, m);
    const float x = m[0] + 2.0f * (tilt[1] * m[2]), y = m[1] - 2.0f * (tilt[0] * m[2]);
    const float across = root(x * x + y * y);
    const float field[2] = {across, m[2] + 2.0f * (tilt[0] * m[1] - tilt[1] * m[0])};
    const float trusted = attitude_trust_field(state, gains, field);
    const float gain = trusted > start ? trusted : start;
    if (!(across > gains->field_min_ut)) {
        return 0.0f;
    }
    /* t is the tangent of half the angle; atan(t) is t - 0.2146 t^3 to 0.01 up to t = 1, the largest that counts. */
    const float both = across + x;
    const float t = both > magnitude(y) ? y / both : y > 0.0f ? 1.0f : -1.0f;
    return -(gain * (2.0f * (t * (1.0f - 0.2146f * (t * t)))));
}

/* Learn the gyroscope's bias: from its mean at rest, else from what the corrections have to undo again and again. One
 * variance stands for all three axes. */
static void learn_bias(attitude *state, const attitude_gains *gains, int32_t rests, const float tilt[2],
                       float heading) {
    float p = state->bias_variance;
    float *const b = state->gyro_bias;
    if (p < gains->bias_variance) {
        p = p + gains->bias_drift;
    }
    if (rests) {
        float gain = p * gains->bias_rest;
        gain = gain > 0.5f ? 0.5f : gain;
        for (int32_t i = 0; i < 3; i++) {
            b[i] = b[i] + gain * (state->slow_gyro[i] - b[i]);
        }
        p = p - gain * p;
    } else if (state->samples > gains->tilt_samples) {
        const float *const r = state->rotation;
        const float level_gain = p * gains->bias_tilt, turn_gain = heading == 0.0f ? 0.0f : p * gains->bias_heading;
        const float most = gains->bias_max, twice = -2.0f / gains->step_s;
        const float ex = level_gain * clip(twice * tilt[0], most), ey = level_gain * clip(twice * tilt[1], most);
        const float ez = turn_gain * clip(0.5f * twice * heading, most);
        for (int32_t i = 0; i < 3; i++) {
            b[i] = clip(b[i] + (r[i] * ex + r[3 + i] * ey + r[6 + i] * ez), most);
        }
        p = p - p * (level_gain + level_gain + turn_gain) * (1.0f / 3.0f);
    }
    state->bias_variance = p;
}

/* Turn the frame by the tilt's and the heading's correction. */
static void correct(attitude *state, const float tilt[2], float heading) {
    float *const q = state->quaternion;
    const float x = tilt[0], y = tilt[1], z = 0.5f * heading;
    const float w1 = q[0] - x * q[1] - y * q[2] - z * q[3];
    const float x1 = q[1] + x * q[0] + y * q[3] - z * q[2];
    const float y1 = q[2] + y * q[0] - x * q[3] + z * q[1];
    const float z1 = q[3] + z * q[0] + x * q[2] - y * q[1];
    const float scale = 1.0f / root(w1 * w1 + x1 * x1 + y1 * y1 + z1 * z1);
    q[0] = w1 * scale;
    q[1] = x1 * scale;
    q[2] = y1 * scale;
    q[3] = z1 * scale;
    float *const u = state->trend;
    const float ux = u[0], uy = u[1];
    u[0] = ux - heading * uy;
    u[1] = uy + heading * ux;
}

void attitude_update(attitude *state, const attitude_gains *gains, const float accel[3], const float gyro[3],
                     const float mag[3]) {
    float start = 0.0f, tilt[2];
    const int32_t first = state->samples == 0;
    if (state->samples < gains->start_samples) {
        state->samples++;
        start = 1.0f / (float)state->samples;
    }
    const int32_t rests = watch_rest(state, gains, accel, gyro, start);
    if (first) {
        align(state, accel, mag);
    } else {
        integrate(state, gains, gyro);
    }
    set_rotation(state);
    find_tilt(state, gains, accel, start, tilt);
    const float heading = mag == NULL ? 0.0f : find_heading(state, gains, mag, start, tilt);
    correct(state, tilt, heading);
    learn_bias(state, gains, rests, tilt, heading);
}
