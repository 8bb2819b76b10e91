"""What inputs are expressed in, and how sensors and ground truth lie to each other."""

from tinynas.odometry.frames.bearing import compare_accelerations, turn_truth
from tinynas.odometry.frames.calibration import calibrate_magnetometer
from tinynas.odometry.frames.express import FrameChoice, Framed, MountingChoice, choose_frame, express, heading_error
from tinynas.odometry.frames.mounting import Mounting, measure_mounting
from tinynas.odometry.frames.signals import Motion, smooth, to_matrices, true_motion

__all__ = [
    "FrameChoice",
    "Framed",
    "Motion",
    "Mounting",
    "MountingChoice",
    "calibrate_magnetometer",
    "choose_frame",
    "compare_accelerations",
    "express",
    "heading_error",
    "measure_mounting",
    "smooth",
    "to_matrices",
    "true_motion",
    "turn_truth",
]
