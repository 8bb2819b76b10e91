/* Which magnetic fields tell a heading: part of the attitude filter. */
#ifndef ODOMETRY_FIELD_H
#define ODOMETRY_FIELD_H

#include "odometry/attitude.h"

/* The gain of the heading's correction: none while the field differs from the known one in strength or dip. A field
 * that lasts while the device turns becomes the known one; so does the first. `field` is its horizontal and its
 * vertical part in uT. */
float attitude_trust_field(attitude *state, const attitude_gains *gains, const float field[2]);

#endif
