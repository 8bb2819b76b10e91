"""Coloured noise of the simulator: slow wandering, and vibration within a band."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

__all__ = ["band_noise", "heave_noise", "slow_noise"]

Array = NDArray[np.float64]


def slow_noise(rows: int, sigma_rows: float, rng: np.random.Generator) -> Array:
    """Return Gaussian noise of unit standard deviation, correlated over `sigma_rows` rows."""
    smooth = gaussian_filter1d(rng.standard_normal(rows), sigma_rows, mode="wrap")
    # White noise smoothed by a Gaussian of width s keeps the variance 1 / (2 s sqrt(pi)).
    return np.asarray(smooth * np.sqrt(2 * sigma_rows * np.sqrt(np.pi)))


def band_noise(rows: int, rate_hz: float, band_hz: tuple[float, float], rng: np.random.Generator) -> Array:
    """Return Gaussian noise of about unit standard deviation with a flat spectrum inside a band, nothing outside.

    What lies above half the sample rate is left out: a slow sensor sees less of a vibration.
    """
    return _shaped(rows, rate_hz, band_hz, rng, order=0)


def heave_noise(rows: int, rate_hz: float, band_hz: tuple[float, float], rng: np.random.Generator) -> Array:
    """Return a displacement in m whose second difference over the sample interval is `band_noise`, in m/s2."""
    return _shaped(rows, rate_hz, band_hz, rng, order=2)


def _shaped(rows: int, rate_hz: float, band_hz: tuple[float, float], rng: np.random.Generator, *, order: int) -> Array:
    spectrum = np.fft.rfft(rng.standard_normal(rows))
    frequency_hz = np.fft.rfftfreq(rows, 1 / rate_hz)
    low, high = band_hz
    inside = (frequency_hz >= low) & (frequency_hz <= high)
    # The whole band has unit power, whatever part of it the sample rate shows.
    spectrum *= np.sqrt(rate_hz / 2 / (high - low))
    if order:
        # What a second difference does to a frequency, instead of the square of 2 pi f: then it is exact.
        spectrum[inside] /= -((2 * rate_hz * np.sin(np.pi * frequency_hz[inside] / rate_hz)) ** 2)
    return np.asarray(np.fft.irfft(np.where(inside, spectrum, 0.0), rows))
