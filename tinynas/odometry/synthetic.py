"""The built-in dataset: simulated pedestrians with a phone. Nothing to download, the same everywhere for one seed."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from tinynas.errors import DatasetError
from tinynas.odometry.gait import CARRYING_MODES, draw_pedestrian, walk
from tinynas.odometry.phone import EarthField, PhoneSensors, measure
from tinynas.odometry.recording import Recording, Splits

__all__ = ["SyntheticOptions", "synthesize"]

_LONGEST_RECORDING_S = 7200.0
_SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class SyntheticOptions:
    """Size of the synthetic dataset.

    Args:
        n_train: Number of training recordings, each of another person in another place.
        n_valid: Number of validation recordings.
        n_test: Number of test recordings.
        duration_s: Length of each recording in s.
        rate_hz: Sample rate in Hz, 20 to 1000.
        modes: Carrying modes, taken in turn by the recordings of a split: handheld, pocket, bag, swinging, trolley.

    Raises:
        DatasetError: A value makes no dataset; `where` names the option.
    """

    n_train: int = 10
    n_valid: int = 3
    n_test: int = 3
    duration_s: float = 120.0
    rate_hz: float = 100.0
    modes: Sequence[str] = ("handheld", "pocket", "trolley")

    def __post_init__(self) -> None:
        for split in _SPLITS:
            count = getattr(self, f"n_{split}")
            if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= 1000:
                raise _refused(f"n_{split}", count, "a whole number from 1 to 1000")
        for name, low, high in (("duration_s", 1.0, _LONGEST_RECORDING_S), ("rate_hz", 20.0, 1000.0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise _refused(name, value, f"a number from {low:g} to {high:g}")
        object.__setattr__(self, "modes", _distinct_modes(self.modes, where="dataset.synthetic.modes"))


def _refused(option: str, value: object, expected: str) -> DatasetError:
    return DatasetError(f"{value!r} is not {expected}", where=f"dataset.synthetic.{option}")


def _distinct_modes(modes: Sequence[str], *, where: str) -> tuple[str, ...]:
    if not modes or isinstance(modes, str) or not isinstance(modes, Sequence):
        raise DatasetError(f"{modes!r} is not a list of carrying modes", where=where)
    for mode in modes:
        if mode not in CARRYING_MODES:
            advice = f"modes there are: {', '.join(CARRYING_MODES)}"
            raise DatasetError(f"there is no mode {mode!r}", where=where, advice=advice)
    return tuple(dict.fromkeys(modes))


def synthesize(
    options: SyntheticOptions | Mapping[str, object] | None = None,
    *,
    modes: Sequence[str] | None = None,
    seed: int = 0,
) -> Splits:
    """Simulate a dataset.

    Recording i of a split depends on (seed, split, i) alone: asking for more recordings leaves the others as they were.

    Args:
        options: `SyntheticOptions`, or a mapping of its fields.
        modes: Carrying modes, instead of those of `options`.
        seed: Seed of people, paths, places, phones and noise.

    Returns:
        The recordings of each split, named like `pocket/train01`.

    Raises:
        DatasetError: An unknown option or mode, or a value out of range.

    Example:
        >>> splits = synthesize({"n_train": 2, "n_valid": 1, "n_test": 1, "duration_s": 3.0}, seed=7)
        >>> [recording.name for recording in splits.train]
        ['handheld/train00', 'pocket/train01']
    """
    if not isinstance(options, SyntheticOptions):
        options = _from_mapping(options or {})
    if modes is not None:
        options = replace(options, modes=_distinct_modes(modes, where="dataset.modes"))
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise DatasetError(f"{seed!r} is not a whole number from 0 on", where="seed")
    parts = []
    for split_id, split in enumerate(_SPLITS):
        count: int = getattr(options, f"n_{split}")
        parts.append(tuple(_simulate(options, split, split_id, index, int(seed)) for index in range(count)))
    return Splits(*parts)


def _from_mapping(options: Mapping[str, object]) -> SyntheticOptions:
    known = [field.name for field in fields(SyntheticOptions)]
    for key in options:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            advice = f"did you mean '{near[0]}'?" if near else f"options there are: {', '.join(known)}"
            raise DatasetError(f"unknown option '{key}'", where=f"dataset.synthetic.{key}", advice=advice)
    return SyntheticOptions(**options)  # type: ignore[arg-type]  # __post_init__ checks every value


def _simulate(options: SyntheticOptions, split: str, split_id: int, index: int, seed: int) -> Recording:
    rng = np.random.default_rng([seed, split_id, index])
    mode = CARRYING_MODES[options.modes[index % len(options.modes)]]
    person = draw_pedestrian(rng)
    motion = walk(person, mode, duration_s=options.duration_s, rate_hz=options.rate_hz, rng=rng)
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
