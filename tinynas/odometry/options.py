"""What may be chosen of the data: where recordings come from, how they are cut, how large the built-in dataset is."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tinynas.checked import Count, Flag, Positive, Whole, options
from tinynas.errors import DatasetError
from tinynas.odometry.gait import CARRYING_MODES
from tinynas.odometry.windows import Target

__all__ = ["DatasetOptions", "SyntheticOptions", "distinct_modes"]

_LONGEST_RECORDING_S = 7200.0


@options("dataset.synthetic")
class SyntheticOptions:
    """Size of the synthetic dataset.

    Attributes:
        n_train: Training recordings, each of another person in another place.
        n_valid: Validation recordings.
        n_test: Test recordings.
        duration_s: Length of each recording in s.
        rate_hz: Sample rate in Hz, 20 to 1000.
        modes: Carrying modes, taken in turn by the recordings of a split: handheld, pocket, bag, swinging, trolley.

    Raises:
        ConfigError: A value has the wrong type.
        DatasetError: A value makes no dataset. `where` names the option.
    """

    n_train: Whole = 10
    n_valid: Whole = 3
    n_test: Whole = 3
    duration_s: Positive = 120.0
    rate_hz: Positive = 100.0
    modes: tuple[str, ...] = ("handheld", "pocket", "trolley")

    def __post_init__(self) -> None:
        for name in ("n_train", "n_valid", "n_test"):
            if not 1 <= getattr(self, name) <= 1000:
                raise _refuse(name, getattr(self, name), "a whole number from 1 to 1000")
        for name, low, high in (("duration_s", 1.0, _LONGEST_RECORDING_S), ("rate_hz", 20.0, 1000.0)):
            if not low <= getattr(self, name) <= high:
                raise _refuse(name, getattr(self, name), f"a number from {low:g} to {high:g}")
        object.__setattr__(self, "modes", distinct_modes(self.modes, where="dataset.synthetic.modes"))


@options("dataset")
class DatasetOptions:
    """Where the recordings come from and how they are cut.

    Attributes:
        source: `oxiod:FOLDER`, `ronin:FOLDER`, `csv:FOLDER` or `synthetic`.
        window: Window length in samples.
        stride: Samples between the starts of training windows.
        evaluation_stride: Samples between the starts of validation and test windows.
        target: `velocity` or `speed_heading`.
        use_mag: Whether the magnetometer is an input; None: if the data has one.
        modes: Carrying modes to read; None for all.
        synthetic: Size of the built-in dataset; None for its defaults.

    Raises:
        ConfigError: A value has the wrong type or is out of range.
        DatasetError: The window is too short for the target.
    """

    source: str = "synthetic"
    window: Annotated[int, Field(strict=True, ge=2, le=100_000)] = 200
    stride: Count = 20
    evaluation_stride: Count = 10
    target: Target = "velocity"
    use_mag: Flag | None = None
    modes: tuple[str, ...] | None = None
    synthetic: SyntheticOptions | None = None

    def __post_init__(self) -> None:
        if self.target == "speed_heading" and self.window < 3:
            raise DatasetError("speed_heading needs windows of at least 3 samples", where="dataset.window")


def distinct_modes(modes: object, *, where: str) -> tuple[str, ...]:
    """Return carrying modes without repetitions.

    Raises:
        DatasetError: It is not a list of modes, the list is empty, or there is no such mode.
    """
    if not modes or not isinstance(modes, tuple | list):
        raise DatasetError(f"{modes!r} is not a list of carrying modes", where=where)
    for mode in modes:
        if mode not in CARRYING_MODES:
            advice = f"modes there are: {', '.join(CARRYING_MODES)}"
            raise DatasetError(f"there is no mode {mode!r}", where=where, advice=advice)
    return tuple(dict.fromkeys(modes))


def _refuse(option: str, value: object, expected: str) -> DatasetError:
    return DatasetError(f"{value!r} is not {expected}", where=f"dataset.synthetic.{option}")
