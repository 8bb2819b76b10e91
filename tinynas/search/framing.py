"""From recordings to windows as a configuration wants them; errors name its keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from tinynas.errors import DatasetError
from tinynas.odometry import (
    Dataset,
    DatasetOptions,
    Frame,
    Framed,
    Recording,
    Windows,
    WindowSpec,
    choose_frame,
    express,
    make_windows,
    simulate_walkers,
)

__all__ = ["bring_into_frame", "cut", "simulate"]


def bring_into_frame(dataset: Dataset, options: DatasetOptions) -> dict[str, tuple[Framed, ...]]:
    """Choose the frame and bring all recordings into it.

    Returns:
        By split: train, valid, test.

    Raises:
        DatasetError: The recordings do not have what the frame needs. `where` is the key.
    """
    with _naming_keys():
        frame = choose_frame(options.frame, dataset.recordings, target=options.target, use_mag=options.use_mag)
    if frame == "body" and options.mounting == "fixed":
        message = "in the body frame, which these data are learned in, the device's axes never change"
        raise DatasetError(message, where="dataset.mounting", advice="leave it at free")
    splits = {"train": dataset.train, "valid": dataset.valid, "test": dataset.test}
    bring = _bringer(options, frame)
    return {split: tuple(map(bring, recordings)) for split, recordings in splits.items()}


def cut(framed: Sequence[Framed], split: str, options: DatasetOptions, stride: int, reach: int | None) -> Windows:
    """Cut the recordings of a split into windows.

    Args:
        framed: In their frame.
        split: Its name, for errors.
        options: Window and target.
        stride: Samples between the starts of windows.
        reach: Samples that each window must have before its end, beside its own; None: its own.

    Raises:
        DatasetError: No window fits. `where` is the key.
    """
    recordings = [one.recording for one in framed]
    use_mag = options.use_mag if recordings[0].frame == "body" else None
    with _naming_keys(f"in the {split} split "):
        return make_windows(
            recordings, WindowSpec(options.window, stride, options.target, use_mag, options.span, reach)
        )


def simulate(recorded: Sequence[Framed], options: DatasetOptions, spec: WindowSpec, seed: int) -> Windows:
    """Windows of simulated walkers, as many recordings as the options ask for.

    Args:
        recorded: The training recordings, in their frame.
        options: How many, and how they are brought into the frame.
        spec: How windows are cut.
        seed: Of the walkers.

    Raises:
        DatasetError: The recordings are in the body frame. `where` is the key.
    """
    bring = _bringer(options, recorded[0].recording.frame)
    with _naming_keys():
        return make_windows(simulate_walkers(options.simulated, recorded, bring, seed=seed), spec)


def _bringer(options: DatasetOptions, frame: Frame) -> Callable[[Recording], Framed]:
    use_mag, mounting = options.use_mag, options.mounting
    return partial(express, frame=frame, options=options.attitude, use_mag=use_mag, mounting=mounting)


@contextmanager
def _naming_keys(before: str = "") -> Iterator[None]:
    """What works on recordings names the field that it was given; a user knows it as a key."""
    try:
        yield
    except DatasetError as error:
        raise DatasetError(f"{before}{error.message}", where=f"dataset.{error.where}", advice=error.advice) from error
