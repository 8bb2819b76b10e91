/* From raw inertial samples to a frame that is level, and north with a magnetometer: a causal filter on rotations.
 *
 * Plain C11 in single precision; no library, no trigonometric function, no memory but the caller's. Every operation is
 * rounded by IEEE 754 in the order that is written, so a board, a host and tinynas.odometry.attitude agree bit for bit:
 * compile with -ffp-contract=off. docs/frames.md explains the algorithm and has its sources. */
#ifndef ODOMETRY_ATTITUDE_H
#define ODOMETRY_ATTITUDE_H

#include <stdint.h>

/* Coefficients of one sample rate: tinynas computes them from `dataset.attitude` (tinynas.odometry.attitude). */
typedef struct {
    float step_s;            /* time between samples */
    float tilt_damping;      /* low pass of the force: second order */
    float tilt_stiffness;    /* the same */
    float heading_gain;      /* share of the heading's error that a sample takes away */
    float field_min_ut;      /* horizontal fields below tell no heading */
    float bias_variance;     /* of the gyroscope's bias before anything is known, in (rad/s)^2 */
    float bias_drift;        /* what a sample adds to it */
    float bias_tilt;         /* inverse variances of what corrections of the vertical, of the heading, and rest tell */
    float bias_heading;
    float bias_rest;
    float bias_max;          /* in rad/s */
    float rest_gain;         /* low pass of rate and force, of which rest shows small deviations */
    float rest_gyro;         /* squares of the deviations, in (rad/s)^2 and (m/s2)^2 */
    float rest_accel;
    float field_tolerance;   /* square of the deviation from the known field, relative to the field */
    float field_gain;        /* low pass of the known field */
    float field_turning;     /* square of the rate above which a new field can prove itself, in (rad/s)^2 */
    float field_doubt;       /* share of the gain that is left after a long disturbance */
    int32_t start_samples;   /* so long gains are at least 1/n */
    int32_t tilt_samples;    /* so long the force is averaged */
    int32_t rest_samples;    /* so long it must rest */
    int32_t field_samples;   /* so long the known field must last to be trusted again */
    int32_t reject_samples;  /* so long a disturbed field is not used at all */
    int32_t accept_samples;  /* so long a new field must last while the device turns */
    int32_t first_samples;   /* the same for the first field of all */
} attitude_gains;

typedef struct {
    float rotation[9];       /* the device's axes to the frame's, row by row: force in the frame = rotation * accel */
    float gyro_bias[3];      /* in rad/s, in the device's axes */
    float bias_variance;
    float quaternion[4];     /* w x y z, corrected by the newest sample */
    float force;             /* the low-passed force is vertical after each correction: its length */
    float trend[3];          /* its change a sample */
    float slow_gyro[3], slow_accel[3];
    float known_field[2], new_field[2]; /* horizontal and vertical part, in uT */
    int32_t samples;         /* since the start; stays at start_samples */
    int32_t resting, undisturbed, rejected, accepted;
    int32_t disturbed;
} attitude;

/* Begin: nothing is known. */
void attitude_start(attitude *state, const attitude_gains *gains);

/* Take one sample: specific force in m/s2, angular rate in rad/s, field in uT without its hard iron, or NULL. The first
 * sample sets the attitude. state->rotation is then the attitude at this sample. */
void attitude_update(attitude *state, const attitude_gains *gains, const float accel[3], const float gyro[3],
                     const float mag[3]);

/* A vector of the device's axes in the frame. */
void attitude_turn(const attitude *state, const float vector[3], float turned[3]);

#endif
