"""The same walk in two splits: what a network was trained on must not judge it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tinynas.odometry.check.findings import Finding, Split
from tinynas.odometry.recording import Recording

__all__ = ["find_repeated_walks"]

_LEAST_SHARE = 0.02


def find_repeated_walks(splits: Mapping[Split, Sequence[Recording]]) -> dict[str, Finding]:
    """Find recordings of which rows are found in another split as well.

    Rows are compared by accelerometer and gyroscope, and by position: a copy under another name, a part of another
    recording, or a walk that two devices recorded at the same time.

    Returns:
        One finding a recording, by its name; the recording that comes later (test after valid after train) bears it.
    """
    found: dict[str, Finding] = {}
    seen: list[tuple[Split, Recording, NDArray[np.uint64], NDArray[np.uint64]]] = []
    for split, recordings in splits.items():
        for recording in recordings:
            sensors, places = _hash_rows(recording)
            for other_split, other, other_sensors, other_places in seen:
                if other_split == split:
                    continue
                shares = [_share(sensors, other_sensors), _share(places, other_places)]
                if max(shares) > _LEAST_SHARE and recording.name not in found:
                    what = "samples" if shares[0] >= shares[1] else "positions"
                    message = f"{max(shares):.0%} of its {what} are in {other.name} of the {other_split} split as well"
                    advice = f"put both into one split, or leave one out: the {split} figures are worth nothing else"
                    found[recording.name] = Finding("repeated_walk", recording.name, message, advice)
            seen.append((split, recording, sensors, places))
    return found


def _share(mine: NDArray[np.uint64], other: NDArray[np.uint64]) -> float:
    return float(np.isin(mine, other).mean()) if len(mine) and len(other) else 0.0


def _hash_rows(recording: Recording) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    sensors = np.column_stack([recording.accel, recording.gyro])
    places = recording.position[recording.valid]
    return _hash(sensors, 1e-5), _hash(places, 1e-5)


def _hash(values: NDArray[np.float64], resolution: float) -> NDArray[np.uint64]:
    """One number a distinct row; rows that repeat the one before (a device at rest) are left out."""
    rounded = np.round(np.nan_to_num(values) / resolution).astype(np.int64)
    if len(rounded) < 2:
        return np.empty(0, np.uint64)
    rounded = rounded[1:][(np.diff(rounded, axis=0) != 0).any(axis=1)]
    factors = np.random.default_rng(0).integers(1, 2**63, rounded.shape[1], dtype=np.uint64) | np.uint64(1)
    mixed = np.zeros(len(rounded), np.uint64)
    for column, factor in zip(rounded.T, factors, strict=True):
        mixed = (mixed ^ column.astype(np.uint64)) * factor
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed)
