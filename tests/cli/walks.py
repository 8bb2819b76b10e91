"""Recordings of a user, as csv files."""

import numpy as np


def write_csv(path, rows=900, broken=None):
    sensors = [f"{sensor}_{axis}_{unit}" for sensor, unit in (("accel", "m_s2"), ("gyro", "rad_s")) for axis in "xyz"]
    rng = np.random.default_rng(len(path.name))
    lines = [",".join(["time_s", *sensors, "position_x_m", "position_y_m"])]
    for row in range(rows):
        values = [row / 100, *rng.normal(0, 1, 6), row / 100, np.sin(row / 100)]
        lines.append(",".join(f"{value:.4f}" for value in values))
    if broken is not None:
        lines[broken - 1] = lines[broken - 1].rsplit(",", 3)[0]
    path.write_text("\n".join(lines) + "\n")
