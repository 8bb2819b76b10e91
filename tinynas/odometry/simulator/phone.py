"""What a phone's sensors make of a true motion: bias, scale, misalignment, noise, resolution, and the Earth's field.

Figures are those of parts found in phones, from their data sheets: Bosch BMI160 (BST-BMI160-DS000) and BMI270
(BST-BMI270-DS000) for accelerometer and gyroscope, AKM AK09915 (015006484-E) and AK09918 (016014242-E) for the
magnetometer. Offsets stand for what is left after the operating system's calibration; hard iron is as OxIOD's
recordings have it, up to 14 uT. datasets/synthetic.yaml lists every figure with its origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from tinynas.odometry.recording import STANDARD_GRAVITY_M_S2
from tinynas.odometry.simulator.gait import Motion

__all__ = ["EarthField", "PhoneSensors", "measure"]

Array = NDArray[np.float64]

_MILLI_G = 1e-3 * STANDARD_GRAVITY_M_S2
_DEGREE = np.pi / 180


@dataclass(frozen=True)
class PhoneSensors:
    """Error figures of a phone's sensors: standard deviations between phones, densities, and resolutions."""

    accel_noise_m_s2_sqrt_hz: float = 0.180 * _MILLI_G
    accel_bias_m_s2: float = 20.0 * _MILLI_G
    accel_lsb_m_s2: float = STANDARD_GRAVITY_M_S2 / 4096
    gyro_noise_rad_s_sqrt_hz: float = 0.007 * _DEGREE
    gyro_bias_rad_s: float = 0.5 * _DEGREE
    gyro_lsb_rad_s: float = _DEGREE / 16.4
    scale: float = 0.005
    cross_axis: float = 0.005
    mag_noise_ut: float = 0.4
    mag_hard_iron_ut: float = 6.0
    mag_scale: float = 0.02
    mag_lsb_ut: float = 0.15


@dataclass(frozen=True)
class EarthField:
    """The Earth's field at a place of middle latitude, and what a building adds to it."""

    total_ut: float = 49.0
    inclination_deg: float = 66.5  # below the horizon
    north_deg: float = 60.0  # of magnetic north in the world frame, counter-clockwise from x
    indoor_ut: float = 2.0  # standard deviation of each component over the building
    wavelengths_m: tuple[float, float] = (2.0, 10.0)
    waves: int = 8

    def at(self, position: Array, rng: np.random.Generator) -> Array:
        """Field in the world frame in uT at (N, 3) positions in m; `rng` draws the building."""
        dip, north = np.radians([self.inclination_deg, self.north_deg])
        field = self.total_ut * np.array([np.cos(dip) * np.cos(north), np.cos(dip) * np.sin(north), -np.sin(dip)])
        shortest, longest = np.log(self.wavelengths_m)
        wavenumber = 2 * np.pi / np.exp(rng.uniform(shortest, longest, self.waves))
        angle, phase = rng.uniform(0, 2 * np.pi, (2, self.waves))
        along = position[:, 0:1] * np.cos(angle) + position[:, 1:2] * np.sin(angle)
        amplitude = rng.standard_normal((self.waves, 3)) * self.indoor_ut * np.sqrt(2 / self.waves)
        return np.asarray(field + np.sin(wavenumber * along + phase) @ amplitude)


def measure(
    motion: Motion, rate_hz: float, rng: np.random.Generator, *, sensors: PhoneSensors, field: EarthField
) -> tuple[Array, Array, Array]:
    """Return what one phone reads along a motion.

    Args:
        motion: The true motion of N rows.
        rate_hz: Sample rate in Hz; white noise of density d has a standard deviation of d * sqrt(rate / 2).
        rng: Draws the phone, the building and the noise.
        sensors: Error figures.
        field: The Earth's field.

    Returns:
        accel (N, 3) in m/s2, gyro (N, 3) in rad/s, mag (N, 3) in uT.
    """
    bandwidth = np.sqrt(rate_hz / 2)
    flux = Rotation.from_quat(motion.orientation).inv().apply(field.at(motion.position, rng))
    accel = _read(
        motion.accel,
        rng,
        bias=sensors.accel_bias_m_s2,
        noise=sensors.accel_noise_m_s2_sqrt_hz * bandwidth,
        lsb=sensors.accel_lsb_m_s2,
        scale=sensors.scale,
        cross_axis=sensors.cross_axis,
    )
    gyro = _read(
        motion.gyro,
        rng,
        bias=sensors.gyro_bias_rad_s,
        noise=sensors.gyro_noise_rad_s_sqrt_hz * bandwidth,
        lsb=sensors.gyro_lsb_rad_s,
        scale=sensors.scale,
        cross_axis=sensors.cross_axis,
    )
    mag = _read(
        flux,
        rng,
        bias=sensors.mag_hard_iron_ut,
        noise=sensors.mag_noise_ut,
        lsb=sensors.mag_lsb_ut,
        scale=sensors.mag_scale,
        cross_axis=sensors.cross_axis,
    )
    return accel, gyro, mag


def _read(
    true: Array, rng: np.random.Generator, *, bias: float, noise: float, lsb: float, scale: float, cross_axis: float
) -> Array:
    mixing = np.eye(3) + cross_axis * rng.standard_normal((3, 3)) * (1 - np.eye(3))
    mixing += np.diag(scale * rng.standard_normal(3))
    reading = true @ mixing.T + bias * rng.standard_normal(3) + noise * rng.standard_normal(true.shape)
    return np.asarray(np.round(reading / lsb) * lsb) if lsb else np.asarray(reading)
