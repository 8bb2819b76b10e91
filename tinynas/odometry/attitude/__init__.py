"""The attitude filter: the same arithmetic on host and board."""

from tinynas.odometry.attitude.gains import (
    AttitudeGains,
    MagnetometerGains,
    compute_gains,
    compute_magnetometer_gains,
    initialise,
)
from tinynas.odometry.attitude.native import SOURCES, load_replay
from tinynas.odometry.attitude.options import AttitudeOptions, HardIron
from tinynas.odometry.attitude.track import Attitude, replay_attitude, replay_twin, track_attitude

__all__ = [
    "SOURCES",
    "Attitude",
    "AttitudeGains",
    "AttitudeOptions",
    "HardIron",
    "MagnetometerGains",
    "compute_gains",
    "compute_magnetometer_gains",
    "initialise",
    "load_replay",
    "replay_attitude",
    "replay_twin",
    "track_attitude",
]
