"""Simulated pedestrians with a phone: who walks, how the phone is carried, what its sensors read."""

from tinynas.odometry.simulator.carrying import CARRYING_MODES, CarryingMode, Grip
from tinynas.odometry.simulator.gait import Motion, walk
from tinynas.odometry.simulator.people import Pedestrian, draw_pedestrian
from tinynas.odometry.simulator.phone import EarthField, PhoneSensors, measure

__all__ = [
    "CARRYING_MODES",
    "CarryingMode",
    "EarthField",
    "Grip",
    "Motion",
    "Pedestrian",
    "PhoneSensors",
    "draw_pedestrian",
    "measure",
    "walk",
]
