"""What may be chosen of the data: where recordings come from, how they are cut, how large the built-in dataset is."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated

from pydantic import Field

from tinynas.checked import Count, Flag, Positive, Whole, options
from tinynas.errors import DatasetError
from tinynas.odometry.attitude import AttitudeOptions
from tinynas.odometry.frames import FrameChoice, MountingChoice
from tinynas.odometry.simulator import CARRYING_MODES
from tinynas.odometry.windows import Target

__all__ = ["AlignOptions", "DatasetOptions", "SyntheticOptions", "distinct_modes"]

_LONGEST_RECORDING_S = 7200.0
# TinyOdom's windows: 2 s at 100 Hz. Errors of networks with longer windows compare with those of its.
_TARGET_SPAN = 200


@options("dataset.synthetic")
class SyntheticOptions:
    """Size of the synthetic dataset.

    Attributes:
        n_train: Training recordings, each of another person in another place.
        n_valid: Validation recordings.
        n_test: Test recordings, of other people, who hold the phone as nobody in training does.
        duration_s: Length of each recording in s.
        rate_hz: Sample rate in Hz, 20 to 1000.
        modes: Carrying modes, taken in turn by the recordings of a split: handheld, pocket, bag, swinging, trolley.

    Raises:
        ConfigError: A value has the wrong type.
        DatasetError: A value makes no dataset. `where` names the option.
    """

    n_train: Whole = 48
    n_valid: Whole = 8
    n_test: Whole = 8
    duration_s: Positive = 50.0
    rate_hz: Positive = 100.0
    modes: tuple[str, ...] = ("handheld", "pocket", "swinging", "trolley")

    def __post_init__(self) -> None:
        for name in ("n_train", "n_valid", "n_test"):
            if not 1 <= getattr(self, name) <= 1000:
                raise _refuse(name, getattr(self, name), "a whole number from 1 to 1000")
        for name, low, high in (("duration_s", 1.0, _LONGEST_RECORDING_S), ("rate_hz", 20.0, 1000.0)):
            if not low <= getattr(self, name) <= high:
                raise _refuse(name, getattr(self, name), f"a number from {low:g} to {high:g}")
        object.__setattr__(self, "modes", distinct_modes(self.modes, where="dataset.synthetic.modes"))


@options("dataset.align")
class AlignOptions:
    """What is done about ground truth that does not belong to the sensors as it is.

    Attributes:
        time: Shift it by the time offset between it and the sensors, and take a drift of the offset out.
        frame: Turn its orientation by the constant rotation between its body and the sensors' axes.
        truth: Interpolate it where it is slower than the sensors; mask it where it stands still while the device moves.
        gap_s: Longest stretch without samples that is interpolated, in s; longer ones are masked.

    Raises:
        ConfigError: A value has the wrong type or is out of range.
    """

    time: Flag = False
    frame: Flag = False
    truth: Flag = True
    gap_s: Annotated[float, Field(ge=0.0, le=10.0)] = 0.1


@options("dataset")
class DatasetOptions:
    """Where the recordings come from and how they are cut.

    Attributes:
        source: `oxiod:FOLDER`, `ronin:FOLDER`, `ridi:FOLDER`, `idol:FOLDER`, `csv:FOLDER` or `synthetic`.
        window: Window length in samples.
        stride: Samples between the starts of training windows.
        evaluation_stride: Samples between the starts of validation and test windows.
        target: `velocity` or `speed_heading`.
        target_span: Samples, up to the window's last one, that the target describes; None: the last 200, or all of a
            shorter window. More than the window has reach before its start.
        frame: What the inputs are expressed in: `body`, `level`, `north`, or `auto`, the best that the data allow.
        mounting: `fixed`: the device is always mounted alike, and networks see its axes in the frame as nine more
            channels; `free`: it is not. Level or north frame only.
        use_mag: Whether the magnetometer is used; None: if the data has one.
        modes: Carrying modes to read; None for all.
        attitude: The filter that brings samples into a frame.
        rate_hz: Rate to which recordings are resampled; None: as they are.
        align: What is done about ground truth that does not belong to the sensors as it is.
        synthetic: Size of the built-in dataset; None for its defaults.
        simulated: Recordings of simulated walkers that training sees beside the recorded ones. Level or north frame
            only.

    Raises:
        ConfigError: A value has the wrong type or is out of range.
        DatasetError: The window is too short for the target.
    """

    source: str = "synthetic"
    window: Annotated[int, Field(strict=True, ge=2, le=100_000)] = 200
    stride: Count = 20
    evaluation_stride: Count = 10
    target: Target = "velocity"
    target_span: Annotated[int, Field(strict=True, ge=2, le=100_000)] | None = None
    frame: FrameChoice = "auto"
    mounting: MountingChoice = "free"
    use_mag: Flag | None = None
    attitude: AttitudeOptions = field(default_factory=AttitudeOptions)
    modes: tuple[str, ...] | None = None
    rate_hz: Annotated[float, Field(ge=5.0, le=2000.0)] | None = None
    align: AlignOptions = field(default_factory=AlignOptions)
    synthetic: SyntheticOptions | None = None
    simulated: Annotated[int, Field(strict=True, ge=0, le=1000)] = 0

    def __post_init__(self) -> None:
        if self.target == "speed_heading" and self.span < 3:
            key = "window" if self.target_span is None else "target_span"
            raise DatasetError("speed_heading needs at least 3 samples", where=f"dataset.{key}")
        if self.frame == "body" and self.mounting == "fixed":
            raise DatasetError(
                "in the body frame the device's axes never change",
                where="dataset.mounting",
                advice="set dataset.frame to level or north, or leave dataset.mounting at free",
            )
        if self.frame == "north" and self.use_mag is False:
            raise DatasetError(
                "nothing tells north if the magnetometer is not used",
                where="dataset.frame",
                advice="choose level, or set dataset.use_mag to null",
            )

    @property
    def span(self) -> int:
        """Samples that the target describes."""
        return min(self.window, _TARGET_SPAN) if self.target_span is None else self.target_span


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
