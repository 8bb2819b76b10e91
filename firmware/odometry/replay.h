/* A whole recording at once: what a host does with data sets. */
#ifndef ODOMETRY_REPLAY_H
#define ODOMETRY_REPLAY_H

#include "odometry/attitude.h"
#include "odometry/magnetometer.h"

/* Begin anew and take `samples` rows of three values each. `mag` may be NULL; without `learning` its hard iron is `known`
 * (NULL: none), else that is where learning begins. `rotations` gets nine values a row, `learned` the hard iron in uT and
 * the gyroscope's bias in rad/s at the end. */
void attitude_replay(const attitude_gains *gains, const magnetometer_gains *learning, const float known[3],
                     int32_t samples, const float *accel, const float *gyro, const float *mag, float *rotations,
                     float learned[6]);

#endif
