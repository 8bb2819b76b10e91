/* The magnetometer's hard iron, learned while the device turns: a bias b that is constant in the device's axes.
 *
 * A field m that stands still in the world obeys dm/dt = -w x (m - b), so w x b = dm/dt + w x m. Both sides are low-passed
 * alike, and b is the least-squares solution over what a memory that fades has of them; a ridge holds components that
 * no turn shows at what is known already. Bit for bit tinynas.odometry.attitude's; see attitude.h. */
#ifndef ODOMETRY_MAGNETOMETER_H
#define ODOMETRY_MAGNETOMETER_H

#include <stdint.h>

/* Coefficients of one sample rate. */
typedef struct {
    float step_s;       /* time between samples */
    float slow_gain;    /* low pass of all signals */
    float memory;       /* what is left of the past at a new equation */
    float ridge;        /* weight of the bias that is known already, in (rad/s)^2 */
    int32_t interval;   /* samples between equations */
    int32_t start_samples; /* so long the low passes settle */
} magnetometer_gains;

typedef struct {
    float bias[3];      /* the hard iron in uT, in the device's axes: read it to keep what was learned */
    float known[3];     /* what the ridge holds */
    float slow_gyro[3], slow_mag[3], slow_cross[3];
    float normal[6];    /* xx yy zz xy xz yz of the normal equations */
    float right[3];
    int32_t samples, wait;
} magnetometer;

/* Begin with a bias that was learned before, or with NULL. */
void magnetometer_start(magnetometer *state, const float known[3]);

/* Take one sample: angular rate in rad/s without its bias, field in uT as read. `field` is the field without the hard
 * iron. */
void magnetometer_update(magnetometer *state, const magnetometer_gains *gains, const float gyro[3], const float mag[3],
                         float field[3]);

#endif
