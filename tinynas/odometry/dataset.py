"""A dataset: recordings parted into train, valid and test, loaded from a specification such as `oxiod:FOLDER`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tinynas.errors import DatasetError
from tinynas.odometry.options import SyntheticOptions
from tinynas.odometry.oxiod import read_oxiod
from tinynas.odometry.recording import Reader, Recording, Splits
from tinynas.odometry.ronin import read_ronin
from tinynas.odometry.synthetic import synthesize
from tinynas.odometry.table import read_table

__all__ = ["Dataset", "load_dataset"]

_READERS: dict[str, Reader] = {"oxiod": read_oxiod, "ronin": read_ronin, "csv": read_table}
_FORMS = "oxiod:FOLDER, ronin:FOLDER, csv:FOLDER or synthetic"

# Files of one sensor differ by the drift of their clocks; resampled files differ by a factor.
_RATE_TOLERANCE = 0.01


@dataclass(frozen=True, eq=False)
class Dataset:
    """Recordings in three parts that share no recording, all at one rate and with the same sensors.

    Args:
        name: The specification it came from.
        train: Recordings to fit networks and normalisation on; at least one.
        valid: Recordings for early stopping and for the search's error.
        test: Recordings for the final figures.

    Raises:
        DatasetError: No training, validation or test recording, one recording in two splits, different rates, or a
            magnetometer in some recordings only.

    Example:
        >>> size = SyntheticOptions(n_train=1, n_valid=1, n_test=1, duration_s=5.0)
        >>> data = load_dataset("synthetic", synthetic=size)
        >>> data.rate_hz, data.has_mag, len(data.recordings)
        (100.0, True, 3)
    """

    name: str
    train: tuple[Recording, ...]
    valid: tuple[Recording, ...]
    test: tuple[Recording, ...]

    def __post_init__(self) -> None:
        for split in ("train", "valid", "test"):
            if not getattr(self, split):
                advice = "name at least one recording for each of train, valid and test"
                raise DatasetError(f"the {split} split is empty", where=self.name, advice=advice)
        seen: dict[str, str] = {}
        first = self.train[0]
        for split in ("train", "valid", "test"):
            for recording in getattr(self, split):
                where = f"{self.name}:{recording.name}"
                if recording.name in seen:
                    message = f"the recording is in the {seen[recording.name]} split and in the {split} split"
                    raise DatasetError(message, where=where, advice="keep it in one: a window must not be seen twice")
                seen[recording.name] = split
                _require_alike(first, recording, where)

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """All recordings: train, valid, test."""
        return self.train + self.valid + self.test

    @property
    def rate_hz(self) -> float:
        """Sample rate in Hz."""
        return self.train[0].rate_hz

    @property
    def has_mag(self) -> bool:
        """Whether the recordings hold a magnetometer."""
        return self.train[0].mag is not None

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over the content of every recording and its split; the folder's path does not count."""
        digest = hashlib.sha256()
        for split in ("train", "valid", "test"):
            for recording in getattr(self, split):
                digest.update(f"{split}|{recording.name}|{recording.rate_hz!r}|{recording.mode}|".encode())
                for field in ("time_s", "accel", "gyro", "mag", "position", "orientation", "valid"):
                    value = getattr(recording, field)
                    digest.update(f"{field}|".encode())
                    if value is not None:
                        little_endian = value.astype(value.dtype.newbyteorder("<"), copy=False)
                        digest.update(little_endian.tobytes())
        return digest.hexdigest()


def _require_alike(first: Recording, other: Recording, where: str) -> None:
    if abs(other.rate_hz / first.rate_hz - 1) > _RATE_TOLERANCE:
        message = f"sampled at {other.rate_hz:g} Hz where {first.name} has {first.rate_hz:g} Hz"
        raise DatasetError(message, where=where, advice="resample all recordings to one rate")
    if (other.mag is None) != (first.mag is None):
        with_mag, without = (first, other) if other.mag is None else (other, first)
        message = f"{without.name} has no magnetometer where {with_mag.name} has one"
        raise DatasetError(message, where=where, advice="give it to all recordings, or to none")


def load_dataset(
    spec: str,
    *,
    seed: int = 0,
    modes: Sequence[str] | None = None,
    synthetic: SyntheticOptions | None = None,
) -> Dataset:
    """Load the dataset that a specification names.

    Args:
        spec: `oxiod:FOLDER`, `ronin:FOLDER`, `csv:FOLDER` or `synthetic`.
        seed: Seed of the synthetic recordings, and of the split of a csv folder without split lists.
        modes: Carrying modes to keep; None for all.
        synthetic: Size of the synthetic dataset; refused for the others.

    Raises:
        DatasetError: Unknown specification, missing folder or split, unknown mode, malformed file, or recordings that
            do not go together. `where` is the key of the configuration, or the file or recording at fault.
    """
    scheme, colon, rest = spec.partition(":")
    if scheme == "synthetic" and not colon:
        return Dataset(spec, *synthesize(synthetic, modes=modes, seed=seed))
    if scheme not in _READERS or not rest.strip():
        what = "names no folder" if scheme in _READERS else "is not a dataset specification"
        raise DatasetError(f"'{spec}' {what}", where="dataset.source", advice=f"write {_FORMS}")
    if synthetic is not None:
        message = f"options of the synthetic dataset make no sense for '{scheme}'"
        raise DatasetError(message, where="dataset.synthetic", advice="remove them, or use the dataset 'synthetic'")
    splits: Splits = _READERS[scheme](Path(rest.strip()).expanduser(), modes=modes, seed=seed)
    return Dataset(spec, *splits)
