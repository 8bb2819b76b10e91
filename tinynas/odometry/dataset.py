"""A dataset: recordings parted into train, valid and test, loaded from a specification such as `oxiod:FOLDER`."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tinynas.errors import DatasetError
from tinynas.odometry.options import SyntheticOptions
from tinynas.odometry.readers import READERS, read_unsplit
from tinynas.odometry.recording import Recording, Splits
from tinynas.odometry.synthetic import synthesize

__all__ = ["Dataset", "load_dataset", "load_recordings", "load_splits"]

_FORMS = f"{', '.join(f'{name}:FOLDER' for name in READERS)} or synthetic"

# Of more recordings of a split the first ones are named.
_MOST_NAMES, _FIRST_NAMES = 8, 3
# Files of one sensor differ by the drift of their clocks; resampled files differ by a factor.
_RATE_TOLERANCE = 0.01


@dataclass(frozen=True, eq=False)
class Dataset:
    """Recordings in three parts that share no recording, all at one rate and with the same sensors.

    Args:
        name: The specification it came from.
        train: Recordings to fit networks and normalisation on; at least one.
        valid: Recordings for the choice among epochs and for the search's error.
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

    @property
    def parts(self) -> tuple[str, ...]:
        """What each recording is for, a line a split; of many recordings the first ones.

        Example:
            >>> size = SyntheticOptions(n_train=1, n_valid=1, n_test=1, duration_s=5.0)
            >>> load_dataset("synthetic", synthetic=size).parts[0]
            'train: handheld/train00'
        """
        return tuple(
            f"{split}: {_list([recording.name for recording in getattr(self, split)])}"
            for split in ("train", "valid", "test")
        )

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


def _list(names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    return f"{len(names)} recordings, {', '.join(names[:_FIRST_NAMES])} and so on"


def _require_alike(first: Recording, other: Recording, where: str) -> None:
    if abs(other.rate_hz / first.rate_hz - 1) > _RATE_TOLERANCE:
        message = f"sampled at {other.rate_hz:g} Hz where {first.name} has {first.rate_hz:g} Hz"
        raise DatasetError(message, where=where, advice="set dataset.rate_hz, which resamples all to one rate")
    if (other.mag is None) != (first.mag is None):
        with_mag, without = (first, other) if other.mag is None else (other, first)
        message = f"{without.name} has no magnetometer where {with_mag.name} has one"
        raise DatasetError(message, where=where, advice="give it to all recordings, or set use_mag: false")


def load_dataset(
    spec: str,
    *,
    seed: int = 0,
    modes: Sequence[str] | None = None,
    synthetic: SyntheticOptions | None = None,
    use_mag: bool | None = None,
    each: Callable[[Recording], Recording] | None = None,
) -> Dataset:
    """Load the dataset that a specification names.

    Args:
        spec: `oxiod:FOLDER`, `ronin:FOLDER`, `ridi:FOLDER`, `idol:FOLDER`, `csv:FOLDER` or `synthetic`.
        seed: Seed of the synthetic recordings, and of the split of a csv folder without split lists.
        modes: Carrying modes to keep; None for all.
        synthetic: Size of the synthetic dataset; refused for the others.
        use_mag: Whether the magnetometer is an input. Where it is not, recordings may lack one.
        each: What is done to every recording before they are held against each other (see `preparation`).

    Raises:
        DatasetError: Unknown specification, missing folder or split, unknown mode, malformed file, or recordings that
            do not go together. `where` is the key of the configuration, or the file or recording at fault.
    """
    splits = load_splits(spec, seed=seed, modes=modes, synthetic=synthetic)
    everywhere = all(recording.mag is not None for part in splits for recording in part)
    if use_mag is False and not everywhere:
        splits = Splits(*(tuple(dataclasses.replace(recording, mag=None) for recording in part) for part in splits))
    return Dataset(spec, *(part if each is None else tuple(map(each, part)) for part in splits))


def load_splits(
    spec: str, *, seed: int = 0, modes: Sequence[str] | None = None, synthetic: SyntheticOptions | None = None
) -> Splits:
    """Load the recordings that a specification names as they are; they need not go together.

    Args, Raises: As `load_dataset`.
    """
    scheme, _, rest = spec.partition(":")
    if spec == "synthetic":
        return synthesize(synthetic, modes=modes, seed=seed)
    _require_form(spec)
    if synthetic is not None:
        message = f"options of the synthetic dataset make no sense for '{scheme}'"
        raise DatasetError(message, where="dataset.synthetic", advice="remove them, or use the dataset 'synthetic'")
    with _files_named(_folder_of(rest)) as folder:
        return READERS[scheme](folder, modes=modes, seed=seed)


def load_recordings(
    spec: str, *, seed: int = 0, modes: Sequence[str] | None = None, synthetic: SyntheticOptions | None = None
) -> tuple[Recording, ...]:
    """Load every recording that a specification names, whatever splits there are.

    What a finished network is judged on needs no split: one list is enough, or none, or for `csv` a single file. Of the
    synthetic dataset these are the test recordings.

    Args, Raises: As `load_dataset`.
    """
    scheme, _, rest = spec.partition(":")
    if spec == "synthetic":
        return synthesize(synthetic, modes=modes, seed=seed).test
    _require_form(spec)
    with _files_named(_folder_of(rest)) as folder:
        return read_unsplit(scheme, folder, modes=modes)


def _require_form(spec: str) -> None:
    scheme, _, rest = spec.partition(":")
    if scheme not in READERS or not rest.strip():
        what = "names no folder" if scheme in READERS else "is not a dataset specification"
        raise DatasetError(f"'{spec}' {what}", where="dataset.source", advice=f"write {_FORMS}")


def _folder_of(rest: str) -> Path:
    return Path(os.path.expanduser(rest.strip()))  # noqa: PTH111 - pathlib's fails where there is no such user


@contextmanager
def _files_named(folder: Path) -> Iterator[Path]:
    """Failures of the file system become errors that name the file."""
    try:
        yield folder
    except (OSError, ValueError) as error:  # a folder that may not be looked into, a name that is none
        reason = getattr(error, "strerror", None) or error
        where = str(getattr(error, "filename", None) or folder)
        raise DatasetError(f"cannot be read ({reason})", where=where) from error
