"""tinynas: the inertial-odometry network that makes the most of one microcontroller board."""
