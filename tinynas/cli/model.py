"""Model files as the commands take them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tinynas.errors import ConfigError

if TYPE_CHECKING:
    from tinynas.deploy import Model, PathSettings

__all__ = ["path_settings", "read_model", "study_path_settings"]


def read_model(path: Path) -> Model:
    """Read a .tflite file; errors about it name the path.

    Raises:
        ConfigError: It cannot be read.
    """
    from tinynas.deploy import Model

    if not path.is_file():
        what = "is a folder, not a file" if path.is_dir() else "is not a file" if path.exists() else "no such file"
        raise ConfigError(what, where=str(path), advice="name a .tflite model, such as the best.tflite of a study")
    try:
        return Model(path.read_bytes(), str(path))
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from error


def study_path_settings(path: Path, stride: int | None, turns: int | None) -> PathSettings:
    """What a board's program from samples to a path has to know of a model, out of the study beside it.

    Args:
        path: The .tflite file.
        stride: Samples from one velocity to the next; None: the study's.
        turns: Directions in which the network looks; None: the study's.

    Raises:
        ConfigError: There is no study beside it, or its network makes no path.
        StudyError: The study has not ended.
    """
    from tinynas.search import open_trained

    try:
        return open_trained(path).path_settings(turns=turns, stride=stride)
    except ConfigError as error:
        error.where = error.where or str(path)
        raise


def path_settings(
    path: Path, model: Model, rate_hz: float | None, stride: int | None, turns: int | None
) -> PathSettings:
    """Like `study_path_settings`, for measurements: a model without a study is given what costs the same.

    Args:
        path: The .tflite file.
        model: Its content.
        rate_hz: Sample rate; None: the study's, or 100 Hz.
        stride: See `study_path_settings`; 10 without a study.
        turns: See `study_path_settings`; 1 without a study.

    Raises:
        ConfigError, StudyError: As `study_path_settings`, where there is a study.
    """
    from tinynas.deploy import PathSettings
    from tinynas.odometry.attitude import compute_gains, compute_magnetometer_gains, initialise

    if (path.parent / "study.db").is_file():
        settings = study_path_settings(path, stride, turns)
        return settings if rate_hz is None else replace(settings, rate_hz=rate_hz)
    rate_hz, channels = rate_hz or 100.0, model.input.shape[-1]
    return PathSettings(
        rate_hz=rate_hz,
        stride=stride or 10,
        # What the numbers are scaled with costs nothing.
        mean=[0.0] * channels,
        std=[1.0] * channels,
        gains=initialise(compute_gains(rate_hz), "gains"),
        learning=initialise(compute_magnetometer_gains(rate_hz), "learning"),
        turns=turns or 1,
    )
