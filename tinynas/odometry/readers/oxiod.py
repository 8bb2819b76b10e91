"""Reader of the Oxford Inertial Odometry Dataset in its original layout.

`MODE/dataN/syn/imuK.csv` and `viK.csv` (or `.csv.gz`) belong together row by row, at 100 Hz. Source: C. Chen et al.,
"OxIOD: The Dataset for Deep Inertial Odometry", arXiv:1809.07491.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from tinynas.errors import DatasetError
from tinynas.odometry.bounds import require_physical
from tinynas.odometry.ground_truth import trusted_rows
from tinynas.odometry.readers.files import existing_csv, nth_row, parse_floats, read_text, require_folder
from tinynas.odometry.readers.splitlists import (
    SPLITS,
    find_split_lists,
    name_missing,
    read_split_file,
    refuse_unread_lists,
)
from tinynas.odometry.recording import STANDARD_GRAVITY_M_S2, Recording, Splits
from tinynas.printable import printable

__all__ = ["read_oxiod", "read_oxiod_recording"]

RATE_HZ = 100.0

_IMU_COLUMNS = 16
_GYRO, _GRAVITY, _USER_ACC, _MAG = slice(4, 7), slice(7, 10), slice(10, 13), slice(13, 16)
_VICON_COLUMNS = 9
_TRANSLATION, _ROTATION = slice(2, 5), slice(5, 9)


def read_oxiod(folder: Path, *, modes: Sequence[str] | None = None, seed: int = 0) -> Splits:
    """Read every recording that the split lists of the mode folders name.

    Each mode folder holds `Train.txt`, `Valid.txt` and `Test.txt`: one IMU file a line, relative to the mode folder,
    for example `data1/syn/imu2.csv`.

    Args:
        folder: Folder that holds the mode folders (`handheld`, `trolley`, ...).
        modes: Mode folders to read; None for all that have a split list.
        seed: Not used: the split is on disk.

    Returns:
        The recordings of each split, named like `handheld/data1/imu2`.

    Raises:
        DatasetError: A mode or a list is missing, or a file is malformed (the message names file and row).
    """
    del seed
    chosen = _mode_folders(require_folder(folder), modes)
    parts: list[tuple[Recording, ...]] = []
    lists = {mode: _lists(mode) for mode in chosen}
    for split in SPLITS:
        recordings: list[Recording] = []
        for mode in chosen:
            path = lists[mode][split]
            entries = read_split_file(path)
            missing = [entry for entry in entries if existing_csv(mode / entry) is None]
            name_missing(missing, "a file of this mode", path, _ADVICE)
            recordings += [read_oxiod_recording(folder, mode.name, entry, path) for entry in entries]
        parts.append(tuple(recordings))
    return Splits(*parts)


def _lists(mode: Path) -> dict[str, Path]:
    """The split lists of a mode folder, all three."""
    lists = find_split_lists(mode)
    refuse_unread_lists(mode, list(lists.values()), lambda entry: existing_csv(mode / entry) is not None)
    for split in SPLITS:
        if split not in lists:
            message = f"the mode '{mode.name}' has no list of its {split} recordings"
            raise DatasetError(message, where=str(mode / f"{split}.txt"), advice=_ADVICE)
    return lists


_ADVICE = "write one IMU file a line, relative to the mode folder, such as data1/syn/imu2.csv"


def _mode_folders(folder: Path, modes: Sequence[str] | None) -> list[Path]:
    present = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and find_split_lists(path))
    if modes is None:
        if not present:
            message = "no mode folder holds a split list"
            raise DatasetError(message, where=f"{folder}/MODE/Train.txt", advice=_ADVICE)
        return present
    for mode in modes:
        if not (folder / mode).is_dir():
            known = ", ".join(path.name for path in present) or "none"
            message = f"there is no mode '{mode}' in {folder}"
            raise DatasetError(message, where="dataset.modes", advice=f"modes there: {known}")
    if not modes:
        advice = "name at least one mode, or leave modes out"
        raise DatasetError("no mode is asked for", where="dataset.modes", advice=advice)
    return [folder / mode for mode in dict.fromkeys(modes)]


def read_oxiod_recording(folder: Path, mode: str, entry: str, listed_in: Path) -> Recording:
    """Read one pair of IMU and Vicon files.

    The time is the row number at 100 Hz: the `Time` column was stored with 4 to 6 digits and is no clock. The specific
    force is -(gravity + user_acc) in G, as iOS reads z = -1 G lying face up. Ground truth is masked by `trusted_rows`.

    Args:
        folder: Root of the dataset.
        mode: Name of the mode folder.
        entry: IMU file relative to the mode folder, with or without `.gz`.
        listed_in: The list that names it, for errors.

    Raises:
        DatasetError: A file is missing or malformed, or the two differ in length.
    """
    relative = PurePosixPath(entry)
    if not relative.name.startswith("imu"):
        raise DatasetError(f"'{entry}' does not name an IMU file", where=str(listed_in), advice=_ADVICE)
    imu_path = _existing(folder / mode / relative, str(listed_in))
    truth_name = relative.name.replace("imu", "vi", 1)
    truth_path = _existing(folder / mode / relative.with_name(truth_name), f"its IMU file {imu_path.name}")
    imu, imu_place = _table(imu_path, _IMU_COLUMNS)
    truth, truth_place = _table(truth_path, _VICON_COLUMNS)
    if len(imu) != len(truth):
        message = f"{len(truth)} rows of ground truth for {len(imu)} rows in {imu_path.name}"
        raise DatasetError(message, where=str(truth_path), advice="row i of one belongs to row i of the other")
    _require_finite(imu_place, imu[:, 4:])
    accel = -STANDARD_GRAVITY_M_S2 * (imu[:, _GRAVITY] + imu[:, _USER_ACC])
    require_physical({"accel": accel, "gyro": imu[:, _GYRO], "mag": imu[:, _MAG]}, imu_place)
    position, orientation = truth[:, _TRANSLATION], truth[:, _ROTATION]
    require_physical({"position": position}, truth_place)
    with np.errstate(over="ignore", invalid="ignore"):
        unit = np.abs(np.linalg.norm(orientation, axis=1) - 1) < 0.01
    valid = trusted_rows(position, RATE_HZ) & unit
    stem = relative.name.split(".", 1)[0]
    parents = [part for part in relative.parts[:-1] if part != "syn"]
    return Recording(
        name=printable("/".join([mode, *parents, stem])),
        rate_hz=RATE_HZ,
        time_s=np.arange(len(imu)) / RATE_HZ,
        accel=accel,
        gyro=imu[:, _GYRO],
        mag=imu[:, _MAG],
        position=position,
        orientation=orientation,
        valid=valid,
        mode=printable(mode),
    )


def _existing(path: Path, listed_in: str) -> Path:
    found = existing_csv(path)
    if found is None:
        raise DatasetError(f"file {path.name} does not exist", where=str(path), advice=f"it is named by {listed_in}")
    return found


def _table(path: Path, width: int) -> tuple[NDArray[np.float64], Callable[[int], str]]:
    """All columns of a file, and the place of each row."""
    text = read_text(path)
    return parse_floats(path, text, range(width), width=width), lambda index: f"{path}:{nth_row(text, index, 0)}"


def _require_finite(place: Callable[[int], str], values: NDArray[np.float64]) -> None:
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if bad.size:
        message = f"{bad.size} row(s) hold a value that is not a number"
        advice = "cut the recording, or leave it out of the list"
        raise DatasetError(message, where=place(int(bad[0])), advice=advice)
