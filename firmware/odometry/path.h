/* From raw samples to velocity and path: filter, frame, window of int8, network, sum.
 *
 * Every sample costs the filter and an integer a channel; every `stride` samples the network runs once for each of `turns`. The
 * window is the network's own input: there is no second copy. docs/frames.md shows how a program calls it. */
#ifndef ODOMETRY_PATH_H
#define ODOMETRY_PATH_H

#include <stdint.h>

#include "odometry/attitude.h"
#include "odometry/magnetometer.h"

/* Force and rate, x y z each, in the frame; and of a device that is always mounted alike its three axes there. */
#define PATH_FREE_CHANNELS 6
#define PATH_FIXED_CHANNELS 15

/* What does not change; tinynas writes it (tinynas.deploy.path). */
typedef struct {
    const attitude_gains *gains;
    const magnetometer_gains *learning; /* NULL: the hard iron is what path_set_hard_iron told */
    void (*invoke)(const int8_t *window, int8_t *output);
    int32_t channels; /* PATH_FREE_CHANNELS or PATH_FIXED_CHANNELS */
    float mean[PATH_FIXED_CHANNELS], gain[PATH_FIXED_CHANNELS]; /* an integer is (x - mean) gain + zero */
    int32_t zero;
    float scale;    /* a velocity in m/s is (integer - zero_out) scale */
    int32_t zero_out;
    float stride_s; /* a velocity counts for so long */
    int32_t window, stride; /* in samples */
    int32_t turns;  /* 1, 2 or 4: directions in which the network looks; their mean is the velocity */
    int32_t north;  /* 0: the frame is level only, and the magnetometer is not used */
} path_settings;

typedef struct {
    attitude filter;
    magnetometer iron;
    int8_t *window;    /* settings->window * settings->channels bytes of the caller's, aligned to 4 */
    int32_t filled;    /* samples in it */
    int32_t windows;   /* velocities so far */
    float velocity[2]; /* in m/s, in the frame: the newest, of the stretch that the network was trained on */
    float position[2]; /* in m: their sum since the start */
} path;

void path_start(path *state, const path_settings *settings, int8_t *window);

/* One sample: specific force in m/s2, angular rate in rad/s, field in uT as read; `mag` may be NULL where the frame is
 * level. True where a new velocity came of it. */
int32_t path_push(path *state, const path_settings *settings, const float accel[3], const float gyro[3],
                  const float mag[3]);

/* The magnetometer's hard iron in uT, to be kept over a power-off, and set again after path_start. */
void path_get_hard_iron(const path *state, float bias[3]);
void path_set_hard_iron(path *state, const float bias[3]);

#endif
