"""The built-in dataset: simulated pedestrians with a phone. Nothing to download, the same everywhere for one seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tinynas.errors import DatasetError
from tinynas.odometry.options import SyntheticOptions, distinct_modes
from tinynas.odometry.recording import Recording, Splits
from tinynas.odometry.simulator import CARRYING_MODES, EarthField, PhoneSensors, draw_pedestrian, measure, walk

__all__ = ["synthesize"]

_SPLITS = ("train", "valid", "test")


def synthesize(
    options: SyntheticOptions | None = None,
    *,
    modes: Sequence[str] | None = None,
    seed: int = 0,
) -> Splits:
    """Simulate a dataset.

    Recording i of a split depends on (seed, split, i) alone: asking for more recordings leaves the others as they were.

    Args:
        options: Size of the dataset; None for the defaults.
        modes: Carrying modes, instead of those of `options`.
        seed: Seed of people, paths, places, phones and noise.

    Returns:
        The recordings of each split, named like `pocket/train01`.

    Raises:
        DatasetError: An unknown mode, or no seed.

    Example:
        >>> splits = synthesize(SyntheticOptions(n_train=2, n_valid=1, n_test=1, duration_s=3.0), seed=7)
        >>> [recording.name for recording in splits.train]
        ['handheld/train00', 'pocket/train01']
    """
    options = SyntheticOptions() if options is None else options
    if modes is not None:
        options = replace(options, modes=distinct_modes(modes, where="dataset.modes"))
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise DatasetError(f"{seed!r} is not a whole number from 0 on", where="seed")
    parts = []
    for split_id, split in enumerate(_SPLITS):
        count: int = getattr(options, f"n_{split}")
        parts.append(tuple(_simulate(options, split, split_id, index, int(seed)) for index in range(count)))
    return Splits(*parts)


def _simulate(options: SyntheticOptions, split: str, split_id: int, index: int, seed: int) -> Recording:
    rng = np.random.default_rng([seed, split_id, index])
    mode = CARRYING_MODES[options.modes[index % len(options.modes)]]
    person = draw_pedestrian(rng)
    # Every mode of a round of modes is held alike; the next round holds its phones otherwise.
    grip = mode.unseen_grip if split == "test" else mode.grips[index // len(options.modes) % len(mode.grips)]
    motion = walk(person, mode, duration_s=options.duration_s, rate_hz=options.rate_hz, rng=rng, grip=grip)
    accel, gyro, mag = measure(motion, options.rate_hz, rng, sensors=PhoneSensors(), field=EarthField())
    return Recording(
        name=f"{mode.name}/{split}{index:02d}",
        rate_hz=float(options.rate_hz),
        time_s=motion.time_s,
        accel=accel,
        gyro=gyro,
        mag=mag,
        position=motion.position,
        orientation=motion.orientation,
        valid=np.ones(len(motion.time_s), bool),
        mode=mode.name,
    )
